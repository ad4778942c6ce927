"What is generated agrees with the notebooks: modules, cards, README.md."
import ast, json, re, shutil
from collections import Counter
import pytest
import sync
from project import NBS, ROOT, notebooks, read

# --- this project ------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def made(): return sync.modules(ROOT)

def test_modules_are_what_the_notebooks_export(made):
    stale = [p.relative_to(ROOT).as_posix() for p, text in made.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    assert not stale, f"{stale}: run make sync"

def test_no_orphans(made):
    left = sync.orphans(ROOT, made | sync.cards(ROOT))
    assert not left, f"{left}: no notebook stands behind these; run make sync"

def test_cards_are_the_notebooks_own():
    for p, text in sync.cards(ROOT).items(): assert p.exists() and p.read_text(encoding="utf-8") == text, f"{p.name}: run make sync"

def test_readme_is_the_index():
    (p, text), = sync.readme(ROOT).items()
    assert p.exists() and p.read_text(encoding="utf-8") == text, "README.md: run make sync"

@pytest.mark.parametrize("path", notebooks(), ids=lambda p: p.relative_to(NBS).with_suffix("").as_posix())
def test_notebook_is_clean(path):
    assert path.read_text(encoding="utf-8") == sync.clean(path.read_text(encoding="utf-8"), path.relative_to(NBS).as_posix()), "run make sync"
    where = path.relative_to(NBS).with_suffix("")
    exports = [w for c in read(path)["cells"] if c["cell_type"] == "code" for w in re.findall(r"^#\|\s*default_exp (\S+)", c["source"], re.M)]
    assert exports in ([], [".".join(where.parts)]), f"nbs/{where}.ipynb exports to {exports}; the package mirrors nbs/ one to one"

def test_every_module_says_what_it_exports(made):
    for p, text in made.items():
        if p.name == "__init__.py": continue
        compile(text, p.name, "exec")                                     # ast.parse would let a late `from __future__` pass
        tree = ast.parse(text)
        assert "__all__" in [getattr(t, "id", "") for n in tree.body if isinstance(n, ast.Assign) for t in n.targets], p
        decorators = [ast.unparse(d) for n in ast.walk(tree) for d in getattr(n, "decorator_list", [])]
        assert not [d for d in decorators if d.split(".")[-1].startswith("patch")], f"{p}: nbdev drops what is decorated so from __all__"

def test_names_of_rooms_are_unique():
    twice = [n for n, k in Counter(p.stem for p in sync.rooms(ROOT)).items() if k > 1]
    assert not twice, f"{twice}: a room's name is its card's id"

# --- the mechanism, on a project of two notebooks -----------------------------------------------------------------------------------------

CARD = """#| export
paper = Paper(id="room", title="A room", authors="Doe", year=2020, chapter="masked", modality="image", arxiv="2001.00001",
    idea="Look at half.", claim="Half is enough.", fidelity=[("half", "paper")],
    minutes=20, level="advanced", after="look", question="Which half?")"""

def cell(source, kind="code", **more): return dict(cell_type=kind, metadata={}, source=source.splitlines(keepends=True), **more)
def put(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)))

@pytest.fixture
def project(tmp_path):
    shutil.copy(ROOT / "settings.ini", tmp_path)
    put(tmp_path / "nbs/masked/room.ipynb", cell("# A room\n\n> Half.", "markdown", id="a"),
        cell("#| default_exp masked.room", id="b", outputs=[dict(output_type="stream")], execution_count=3),
        cell("#| export\nfrom sslkit.core.paper import Paper", id="c"), cell(CARD, id="c"), cell("#| export\ndef half(x): return x / 2"), cell(""))
    put(tmp_path / "nbs/index.ipynb", cell("# Title\n\n[a](masked/room.ipynb), [b](../LICENSE), [c](https://d.org/e), [f](#g)", "markdown", id="a"),
        cell("#| hide\n1 + 1", id="b"), cell("#| eval: false\nimport sslkit", id="c"), cell("End.\n", "markdown", id="d"))
    return tmp_path

def snapshot(root): return {p.relative_to(root).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}

def test_sync_makes_everything_once(project):
    assert {p.relative_to(project).as_posix() for p in sync.sync(project)} == {
        "README.md", "nbs/index.ipynb", "nbs/masked/room.ipynb",
        "sslkit/__init__.py", "sslkit/cards/room.json", "sslkit/masked/__init__.py", "sslkit/masked/room.py"}
    first = snapshot(project)
    assert sync.sync(project) == [] and snapshot(project) == first                        # idempotent: not even a time of change
    assert (project / "README.md").read_text() == ("# Title\n\n[a](nbs/masked/room.ipynb), [b](LICENSE), [c](https://d.org/e), [f](#g)\n\n"
                                                   "```python\nimport sslkit\n```\n\nEnd.\n")
    assert json.loads((project / "sslkit/cards/room.json").read_text())["claim"] == "Half is enough."
    module = (project / "sslkit/masked/room.py").read_text()
    assert "__all__ = ['paper', 'half']" in module and "from ..core.paper import Paper" in module
    assert re.fullmatch(r'__version__ = "[\d.]+"\n', (project / "sslkit/__init__.py").read_text())

def test_sync_cleans(project):
    sync.sync(project)
    cells = json.loads((project / "nbs/masked/room.ipynb").read_text())["cells"]
    ids = [c["id"] for c in cells]
    assert ids[:3] == ["a", "b", "c"] and len(set(ids)) == len(ids) == 5  # kept; the second c renamed, the missing one made, the empty cell gone
    assert cells[1]["outputs"] == [] and cells[1]["execution_count"] is None

def test_what_a_cell_is_to_nbgrader_and_to_slides_stays(project):
    graded = dict(nbgrader=dict(grade_id="a", points=2), slideshow=dict(slide_type="slide"), collapsed=True, tags=["x"])
    put(project / "nbs/course/week.ipynb", dict(cell("1 + 1", id="a"), metadata=graded))
    sync.sync(project)
    assert json.loads((project / "nbs/course/week.ipynb").read_text())["cells"][0]["metadata"] == {k: graded[k] for k in ("nbgrader", "slideshow")}

def test_sync_mends_what_was_changed_and_removes_orphans(project):
    sync.sync(project); good = {k: v[0] for k, v in snapshot(project).items()}
    (project / "sslkit/masked/room.py").write_text("half = None")
    (project / "sslkit/__init__.py").write_text('__version__ = "0.0.9"\n')
    (project / "README.md").write_text("Edited by hand.")
    for orphan in ("sslkit/masked/left.py", "sslkit/gone/room.py", "sslkit/gone/__init__.py", "sslkit/cards/left.json"):
        (project / orphan).parent.mkdir(exist_ok=True); (project / orphan).write_text("")
    for kept in ("sslkit/py.typed", "sslkit/_modidx.py", "sslkit/ledger/masked/room.jsonl"):
        (project / kept).parent.mkdir(parents=True, exist_ok=True); (project / kept).write_text("kept"); good[kept] = b"kept"
    assert len(sync.sync(project)) == 7
    assert {k: v[0] for k, v in snapshot(project).items()} == good and not (project / "sslkit/gone").exists()

def test_a_room_without_a_card_is_refused(project):
    put(project / "nbs/masked/other.ipynb", cell("# Other", "markdown", id="a"))
    with pytest.raises(ValueError, match="other.ipynb"): sync.sync(project)

def test_export_leaves_the_process_alone(project, monkeypatch):
    import os
    before = os.getcwd(); sync.modules(project)
    assert os.getcwd() == before
    from nbdev.config import get_config
    monkeypatch.chdir(ROOT)
    assert get_config().config_path == ROOT
