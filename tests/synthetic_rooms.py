"Rooms that do not exist, for measuring and testing what lists rooms: a checkout with n of them."
from __future__ import annotations
import base64, io, json, shutil
from pathlib import Path
import numpy as np
from PIL import Image
from project import ROOT
from sslkit.core.paper import CHAPTERS, Paper, catalogue
from sslkit.core.scoreboard import scoreboard

def papers(n: int) -> list[Paper]:
    "Cards made from the real ones, over all chapters, each building on the one before it in its chapter."
    real = catalogue()
    made = [json.loads(real[i % len(real)].to_json()) | dict(id=f"room_{i}", chapter=CHAPTERS[i % len(CHAPTERS)], year=2012 + i * 14 // n,
            builds_on=[f"room_{i - len(CHAPTERS)}"] if i >= len(CHAPTERS) else ["mixup"], needs=[]) for i in range(n)]
    return [Paper.from_json(json.dumps(m)) for m in made]

def entries(cards: list[Paper]) -> list[dict]:
    "What the scoreboard would say of them: the entries of the real rooms, over and over."
    real = scoreboard()
    return [real[i % len(real)] | {k: getattr(p, k) for k in ("id", "chapter", "year", "notebook")} for i, p in enumerate(cards)]

def picture(seed: int, height: int = 240, width: int = 600) -> str:
    "Something like a plot, as PNG in base64."
    pixels = np.full((height, width, 3), 255, np.uint8)
    walk = np.cumsum(np.random.default_rng(seed).normal(size=(3, width)), axis=1)
    for k, line in enumerate(walk): pixels[(height / 2 + 4 * line).clip(0, height - 1).astype(int), np.arange(width), k] = 0
    buffer = io.BytesIO(); Image.fromarray(pixels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()

def checkout(folder: Path, cards: list[Paper], cells: int = 30) -> Path:
    "A folder with a notebook, its executed copy, its module and its figure for every card; otherwise like this one."
    for name in ("settings.ini", "docs/systems.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    png = [picture(s) for s in range(8)]
    code = lambda source, *outputs: dict(cell_type="code", metadata={}, source=source, outputs=list(outputs), execution_count=1)
    text = lambda source: dict(cell_type="markdown", metadata={}, source=source)
    shown = lambda k: dict(output_type="display_data", data={"image/png": png[k % 8], "text/plain": "<Figure>"}, metadata={})
    for i, p in enumerate(cards):
        nb = [text(f"# Room {i}\n\n> The line below the title."), code(f"#| default_exp {p.chapter}.{p.id}"), code("paper", dict(output_type="execute_result", data={"text/html": p._repr_html_()}, metadata={}, execution_count=1))]
        for k in range(cells):
            nb += [text(f"## Part {k}\n\nProse about `sslkit.{p.chapter}.{p.id}` with $x_{{{k}}} = \\sum_i \\exp(s_i / \\tau)$."), code(f"#| export\ndef function_{k}(x, y=1):\n    'What it does.'\n    return x + y * {k}", *[shown(i + k)] * (k % 5 == 0))]
        nb += [code("save_figure(fig, 'figure')", shown(i))]
        for where, clean in ((folder / p.notebook, True), (folder / f"docs/_executed/{p.chapter}/{p.id}.ipynb", False)):
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_text(json.dumps(dict(cells=[dict(c, outputs=[]) if clean and c["cell_type"] == "code" else c for c in nb], metadata={}, nbformat=4, nbformat_minor=5)))
        (folder / p.notebook).with_suffix(".png").write_bytes(base64.b64decode(png[i % 8]))
        module = folder / f"sslkit/{p.chapter}/{p.id}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text("__all__ = ['f']\n\ndef f(x: int,  # what goes in\n      ) -> int:  # what comes out\n    'A function.'\n    return x\n")
    (folder / "nbs/guides").mkdir(exist_ok=True)
    (folder / "nbs/guides/comparison.ipynb").write_text(json.dumps(dict(cells=[text("# Guide\n\n> A line."), code("ANCESTORS = dict(mixup=2017)")], metadata={}, nbformat=4, nbformat_minor=5)))
    (folder / "nbs/index.ipynb").write_text(json.dumps(dict(cells=[text("# sslkit\n\n> A line.")], metadata={}, nbformat=4, nbformat_minor=5)))
    return folder
