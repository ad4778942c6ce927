"""Everything that is generated from the notebooks: `make sync` writes it, test_sync.py compares it.

clean notebooks (no outputs, stable ids) -> modules (sslkit/**/*.py) -> cards (sslkit/cards/*.json) and README.md. Only what differs is
written, and what no notebook stands behind is removed; so a second run changes nothing."""
from __future__ import annotations
import contextlib, hashlib, json, os, posixpath, re, shutil, sys, tempfile
from pathlib import Path
from project import ROOT, notebooks

KEPT = ("nbgrader", "slideshow")                                          # what a cell is to nbgrader, and to nbconvert's slides
KERNEL = {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}}

def clean(text: str, name: str) -> str:
    "A notebook as it is committed: without outputs, counts and metadata but for those in `KEPT`; cells keep their ids, and get one if they have none or another cell's."
    nb, cells, used = json.loads(text), [], set()
    for old in nb["cells"]:
        source = "".join(old["source"])
        if not source.strip(): continue
        cell, k = {"cell_type": old["cell_type"], "id": old.get("id"), "metadata": {k: old["metadata"][k] for k in KEPT if k in old.get("metadata", {})}, "source": source.splitlines(keepends=True)}, 0
        while not cell["id"] or cell["id"] in used:
            cell["id"], k = hashlib.sha1(f"{name}{source}{k}".encode()).hexdigest()[:8], k + 1
        used.add(cell["id"])
        if old["cell_type"] == "code": cell |= {"outputs": [], "execution_count": None}
        if old.get("attachments"): cell["attachments"] = old["attachments"]
        cells.append(cell)
    nb = {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

def clean_notebooks(root: Path) -> dict[Path, str]:
    "Every notebook as it should be."
    return {p: clean(p.read_text(encoding="utf-8"), p.relative_to(root / "nbs").as_posix()) for p in notebooks(root / "nbs")}

@contextlib.contextmanager
def _inside(folder: Path):
    before = os.getcwd(); os.chdir(folder)
    try: yield
    finally: os.chdir(before)

def modules(root: Path) -> dict[Path, str]:
    "Every module of the package: what nbdev exports into an empty folder, and the __init__.py files."
    from nbdev.config import get_config
    from nbdev.export import nb_export
    with tempfile.TemporaryDirectory() as temporary:
        empty = Path(temporary).resolve()
        shutil.copy(root / "settings.ini", empty)
        (empty / "sslkit").mkdir()
        with _inside(empty):
            get_config.cache_clear()
            version = get_config().version
            for path, text in clean_notebooks(root).items():
                copy = empty / path.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True); copy.write_text(text, encoding="utf-8")
                nb_export(copy, lib_path=empty / "sslkit")
        get_config.cache_clear()
        made = {root / f.relative_to(empty): f.read_text(encoding="utf-8") for f in (empty / "sslkit").rglob("*.py")}
    for folder in {d for f in made for d in f.relative_to(root).parents if d.name}:
        init = root / folder / "__init__.py"
        made.setdefault(init, init.read_text(encoding="utf-8") if init.exists() else "")
    top = root / "sslkit/__init__.py"
    line = f'__version__ = "{version}"\n'
    made[top] = re.sub(r"^__version__ = .*\n", lambda _: line, made[top], flags=re.M) if "__version__" in made[top] else line + made[top]
    return made

def rooms(root: Path) -> list[Path]:
    "The notebooks in the chapters, but for those that open one: these have cards."
    from sslkit.core.paper import CHAPTERS
    return [p for p in notebooks(root / "nbs") if p.parent.name in CHAPTERS and p.stem != "index"]

def cards(root: Path) -> dict[Path, str]:
    "The card of every room."
    from sslkit.core.paper import card_of
    return {root / f"sslkit/cards/{p.stem}.json": card_of(p).to_json() for p in rooms(root)}

def readme(root: Path) -> dict[Path, str]:
    "README.md: the cells of nbs/index.ipynb, but for those that say `#| hide`; links lead to the same files."
    index = root / "nbs/index.ipynb"
    if not index.exists(): return {}
    parts = []
    for cell in json.loads(index.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "raw" or re.match(r"#\|\s*hide", source): continue
        linked = re.sub(r"(?<=\]\()(?!\w+:|#)[^)\s]+", lambda m: posixpath.normpath(f"nbs/{m[0]}"), source)
        code = re.sub(r"^#\|.*\n", "", source, flags=re.M)
        parts.append(linked if cell["cell_type"] == "markdown" else f"```python\n{code}\n```")
    return {root / "README.md": "\n\n".join(parts) + "\n"}

def orphans(root: Path, made: dict[Path, str]) -> list[Path]:
    "Modules and cards that no notebook stands behind."
    there = [*(root / "sslkit").rglob("*.py"), *(root / "sslkit/cards").glob("*.json")]
    return sorted(p for p in there if p not in made and p.name != "_modidx.py")

def _write(made: dict[Path, str]) -> list[Path]:
    changed = [p for p, text in made.items() if not p.exists() or p.read_bytes() != text.encode()]
    for p in changed: p.parent.mkdir(parents=True, exist_ok=True); p.write_bytes(made[p].encode())
    return changed

def sync(root: Path = ROOT) -> list[Path]:
    "Bring everything up to date; returns the files that changed or went."
    changed, made = _write(clean_notebooks(root)), modules(root)
    changed += _write(made)
    rest = cards(root) | readme(root)                                     # after the modules: reading cards needs core.paper
    changed += _write(rest)
    gone = orphans(root, made | rest)
    for p in gone:
        p.unlink()
        if not any(f for f in p.parent.rglob("*") if "__pycache__" not in f.parts): shutil.rmtree(p.parent)
    return sorted({*changed, *gone})

if __name__ == "__main__":
    try: changed = sync()
    except ValueError as e: sys.exit(f"sync: {e}")                        # a card that is not one: its sentence says where and what
    for p in changed: print(p.relative_to(ROOT), "" if p.exists() else "(removed)")
    print(f"{len(changed)} files changed" if changed else "in sync")
