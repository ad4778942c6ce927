"Writes the sources that Sphinx reads, and the files that are copied beside its pages."
from __future__ import annotations
import ast, hashlib, json, posixpath, re
from collections.abc import Iterable, Mapping, Sequence
from configparser import ConfigParser
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from sslkit.core.paper import CHAPTERS, Paper, catalogue
from sslkit.core.scoreboard import LEDE, LEVELS, SCRIPT, STYLE, board_html, scoreboard, scoreboard_csv, tally
from sslkit.tool.course import name_rooms, read_notebook, release
from . import api, gallery, rooms
from .gallery import System
from .notebook import links, page, raw_html, teaching_picture, text, title_of
from .rooms import Addresses, badge, between, e, pretty

LIBRARY = dict(core="the engine, which knows no paper", parts="mechanisms, networks and metrics that several rooms use", data="sources of data, and generators", tool="what works on your own pictures")
NEVER = "The code of this notebook was changed and has not been executed since; outputs of cells that changed are missing here. The tests execute it."

@dataclass
class Site:
    "What the pages are computed from."
    root: Path                                         # the checkout: nbs/, sslkit/, docs/
    out: Path                                          # what is written: source/ for Sphinx, extra/ to be copied
    papers: Sequence[Paper] = field(default_factory=catalogue)
    entries: Sequence[Mapping] = field(default_factory=scoreboard)          # of the scoreboard
    addresses: Addresses | None = None
    copies: Path | None = None                         # executed notebooks; default: docs/_executed
    _made: set[Path] = field(default_factory=set, repr=False)

    @cached_property
    def at(self) -> Addresses:
        if self.addresses: return self.addresses
        ini = ConfigParser(delimiters=["="]); ini.read(self.root / "settings.ini", encoding="utf-8")
        return Addresses(ini["DEFAULT"]["git_url"], ini["DEFAULT"]["branch"])
    @cached_property
    def notebooks(self) -> dict[str, Path]:
        "Page name -> notebook."
        nbs = self.root / "nbs"
        files = [p for p in sorted(nbs.rglob("*.ipynb")) if not any(part[0] in "._" or part == "solutions" for part in p.relative_to(nbs).parts)]
        return {p.relative_to(nbs).with_suffix("").as_posix(): p for p in files}
    @cached_property
    def titles(self) -> dict[str, tuple[str, str]]:
        "Page name -> heading and the line below it."
        return {doc: title_of(json.loads(p.read_text(encoding="utf-8"))) for doc, p in self.notebooks.items()}
    @cached_property
    def lessons(self) -> dict[str, str]:
        "The pages of the course, docs/course/*.md, the syllabus first: name -> Markdown."
        files = sorted((self.root / "docs/course").glob("*.md"), key=lambda p: (p.stem != "index", p.stem))
        return {p.stem: p.read_text(encoding="utf-8") for p in files}
    @cached_property
    def exercises(self) -> dict[str, dict]:
        "Page name -> exercise as students get it, without solutions and hidden checks."
        return {f"course/{p.stem}_exercise": release(read_notebook(p)) for p in sorted((self.root / "nbs/course/solutions").glob("week*.ipynb"))}
    @cached_property
    def pictures(self) -> set[str]:
        "The figures beside the notebooks, seen from nbs."
        return {p.relative_to(self.root / "nbs").as_posix() for suffix in ("svg", "png", "jpg") for p in (self.root / "nbs").glob(f"*/*.{suffix}")}
    @cached_property
    def rooms(self) -> dict[str, Paper]: return {p.id: p for p in self.papers if f"{p.chapter}/{p.id}" in self.notebooks}
    @cached_property
    def names(self) -> dict[str, str]: return {id: self.titles[f"{p.chapter}/{id}"][0] or pretty(id) for id, p in self.rooms.items()}
    @cached_property
    def unbuilt(self) -> list[dict]:
        "Systems of docs/systems.json that have no room yet."
        return [r for r in json.loads((self.root / "docs/systems.json").read_text(encoding="utf-8")) if r["id"] not in self.rooms]
    def rows(self, id: str) -> list[Mapping]: return [r for r in self.entries if r["id"] == id]

    @cached_property
    def _keys(self) -> dict[str, str]:
        try: return json.loads((self.out / "keys.json").read_text(encoding="utf-8"))
        except (OSError, ValueError): return {}

    def changed(self, path: Path, *inputs: bytes | str) -> bool:
        "Whether a file has to be made again, for it is missing or its inputs, or this package, have changed."
        h = hashlib.sha256(_generator())
        for x in inputs: h.update(hashlib.sha256(x.encode() if isinstance(x, str) else x).digest())
        name, before = path.relative_to(self.out).as_posix(), self._keys.get(path.relative_to(self.out).as_posix())
        self._keys[name] = h.hexdigest()[:16]
        self._made.add(path)
        return before != self._keys[name] or not path.exists()

    def write(self, path: Path, content: str | bytes) -> None:
        "Write a file if its content differs."
        data = content.encode() if isinstance(content, str) else content
        self._made.add(path)
        if path.exists() and path.read_bytes() == data: return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def generate(self) -> list[str]:
        "Write everything; returns the notebooks that were not executed since their code was changed."
        opening = {f"{chapter}/index" for chapter in CHAPTERS}                          # they show the others' pictures
        missing = [doc for doc in self.notebooks if doc not in opening and not self.notebook_page(doc)]
        for doc, nb in self.exercises.items(): self.exercise_page(doc, nb)
        systems = self.systems()
        source = self.out / "source"
        self.write(source / "gallery.md", gallery.gallery(systems))
        self.write(source / "history.md", gallery.history(systems, self.relatives(systems)))
        self.write(source / "scoreboard.md", self.board())
        self.write(source / "_assets/board.css", board_css())
        self.write(source / "index.md", self.home(systems))
        for chapter in CHAPTERS:
            end = self.chapter(chapter, systems)
            if f"{chapter}/index" not in self.notebooks: self.write(source / chapter / "index.md", end)
            elif not self.notebook_page(f"{chapter}/index", end): missing.append(f"{chapter}/index")
        self.lists(source)
        self.reference(source)
        self.write(source / "nav.json", json.dumps(self.navigation(), ensure_ascii=False, indent=1))
        extra = self.out / "extra"
        self.write(extra / "scoreboard.json", json.dumps(self.entries, indent=1, ensure_ascii=False) + "\n")
        self.write(extra / "scoreboard.csv", scoreboard_csv(self.entries))
        for doc, path in self.notebooks.items(): self.write(extra / "notebooks" / f"{doc}.ipynb", path.read_bytes())
        for folder in (source, extra):
            for p in [p for p in folder.rglob("*") if p.is_file() and p not in self._made]: p.unlink()
        kept = {p.relative_to(self.out).as_posix() for p in self._made}
        self.write(self.out / "keys.json", json.dumps({k: v for k, v in sorted(self._keys.items()) if k in kept}, indent=1))
        return missing

    # --- notebooks --------------------------------------------------------------------------------------------------------------------------

    def executed(self, doc: str) -> tuple[dict, bool]:
        "The notebook with its outputs, and whether they are all there: text may have changed since it was executed, code may not."
        nb = json.loads(self.notebooks[doc].read_text(encoding="utf-8"))
        try: cells = json.loads(((self.copies or self.root / "docs/_executed") / f"{doc}.ipynb").read_text(encoding="utf-8"))["cells"]
        except (OSError, ValueError, KeyError): return nb, not any(c["cell_type"] == "code" for c in nb["cells"])
        code = lambda cells: [c for c in cells if c["cell_type"] == "code"]
        now, then = code(nb["cells"]), {text(c["source"]): c for c in code(cells)}
        for cell in now: cell["outputs"] = then.get(text(cell["source"]), cell).get("outputs", [])
        return nb, [text(c["source"]) for c in now] == [text(c["source"]) for c in code(cells)]

    def notebook_page(self, doc: str, tail: str = "") -> bool:
        "The page of a notebook, its figure and its thumbnail; returns whether there is an executed copy."
        path, name = self.notebooks[doc], posixpath.basename(doc)
        nb, there = self.executed(doc)
        note, head = "" if there else NEVER, ""
        figures = [f for f in sorted(path.parent.glob(f"{name}.*")) if f.suffix in (".svg", ".png", ".jpg")]
        if name in self.rooms and doc == f"{self.rooms[name].chapter}/{name}":
            paper, rows = self.rooms[name], self.rows(name)
            head = rooms.head(paper, rows, doc, self.at, figures[0].name if figures else "", note)
            tail = "\n\n".join(filter(None, [rooms.evidence(paper, rows), rooms.family(paper, self.rooms, self.names, {r['id'] for r in self.unbuilt}, doc)]))
        elif doc != "index":
            links = "".join(f"<a href='{e(url)}'>{to}</a>" for to, url in self.at.notebook(f"nbs/{doc}.ipynb").items())
            head = raw_html(f"<nav class=room-links aria-label='This notebook'><a download href='{between(doc, f'notebooks/{doc}.ipynb')}'>Notebook</a>{links}</nav>" + (f"<p class=notice>{note}</p>" if note else ""))
        known = self.pictures | {f"{d}.ipynb" for d in self.notebooks if d != "index"}
        for figure in figures:
            for folder in (f"source/{posixpath.dirname(doc)}", "extra/figures"): self.write(self.out / folder / figure.name, figure.read_bytes())
            self.thumbnail(name, nb, figure)
        target = self.out / "source" / ("start.ipynb" if doc == "index" else f"{doc}.ipynb")
        linked = re.findall(r"\]\(([^)\s]+)\)", "".join(text(c["source"]) for c in nb["cells"] if c["cell_type"] == "markdown"))
        inside = [x for x in linked if posixpath.normpath(posixpath.join(posixpath.dirname(doc), x)) in known]
        if self.changed(target, json.dumps(nb), head, tail, repr(self.at), repr(inside)):
            made = page(nb, posixpath.dirname(doc), lambda p: self.at.file(posixpath.normpath(f"nbs/{p}")), known, head, tail)
            if doc == "index": made["cells"][0]["source"] = made["cells"][0]["source"].replace("# sslkit", "# Getting started", 1)
            self.write(target, json.dumps(made, ensure_ascii=False, indent=0))
        return there

    def exercise_page(self, doc: str, nb: Mapping) -> None:
        "The page of an exercise, to be read here and solved in a notebook."
        file = f"notebooks/{doc}.ipynb"
        head = raw_html(f"<nav class=room-links aria-label='This notebook'><a download href='{between(doc, file)}'>Notebook</a></nav>"
                        "<p class=notice>To be solved in JupyterLab, where sslkit is installed; cells with checks say what is missing.</p>")
        made = page(nb, "course", lambda p: self.at.file(posixpath.normpath(f"nbs/{p}")), {f"{d}.ipynb" for d in self.notebooks}, head)
        self.write(self.out / f"source/{doc}.ipynb", json.dumps(made, ensure_ascii=False, indent=0))
        self.write(self.out / "extra" / file, json.dumps(nb, ensure_ascii=False, indent=1) + "\n")

    def thumbnail(self, name: str, nb: Mapping, figure: Path) -> None:
        "A small copy of the teaching figure; a drawing without executed copy is taken as it is."
        pixels = teaching_picture(nb) or (figure.read_bytes() if figure.suffix != ".svg" else None)
        target = self.out / "extra/thumbs" / (f"{name}.webp" if pixels else f"{name}.svg")
        if self.changed(target, pixels or figure.read_bytes()): self.write(target, gallery.thumbnail(pixels) if pixels else figure.read_bytes())

    # --- all systems --------------------------------------------------------------------------------------------------------------------------

    def systems(self) -> list[System]:
        "Rooms from their cards, the others from docs/systems.json, chapter by chapter and year by year."
        found = {}
        for r in self.unbuilt:
            link = f"https://arxiv.org/abs/{r['arxiv']}" if r.get("arxiv") else ""
            found[r["id"]] = System(r["id"], pretty(r["id"]), r.get("title", ""), r.get("cite", ""), r.get("year", 0), r["chapter"], r.get("modality", ""), r.get("kind", "method"), ("unbuilt",), link)
        for id, p in self.rooms.items():
            picture = next((f"thumbs/{id}{s}" for s in (".webp", ".svg") if self.out / f"extra/thumbs/{id}{s}" in self._made), "")
            verdicts = tuple(dict.fromkeys(r["verdict"] for r in self.rows(id))) or ("none",)
            found[id] = System(id, self.names[id], p.title, p.cite, p.year, p.chapter, p.modality, p.kind, verdicts, f"{p.chapter}/{id}.html", p.idea, picture, f"Teaching figure of {self.names[id]}", p.builds_on, tuple(dict.fromkeys(w for r in self.rows(id) for w in rooms.weaknesses(r))))
        return sorted(found.values(), key=lambda s: (CHAPTERS.index(s.chapter), s.year, s.id))

    def relatives(self, systems: Sequence[System]) -> list[System]:
        "The systems, and what else the cards build on."
        listed, years = {s.id for s in systems}, self.ancestors()
        heirs = {id: p for p in self.rooms.values() for id in p.builds_on if id not in listed and id in years}
        return [*systems, *(System(id, pretty(id), "", "", years[id], p.chapter, "", "method", ("unbuilt",), "") for id, p in heirs.items())]

    def ancestors(self) -> dict[str, int]:
        "The years of systems that cards name and that are in no list, as the guide that compares the methods gives them."
        path = self.notebooks.get("guides/comparison")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if path else []:
            if text(cell["source"]).startswith("ANCESTORS = "): return {k.arg: k.value.value for k in ast.parse(text(cell["source"])).body[0].value.keywords}
        return {}

    def chapter(self, chapter: str, systems: Sequence[System]) -> str:
        "The rooms of a chapter, then what is to come: its page, or the end of the notebook that opens it."
        mine, doc = [s for s in systems if s.chapter == chapter], f"{chapter}/index"
        near = lambda s: replace(s, page=between(doc, s.page) if s.built else s.page, picture=between(doc, s.picture) if s.picture else "")
        cards = lambda some: raw_html("<div class=gallery>" + "\n".join(gallery.card(near(s)) for s in some) + "</div>")
        built, waiting = [s for s in mine if s.built], [s for s in mine if not s.built]
        parts = ["## Built so far"] if doc in self.notebooks else [f"# {pretty(chapter).capitalize()}"]
        if built: parts += [cards(built), _toctree([s.id for s in built])]
        if waiting: parts += ["## Not yet built", cards(waiting)]
        return "\n\n".join(parts) + "\n"

    def board(self) -> str:
        "The scoreboard: levels in columns of their own, then every claim."
        cell = lambda row: f"{badge(row['verdict'])}{rooms.warnings(rooms.weaknesses(row))} <small>{e(row['scale'])}, n = {row['n']}</small>"
        of = lambda id, level: [r for r in self.rows(id) if r["level"] == level]
        columns = lambda id: "".join(f"<td data-sort='{''.join(r['verdict'] for r in of(id, level))}'>{'<br>'.join(map(cell, of(id, level)))}" for level in LEVELS)
        lines = "".join(f"<tr><th scope=row><a href='{p.chapter}/{id}.html'>{e(self.names[id])}</a><td>{p.year}<td><a href='{p.chapter}/index.html'>{e(pretty(p.chapter))}</a>{columns(id)}" for id, p in self.rooms.items())
        address = lambda row: f"{row['chapter']}/{row['id']}.html"
        head = "".join(f"<th scope=col><button type=button>{c}</button>" for c in ("room", "year", "chapter", *LEVELS))
        download = "<p class=room-links>Download: <a download href='scoreboard.csv'>CSV</a><a download href='scoreboard.json'>JSON, with every seed</a></p>"
        return (f"---\nhtml_theme.sidebar_secondary.remove: true\n---\n# Scoreboard\n\n{LEDE}\n\n" + raw_html(f"{download}<div class=board>{board_html(self.entries, address)}</div><script>{SCRIPT}</script>")
                + "\n\n## Level by level\n\nA verdict belongs to its level of evidence; levels are not summed.\n\n"
                + raw_html(f"<div class=wide tabindex=0 role=region aria-label='Verdicts by level'><table class=sortable><thead><tr>{head}</thead><tbody>{lines}</tbody></table></div><script src='_static/tables.js'></script>"))

    def home(self, systems: Sequence[System]) -> str:
        "The front page."
        built = [s for s in systems if s.built]
        words = [f"<li><b>{len(built)}</b> rooms of {len(systems)} systems"]
        for level in LEVELS:
            if counts := tally(self.entries, level): words.append(f"<li><b>{counts.get('holds', 0)}</b> of {sum(counts.values())} claims hold at level {level}")
        first = [s for s in built if self.rooms[s.id].level == "first course" and s.picture]
        first.sort(key=lambda s: (s.verdict != "holds", s.year))
        shown = "\n".join(gallery.card(s) for s in first[:6])
        begin = f"{first[0].chapter}/{first[0].id}" if first else "chapters"
        hero = (f"<div class=hero><p class=lede>Self-supervised learning as notebooks: every system implemented, explained, and its paper's claim put to a test that a laptop can run.</p>"
                f"<p class=room-links><a href='start.html'>Get started</a><a href='gallery.html'>All systems</a><a href='scoreboard.html'>Scoreboard</a></p><ul class=counts-of>{''.join(words)}</ul></div>")
        return ("---\nhtml_theme.sidebar_secondary.remove: true\n---\n# sslkit\n\n" + raw_html(hero)
                + f"\n\n::::{{grid}} 1 1 3 3\n:gutter: 3\n\n:::{{grid-item-card}} Learn\n:link: {begin}\n:link-type: doc\nOpen a room: read one idea, see it work in seconds, move a slider, break it, understand why.\n:::\n"
                f":::{{grid-item-card}} Teach\n:link: {'course/index' if self.lessons else 'history'}\n:link-type: doc\nA course of twelve weeks: lectures that are slides, exercises that grade themselves. Every room opens with a question and ends with exercises.\n:::\n"
                ":::{grid-item-card} Research\n:link: guides/index\n:link-type: doc\nImport a method, train it on your own unlabelled images, probe it, and look up every seed behind every number.\n:::\n::::\n\n"
                "## Rooms to begin with\n\n" + raw_html(f"<div class=gallery>{shown}</div>") + "\n\n" + _toctree(["start", "gallery", "chapters", "scoreboard", "history", "guides/index", *["course/index"] * bool(self.lessons), "library", "api/index"]))

    def lists(self, source: Path) -> None:
        "The pages that lead to chapters, guides and the notebooks of the library."
        inside = lambda folder: [d for d in self.notebooks if posixpath.dirname(d) == folder]
        line = lambda doc, seen_from="": f"- [{self.titles[doc][0]}]({between(seen_from or 'x', doc)}.ipynb): {self.titles[doc][1]}"
        per = lambda c: sum(p.chapter == c for p in self.rooms.values())
        listed = "\n".join(f"- [{pretty(c).capitalize()}]({c}/index.{'ipynb' if f'{c}/index' in self.notebooks else 'md'}): {per(c) or 'no'} room{'s' * (per(c) != 1)} so far" for c in CHAPTERS)
        self.write(source / "chapters.md", f"# Rooms\n\nChapter by chapter; a room is a published system as a notebook.\n\n{listed}\n\n{_toctree([f'{c}/index' for c in CHAPTERS])}")
        guides = inside("guides")
        listed = "\n".join(line(d, "guides/index") for d in guides)
        self.write(source / "guides/index.md", f"# Guides\n\nNotebooks that use many rooms.\n\n{listed}\n\n{_toctree([posixpath.basename(d) for d in guides])}")
        for name, page in self.lessons.items(): self.write(source / f"course/{name}.md", self.lesson(name, page))
        groups = "\n\n".join(f"## {g.capitalize()}: {what}\n\n" + "\n".join(map(line, inside(g))) + "\n\n" + _toctree(inside(g)) for g, what in LIBRARY.items() if inside(g))
        self.write(source / "library.md", f"# Library\n\nThe notebooks on which the rooms stand.\n\n{groups}")

    def lesson(self, name: str, page: str) -> str:
        "A page of the course: rooms named, and linked where they exist; the syllabus leads to lectures and the other pages."
        page = name_rooms(page, {id: f"../{p.chapter}/{id}.ipynb" for id, p in self.rooms.items()}, {r["id"] for r in self.unbuilt}, self.names)
        def resolve(link):
            path, mark, rest = link.partition("#")
            at = posixpath.normpath(posixpath.join("docs/course", path))
            if path.removeprefix("../").removesuffix(".ipynb") in self.notebooks or posixpath.dirname(at) == "docs/course" and posixpath.basename(at)[:-3] in self.lessons: return link
            if at.startswith("nbs/") and at[4:-6] in self.notebooks: return between("course/index", at[4:]) + mark + rest
            if posixpath.dirname(at) == "nbs/course/solutions": return posixpath.basename(at).replace(".ipynb", "_exercise.ipynb") + mark + rest
            return self.at.file(at)
        page = links(page, resolve)
        if name != "index": return page
        weeks = [posixpath.basename(d) for d in sorted([*self.notebooks, *self.exercises]) if posixpath.dirname(d) == "course"]
        return page + "\n" + _toctree([*weeks, *(n for n in self.lessons if n != "index")])

    # --- reference ------------------------------------------------------------------------------------------------------------------------------

    def modules(self) -> dict[str, list[str]]:
        "Part of the package -> page names of the notebooks that export into it."
        found: dict[str, list[str]] = {}
        for doc in self.notebooks:
            folder = posixpath.dirname(doc)
            if (self.root / f"sslkit/{doc}.py").exists() and folder: found.setdefault(folder, []).append(doc)
        return {f: found[f] for f in (*LIBRARY, *CHAPTERS) if f in found}

    def reference(self, source: Path) -> None:
        "A page for each part of the package, with every exported name."
        parts = self.modules()
        for folder, docs in parts.items():
            out = [f"# {folder}: reference"]
            for doc in docs:
                module = "sslkit." + doc.replace("/", ".")
                found = [x for x in api.read(self.root / f"sslkit/{doc}.py") if x.name != "paper"]
                if not found: continue
                out += [f"## {module}", f"{self.titles[doc][1]} [Notebook](../{doc}.ipynb)", f"```{{py:module}} {module}\n```",
                        *(api.markdown(x, module, self.at.file(f"sslkit/{doc}.py")) for x in found)]
            self.write(source / f"api/{folder}.md", "\n\n".join(out) + "\n")
        listed = "\n".join(f"- [{f}]({f}.md): {len(docs)} modules" for f, docs in parts.items())
        self.write(source / "api/index.md", f"# Reference\n\nEvery exported function and class, by chapter.\n\n{listed}\n\n{_toctree(list(parts))}")

    def navigation(self) -> list[dict]:
        "What the side bar shows: sections, each with its pages."
        verdict = lambda id: next((r["verdict"] for r in self.rows(id)), "none")
        out = [dict(title=pretty(c), doc=f"{c}/index", pages=[dict(doc=f"{c}/{id}", title=self.names[id], mark=verdict(id)) for id, p in self.rooms.items() if p.chapter == c]) for c in CHAPTERS]
        titles = {d: t for d, (t, _) in self.titles.items()} | {d: title_of(nb)[0] for d, nb in self.exercises.items()}
        inside = lambda folder: [dict(doc=d, title=titles[d], mark="") for d in sorted(titles) if posixpath.dirname(d) == folder]
        out = [s for s in out if s["pages"]] + [dict(title="guides", doc="guides/index", pages=inside("guides"))]
        heading = lambda page: re.search(r"^# (.+)$", page, re.M)[1]
        if self.lessons: out += [dict(title="course", doc="course/index", pages=inside("course") + [dict(doc=f"course/{n}", title=heading(t), mark="") for n, t in self.lessons.items() if n != "index"])]
        out += [dict(title=g, doc="library", pages=inside(g)) for g in LIBRARY]
        return out + [dict(title="reference", doc="api/index", pages=[dict(doc=f"api/{f}", title=f, mark="") for f in self.modules()])]

@cache
def _generator() -> bytes:
    "This package: pages are made anew when it changes."
    return b"".join(p.read_bytes() for p in sorted(Path(__file__).parent.glob("*.py")))

def _toctree(docs: Iterable[str]) -> str: return "```{toctree}\n:hidden:\n\n" + "\n".join(docs) + "\n```\n"

def board_css() -> str:
    "The scoreboard's style for the parts of a page of class `board`; colours are the site's."
    rules = [line for line in STYLE.splitlines() if not line.startswith((":root", "@media(prefers", "*{"))]
    return ".board{\n" + "\n".join(rules) + "\n}\n"
