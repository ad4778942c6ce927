"What a room's page says around its notebook: verdict, links, evidence, neighbours in the family."
from __future__ import annotations
import html, posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sslkit.core.paper import Paper
from sslkit.core.scoreboard import AGES, LEVELS, VERDICTS, difference, evidence_html, forest
from .notebook import raw_html

e = lambda x: html.escape(str(x))
WORDS = {**VERDICTS, "none": "no evidence on record yet", "unbuilt": "this system has no room yet"}
NAMES = {"none": "no evidence yet", "unbuilt": "not yet built"}

def pretty(name: str) -> str: return name.replace("_", " ")

@dataclass(frozen=True)
class Addresses:
    "Where things outside the site are; all of them can be set."
    repository: str                                    # https://github.com/<user>/<repo>
    branch: str = "main"
    lab: str = "http://localhost:8888/lab/tree"        # a JupyterLab or JupyterHub whose root is the repository
    colab: str = "https://colab.research.google.com/github"
    binder: str = "https://mybinder.org/v2/gh"

    @property
    def name(self) -> str: return "/".join(self.repository.rstrip("/").split("/")[-2:])
    def file(self, path: str) -> str: return f"{self.repository}/blob/{self.branch}/{path}"
    def notebook(self, path: str) -> dict[str, str]:
        "Where a notebook can be opened."
        return {"Colab": f"{self.colab}/{self.name}/blob/{self.branch}/{path}", "Binder": f"{self.binder}/{self.name}/{self.branch}?labpath={path.replace('/', '%2F')}",
                "JupyterLab": f"{self.lab.rstrip('/')}/{path}"}

def between(doc: str, other: str) -> str:
    "The address of a file of the site, seen from a page."
    return posixpath.relpath(other, posixpath.dirname(doc) or ".")

def badge(verdict: str, text: str = "") -> str:
    return f"<span class='mark {verdict}' title='{e(WORDS[verdict])}'>{e(text or NAMES.get(verdict, verdict))}</span>"

def below_floor(row: Mapping) -> bool: return row["verdict"] == "holds" and bool(row["below_floor"])

WEAK = {"below floor": "the claim holds, and yet what it praises is worse than a random network or the raw input", "stale": AGES["stale"]}

def weaknesses(row: Mapping) -> tuple[str, ...]:
    "What takes away from a verdict."
    return ("below floor",) * below_floor(row) + ("stale",) * (row["status"] == "stale")

def warnings(weak: Iterable[str]) -> str: return "".join(f" <span class='mark warn' title='{e(WEAK[w])}'>{w}</span>" for w in weak)

def badges(row: Mapping) -> str:
    "Verdict, level and what weakens it."
    out = [badge(row["verdict"]) + warnings(weaknesses(row))]
    if row["level"]: out.append(f"<span class=level-of><b>{e(row['level'])}</b>: {e(LEVELS[row['level']])}; scale {e(row['scale'])}, {row['n']} seeds</span>")
    return " ".join(out)

def clauses(row: Mapping) -> str:
    "Each clause in a line: text, difference, picture."
    lines = "".join(f"<li class={c['verdict']}><span>{e(c['text'])}</span><span class=x>{forest(c)}<small>{e(difference(c))}</small></span>" for c in row["clauses"])
    return f"<ol class=clauses>{lines}</ol>" if lines else ""

def head(paper: Paper, rows: Sequence[Mapping], doc: str, at: Addresses, figure: str = "", note: str = "") -> str:
    "Behind the title: verdicts with their clauses, and where the notebook and its figure can be had."
    verdicts = "".join(f"<div class=verdict><p>{badges(r)}</p>{clauses(r)}</div>" for r in rows)
    download = f"<a download href='{between(doc, f'notebooks/{doc}.ipynb')}'>Notebook</a>"
    opened = "".join(f"<a href='{e(url)}'>{name}</a>" for name, url in at.notebook(paper.notebook).items())
    if figure: download += f"<a download href='{between(doc, f'figures/{figure}')}'>Figure</a>"
    install = f"%pip install -q git+{at.repository} lightly"                                 # what rooms compare themselves with; the rest are requirements
    others = (f"<a href='{e(paper.link)}'>Paper</a>" if paper.link else "") + f"<a href='{between(doc, f'api/{paper.chapter}.html')}#module-{paper.module}'>Reference</a><a href='{e(at.file(paper.module.replace('.', '/') + '.py'))}'>Module</a>"
    said = f"<p class=notice>{e(note)}</p>" if note else ""
    return raw_html(f"<div class='room-head board'>{verdicts}<p class=more-evidence><a href='#evidence'>Every seed, the floors, and how it was run</a></p></div>"
                    f"<nav class=room-links aria-label='This notebook'>{download}{opened}{others}</nav><p class=faint>In Colab, run <code>{e(install)}</code> first.</p>{said}")

def evidence(paper: Paper, rows: Sequence[Mapping]) -> str:
    "The last section: what each verdict rests on."
    parts = []
    for r in rows:
        if r["verdict"] == "none": parts.append("<p>No plan is on record for this room yet, so nothing is claimed. What the notebook shows is a run at scale tiny, which gives no verdict.</p>"); continue
        parts.append(f"<div class=verdict><p>{badges(r)}</p><p><b>Tested.</b> {e(r['tested'])}</p>{evidence_html(r)}</div>")
    return "## Evidence\n\n" + raw_html(f"<div class='board evidence'>{''.join(parts)}</div>")

def family(paper: Paper, rooms: Mapping[str, Paper], names: Mapping[str, str], listed: set[str], doc: str) -> str:
    "What the room builds on and which rooms use it, as Markdown."
    def one(id):
        if id in rooms: return f"<a href='{between(doc, f'{rooms[id].chapter}/{id}.html')}'>{e(names.get(id, pretty(id)))}</a>"
        if id not in listed: return f"<span class=unbuilt>{e(pretty(id))}</span>"
        return f"<a class=unbuilt href='{between(doc, f'gallery.html#{id}')}' title='{WORDS['unbuilt']}'>{e(pretty(id))}</a>"
    users = [p.id for p in rooms.values() if paper.id in (*p.builds_on, *p.needs)]
    lines = [("Builds on", paper.builds_on), ("Rooms to have seen before", paper.needs), ("Used by", users)]
    body = "".join(f"<dt>{name}<dd>{', '.join(map(one, dict.fromkeys(ids)))}" for name, ids in lines if ids)
    tree = f"<p><a href='{between(doc, 'history.html')}#{paper.id}'>See it in the tree</a></p>" if any(paper.id in p.builds_on or p.id == paper.id and p.builds_on for p in rooms.values()) else ""
    return "## In the family tree\n\n" + raw_html(f"<dl class=family>{body}</dl>{tree}") if body else ""
