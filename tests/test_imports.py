"Imports point one way, need no extra, and cost little."
import ast, builtins, dis, os, subprocess, sys, types
from configparser import ConfigParser
from functools import cache
from importlib import metadata
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from project import ROOT, edges, imports, modules

LAYERS = ["core", "parts", "data", "tool"]                                        # then the rooms

def layer(module):
    part = (module.split(".") + [""])[1]
    return LAYERS.index(part) if part in LAYERS else len(LAYERS)

def upward(graph): return [f"{a} imports {b}" for a, bs in graph.items() if a != "sslkit" for b in sorted(bs) if layer(b) > layer(a)]

def cycle(graph):
    "A cycle as a list of modules, or an empty list."
    done = set()
    def visit(m, path):
        if m in path: return path[path.index(m):] + [m]
        if m in done: return []
        done.add(m)
        return next(filter(None, (visit(n, [*path, m]) for n in sorted(graph[m]))), [])
    return next(filter(None, (visit(m, []) for m in sorted(graph))), [])

def test_imports_point_one_way(): assert not upward(edges()), "core <- parts <- data <- tool <- rooms"
def test_no_cycles(): assert not cycle(edges())

def test_the_graph_sees_all_forms(tmp_path):
    sources = {"__init__": "", "core/__init__": "", "masked/__init__": "",
               "core/a": "from typing import TYPE_CHECKING\nfrom .b import f\nif TYPE_CHECKING: from sslkit.masked.room import g",
               "core/b": "def f():\n    import sslkit.masked.room as r",
               "core/c": "from . import a\nfrom .. import core",
               "masked/room": "from ..core.a import f\nfrom sslkit.core import b, c\nimport os, torch.nn"}
    for name, source in sources.items():
        path = tmp_path / f"sslkit/{name}.py"; path.parent.mkdir(parents=True, exist_ok=True); path.write_text(source)
    graph = edges(tmp_path)
    core = "sslkit.core."
    assert graph[core + "a"] == {core + "b"} and graph[core + "b"] == {"sslkit.masked.room"} and graph[core + "c"] == {core + "a", "sslkit.core"}
    assert graph["sslkit.masked.room"] == {core + "a", core + "b", core + "c"}
    assert upward(graph) == ["sslkit.core.b imports sslkit.masked.room"]
    assert set(cycle(graph)) == {core + "a", core + "b", "sslkit.masked.room"}

# --- no name is missing -----------------------------------------------------------------------------------------------------------------

def missing_names(source):
    "Globals that a module's functions read and nobody binds: a notebook has them from a cell that is not exported."
    top = compile(source, "module", "exec")
    def codes(code): return [code, *(c for x in code.co_consts if isinstance(x, types.CodeType) for c in codes(x))]
    used = lambda code, op: {i.argval for i in dis.get_instructions(code) if i.opname in op}
    bound = used(top, {"STORE_NAME"}).union(*(used(c, {"STORE_GLOBAL"}) for c in codes(top))) | set(dir(builtins)) | {"__name__", "__file__", "__doc__", "__path__", "__package__", "__spec__"}
    return sorted(set().union(*(used(c, {"LOAD_GLOBAL"}) for c in codes(top))) - bound)

@pytest.mark.parametrize("module", modules())
def test_functions_find_all_names(module): assert not missing_names(modules()[module].read_text(encoding="utf-8"))

def test_a_missing_name_is_found():
    assert missing_names("import os\ndef f(x):\n    g = lambda: plt.plot(os.name, x, y)\n    return g") == ["plt", "y"]
    assert missing_names("def f():\n    import matplotlib.pyplot as plt\n    return [plt for _ in range(3)], __name__") == []

# --- no extra ---------------------------------------------------------------------------------------------------------------------------

@cache
def allowed():
    "Import names of what a plain `pip install .` brings: the requirements and theirs."
    ini = ConfigParser(delimiters=["="]); ini.read(ROOT / "settings.ini", encoding="utf-8")
    todo, seen = [(Requirement(r), {""}) for r in ini["DEFAULT"]["requirements"].split()], set()
    while todo:
        r, asked = todo.pop()                                             # a requirement, and the extras of the package that has it
        mine = canonicalize_name(r.name), frozenset(r.extras)
        if mine in seen or (r.marker and not any(r.marker.evaluate({"extra": e}) for e in asked)): continue
        seen.add(mine)
        try: todo += [(Requirement(x), {"", *r.extras}) for x in metadata.requires(r.name) or []]
        except metadata.PackageNotFoundError: pass                        # a requirement of another platform
    seen = {name for name, _ in seen}
    named = lambda wheel: (wheel.read_text("top_level.txt") or "").split() or {f.parts[0].partition(".")[0] for f in wheel.files or () if f.suffix == ".py"}
    return {package for wheel in metadata.distributions() if canonicalize_name(wheel.metadata["Name"]) in seen for package in named(wheel)}      # Python 3.10 knows the first kind only

def test_what_counts_as_an_extra():
    assert {"torch", "torchvision", "numpy", "PIL", "sklearn", "lightning_fabric", "typer"} <= allowed()
    assert not {"lightly", "nbdev", "fastcore", "execnb", "pytest", "jupyterlab", "hypothesis"} & allowed()

def test_extras_are_imported_by_need_only():
    for name, path in modules().items():
        tops = {names[-1].split(".")[0] for names in imports(ast.parse(path.read_text(encoding="utf-8")), name)}
        beyond = tops - allowed() - set(sys.stdlib_module_names) - {"sslkit"}
        assert not beyond, f"{name} imports {beyond}; write need(package, extra) inside the function that needs it"

def python(code, *args, **env):
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout

def test_every_module_imports_without_extras():
    out = python("""
import importlib, importlib.metadata, sys
allowed, modules = set(sys.argv[1].split()), sys.argv[2].split()
class Block:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in installed - allowed: raise ModuleNotFoundError(f"{name} belongs to an extra", name=name)
installed = set(importlib.metadata.packages_distributions()) - set(sys.stdlib_module_names) - {"sslkit"}
sys.meta_path.insert(0, Block())
try: import lightly
except ModuleNotFoundError as e: assert "extra" in str(e)
else: raise SystemExit("the block does not work")
for name in modules: importlib.import_module(name)
print(len(modules), "lightly" in sys.modules)""", " ".join(sorted(allowed())), " ".join(modules()))
    assert out.split() == [str(len(modules())), "False"]

# --- and no torch where none is needed --------------------------------------------------------------------------------------------------

HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "timm", "lightning_fabric")

def test_import_is_fast_and_light():
    seconds = []
    for _ in range(3):
        took, *loaded = python("import sys, time; t = time.process_time(); import sslkit; print(time.process_time() - t, *sys.modules)").split()
        assert not set(HEAVY) & set(loaded)
        seconds.append(float(took))
    assert min(seconds) <= 0.2

@pytest.mark.skipif("sslkit.core.cli" not in modules(), reason="there is no command line yet")
@pytest.mark.parametrize("command", ["list", "--help"])
def test_command_line_needs_no_torch(command):
    code = """
import sys
sys.argv = ["sslkit", sys.argv[1]]
from sslkit.core.cli import main
try: main()
except SystemExit as e: assert not e.code, e.code
print(*sys.modules)"""
    assert not {"torch", "timm", "lightning_fabric", "sklearn"} & set(python(code, command).split())

@pytest.mark.skipif("sslkit.core.cli" not in modules(), reason="there is no command line yet")
def test_list_is_fast():
    def once():
        before = os.times(); python("import sys; sys.argv = ['sslkit', 'list']; from sslkit.core.cli import main; main()"); after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system     # not the clock: others may be busy
    assert min(once() for _ in range(3)) <= 0.5
