"Pages that show all systems at once: the gallery, the timeline, the family tree."
from __future__ import annotations
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from PIL import Image
from sslkit.core.paper import CHAPTERS, KINDS
from sslkit.core.scoreboard import VERDICTS
from .notebook import raw_html
from .rooms import NAMES, badge, e, pretty, warnings

WIDTH = 320                                                               # pixels of a thumbnail

@dataclass(frozen=True)
class System:
    "A published system as the lists show it, with a room or without."
    id: str
    name: str
    title: str
    cite: str
    year: int
    chapter: str
    modality: str
    kind: str
    verdicts: tuple[str, ...]                          # of its claims; "unbuilt" where there is no room
    page: str                                          # address of its page, or of the paper
    idea: str = ""
    picture: str = ""                                  # address of its thumbnail
    alt: str = ""
    parents: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()                         # what takes away from the verdict: below floor, stale

    @property
    def built(self) -> bool: return "unbuilt" not in self.verdicts
    @property
    def verdict(self) -> str: return self.verdicts[0]
    @property
    def hover(self) -> str: return f"{self.name} ({self.year or 'year unknown'}): {NAMES.get(self.verdict, self.verdict)}"

def thumbnail(picture: bytes) -> bytes:
    "A small picture on white."
    im = Image.open(io.BytesIO(picture)).convert("RGBA")
    flat = Image.new("RGB", im.size, "white")
    flat.paste(im, mask=im.getchannel("A"))
    flat.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    flat.save(out, format="WEBP", quality=70, method=4)
    return out.getvalue()

def card(s: System) -> str:
    "A system in the gallery."
    picture = f"<img src='{e(s.picture)}' alt='{e(s.alt)}' loading=lazy decoding=async>" if s.picture else "<div class=no-picture aria-hidden=true></div>"
    name = f"<a href='{e(s.page)}'>{e(s.name)}</a>" if s.page else e(s.name)
    facts = " · ".join(filter(None, [pretty(s.chapter), pretty(s.modality), s.kind if s.kind != "method" else ""]))
    title = f"<p class=title>{e(s.title)}</p>" if s.title and s.title != s.name else ""
    return (f"<article class='system {s.verdict}' id='{s.id}' data-chapter='{s.chapter}' data-modality='{e(s.modality)}' data-year='{s.year or ''}' data-kind='{s.kind}' data-verdict='{' '.join(s.verdicts)}'>"
            f"{picture}<h2>{name}</h2><p class=cite>{e(s.cite or s.year)}</p>{title}<p class=idea>{e(s.idea)}</p><p class=foot>{badge(s.verdict)}{warnings(s.weak)} <span>{e(facts)}</span></p></article>")

def _choice(name: str, options: Iterable[tuple[str, str]]) -> str:
    every = "".join(f"<option value='{e(v)}'>{e(t)}" for v, t in options)
    return f"<label>{name}<select name='{name}'><option value=''>all{every}</select></label>"

def gallery(systems: Sequence[System]) -> str:
    "The page on which systems are looked for."
    there = lambda field: {getattr(s, field) for s in systems} - {"", 0}
    verdicts = {v for s in systems for v in s.verdicts}
    controls = (_choice("chapter", [(c, pretty(c)) for c in CHAPTERS if c in there("chapter")]) + _choice("modality", [(m, pretty(m)) for m in sorted(there("modality"))])
                + _choice("year", [(str(y), str(y)) for y in sorted(there("year"), reverse=True)]) + _choice("kind", [(k, k) for k in KINDS if k in there("kind")])
                + _choice("verdict", [(v, NAMES.get(v, v)) for v in (*VERDICTS, "unbuilt") if v in verdicts]))
    built = sum(s.built for s in systems)
    cards = "\n".join(map(card, sorted(systems, key=lambda s: not s.built)))
    return (f"---\nhtml_theme.sidebar_secondary.remove: true\n---\n# Gallery\n\n{len(systems)} published systems; {built} have a room: a notebook that builds the method and tests the paper's claim. The others are to come, and are shown without a picture.\n\n"
            + raw_html(f"<form class=filter role=search aria-label='Filter the systems'><label class=words>search<input type=search name=q placeholder='a name, an idea, an author ...'></label>{controls}"
                       f"<button type=reset>clear</button><output aria-live=polite></output></form>\n<div class=gallery>\n{cards}\n</div>\n<script src='_static/gallery.js'></script>"))

# --- through the years ------------------------------------------------------------------------------------------------------------------------

def dot(s: System) -> str:
    return f"<a class='dot {s.verdict}' href='{e(s.page if s.built else f'gallery.html#{s.id}')}' title='{e(s.hover)}' aria-label='{e(s.hover)}'></a>"

def timeline(systems: Sequence[System], first: int = 2013) -> str:
    "A table of chapters and years with a dot for each system."
    dated = [s for s in systems if s.year]
    years = range(first, max((s.year for s in dated), default=first) + 1)
    column = lambda s: max(s.year, first)
    head = "".join(f"<th scope=col>{'≤ ' * (y == first)}{y}" for y in years)
    chapters = [c for c in CHAPTERS if any(s.chapter == c for s in dated)]
    rows = "".join(f"<tr><th scope=row><a href='{c}/index.html'>{pretty(c)}</a>" + "".join(f"<td>{''.join(dot(s) for s in dated if s.chapter == c and column(s) == y)}" for y in years) for c in chapters)
    legend = " ".join(f"<span><i class='dot {v}'></i> {NAMES.get(v, v)}</span>" for v in (*VERDICTS, "unbuilt"))
    return f"<div class=wide tabindex=0 role=region aria-label='Timeline'><table class=timeline><thead><tr><td>{head}</thead><tbody>{rows}</tbody></table></div><p class=legend>{legend}</p>"

def places(systems: Mapping[str, System]) -> dict[str, tuple[int, int]]:
    "Where each system of the tree stands, in pixels: years from left to right, chapters from top to bottom, nobody on somebody else."
    chapters = [c for c in CHAPTERS if any(s.chapter == c for s in systems.values())]
    first, last = min(s.year for s in systems.values()), max(s.year for s in systems.values())
    early = max(first, min(last, 2014)) - 1                               # what is older stands in the first column
    lanes: dict[str, list[list[int]]] = {c: [] for c in chapters}         # for each chapter its lines; in a line the years that are taken
    line: dict[str, int] = {}
    for s in sorted(systems.values(), key=lambda s: (s.year, s.id)):
        year = max(s.year, early)
        free = next((k for k, taken in enumerate(lanes[s.chapter]) if year not in taken), None)
        if free is None: free = len(lanes[s.chapter]); lanes[s.chapter].append([])
        lanes[s.chapter][free].append(year); line[s.id] = free
    top, at = {}, 34
    for c in chapters: top[c] = at; at += 22 * len(lanes[c]) + 14
    return {s.id: (120 + 136 * (max(s.year, early) - early), top[s.chapter] + 22 * line[s.id]) for s in systems.values()}

def tree(systems: Sequence[System], listed: set[str]) -> str:
    "Who builds on whom, as an SVG whose names are links to rooms, or to the gallery for what is `listed` there."
    where = lambda s: f" href='{e(s.page)}'" if s.built else f" href='gallery.html#{s.id}'" if s.id in listed else " tabindex=0"
    by_id = {s.id: s for s in systems if s.year}
    linked = {i for s in by_id.values() for i in (s.id, *s.parents) if s.parents}
    shown = {i: s for i, s in by_id.items() if i in linked}
    if not shown: return "<p>No card names a system that it builds on yet.</p>"
    at = places(shown)
    width, height = max(x for x, _ in at.values()) + 150, max(y for _, y in at.values()) + 30
    def curve(a, b):
        (x0, y0), (x1, y1) = at[a], at[b]
        bend = max((x1 - x0) // 2, 24)
        return f"<path d='M{x0} {y0}C{x0 + bend} {y0} {x1 - bend} {y1} {x1} {y1}' data-from='{a}' data-to='{b}'/>"
    edges = "".join(curve(p, s.id) for s in shown.values() for p in s.parents if p in shown)
    short = lambda name: name if len(name) <= 19 else name[:18] + "…"
    nodes = "".join(f"<a id='{s.id}'{where(s)} class='{s.verdict}' data-parents='{' '.join(p for p in s.parents if p in shown)}'>"
                    f"<title>{e(s.hover)}</title><circle cx={at[s.id][0]} cy={at[s.id][1]} r=5 /><text x={at[s.id][0] + 9} y={at[s.id][1] + 4}>{e(short(s.name))}</text></a>" for s in shown.values())
    years = {at[s.id][0]: s.year for s in sorted(shown.values(), key=lambda s: s.year)}
    grid = "".join(f"<line x1={x} x2={x} y1=22 y2={height} /><text x={x} y=14 text-anchor=middle>{y}</text>" for x, y in years.items())
    chapters = {s.chapter: min(at[q.id][1] for q in shown.values() if q.chapter == s.chapter) for s in shown.values()}
    names = "".join(f"<text x=4 y={y + 4}>{e(pretty(c))}</text>" for c, y in chapters.items())
    return (f"<div class=wide tabindex=0 role=region aria-label='Family tree'><svg class=tree viewBox='0 0 {width} {height}' width={width} height={height} role=group aria-label='Systems and those that build on them'>"
            f"<g class=grid aria-hidden=true>{grid}{names}</g><g class=edges aria-hidden=true>{edges}</g>{nodes}</svg></div><script src='_static/tree.js'></script>")

def history(systems: Sequence[System],         # of the gallery
            relatives: Sequence[System],       # these, and whatever else some of them build on
           ) -> str:
    "The page of the timeline and the family tree."
    return ("---\nhtml_theme.sidebar_secondary.remove: true\n---\n# History\n\nEvery system of the gallery, when it was published, and what it takes further.\n\n## Timeline\n\nA mark is a system; dotted rings have no room yet. Point at one to see its name, click to go there.\n\n"
            + raw_html(timeline(systems)) + "\n\n## Family tree\n\nA line leads from a system to those that take its idea further, as the cards say. Point at a name to see where it comes from and what came of it.\n\n" + raw_html(tree(relatives, {s.id for s in systems})))
