"The runner of notebooks: one notebook cannot reach the next, and a failure says where it is."
import gc, json, os, random, re, sys, time
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import notebooks
from notebooks import STATE, Failed, all_off, off, run
from project import notebooks as listed, read

def write(folder, name, *cells):
    "A notebook with the given cells: code, or (type, source)."
    cells = [("code", c) if isinstance(c, str) else c for c in cells]
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(dict(metadata={}, nbformat=4, nbformat_minor=5, cells=[
        dict(cell_type=kind, id=f"cell-{i}", metadata={}, source=source.splitlines(keepends=True),
             **(dict(outputs=[], execution_count=None) if kind == "code" else {})) for i, (kind, source) in enumerate(cells, 1)])))
    return path

def play(folder, *cells): return run(write(folder, "nb", *cells), root=folder)
def outputs(nb): return [(o["output_type"], "".join(o.get("text") or o["data"].get("text/plain", ""))) for c in nb["cells"] for o in c["outputs"]]

def same(a, b):
    "Equality of states, also where they hold arrays."
    if isinstance(a, (tuple, list)): return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict): return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, torch.Tensor): return torch.equal(a, b)
    if isinstance(a, np.ndarray): return np.array_equal(a, b)
    return a is b or a == b

# --- isolation ----------------------------------------------------------------------------------------------------------------------------

IMPORTS = "import builtins, logging, os, random, sys, tempfile, warnings\nimport matplotlib.pyplot as plt, numpy as np, torch"
VANDAL = {
    "folder": "os.chdir(tempfile.mkdtemp())",
    "environment": "os.environ['SSLKIT_VANDAL'] = '1'; os.environ['MPLBACKEND'] = 'svg'; del os.environ['OMP_NUM_THREADS']",
    "sys.path": "sys.path.insert(0, '/nowhere')",
    "sys.argv": "sys.argv.append('--vandal')",
    "builtins": "builtins.print = None; builtins.vandal = 1",
    "hooks": "sys.excepthook = None; sys.ps1 = '> '",
    "log levels": "logging.getLogger('torch').setLevel(5); logging.getLogger().setLevel(1)",
    "logging off": "logging.disable(logging.CRITICAL)",
    "log handlers": "logging.getLogger().addHandler(logging.NullHandler())",
    "random": "random.seed(123)",
    "numpy random": "np.random.seed(123)",
    "numpy errors": "np.seterr(all='ignore')",
    "numpy printing": "np.set_printoptions(precision=1)",
    "torch random": "torch.manual_seed(123)",
    "torch printing": "torch.set_printoptions(precision=1)",
    "dtype": "torch.set_default_dtype(torch.float64)",
    "device": "torch.set_default_device('meta')",
    "threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "gradients": "torch.set_grad_enabled(False)",
    "anomaly": "torch.autograd.set_detect_anomaly(True)",
    "determinism": "torch.use_deterministic_algorithms(True)",
    "matmul precision": "torch.set_float32_matmul_precision('medium')",
    "cudnn benchmark": "torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark",
    "cudnn deterministic": "torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic",
    "figures": "plt.ioff(); plt.figure('left open')",
    "backend": "plt.switch_backend('svg')",
    "rcParams": "plt.rcParams['figure.figsize'] = [1, 1]; plt.style.use('dark_background')",
    "warnings": "warnings.simplefilter('error')",
    "names of data": "from sslkit.data import source; source.EMBEDDED['vandal'] = (lambda size: None, {}); source.EMBEDDED.pop('world')",
    "readers": "from sslkit.data import source; source.READERS['folder'] = lambda *a: None",
    "experiments": "from sslkit.core import experiment; experiment._experiments['simclr'] = 'of the notebook'",
}
READ = {**{k: get for k, (get, _) in STATE.items()}, "warnings": lambda: list(__import__("warnings").filters)}

@pytest.mark.parametrize("what", VANDAL)
def test_state_is_put_back(what, tmp_path):
    before = READ[what]()
    play(tmp_path, IMPORTS, f"from test_runner import READ, same\nbefore = READ[{what!r}]()", VANDAL[what],
         f"if same(before, READ[{what!r}]()): raise SystemError('the vandal does nothing')")
    assert same(before, READ[what]())

def test_every_state_is_vandalised(): assert STATE.keys() - VANDAL.keys() == {"__main__"}      # changed by every notebook, see below

def test_main_module_and_namespace_are_fresh(tmp_path):
    main = sys.modules["__main__"]
    play(tmp_path, "import sys\nassert sys.modules['__main__'].__dict__ is globals()\nleft = 1")
    assert sys.modules["__main__"] is main and not hasattr(main, "left")
    play(tmp_path, "assert 'left' not in globals()")

def test_failure_is_isolated_too(tmp_path):
    before = torch.get_default_dtype(), os.getcwd()
    with pytest.raises(Failed): play(tmp_path, "import torch, os\ntorch.set_default_dtype(torch.float64)\nos.chdir('/')\n1 / 0")
    assert before == (torch.get_default_dtype(), os.getcwd())

def test_runs_in_its_folder_seeded_with_warm_modules(tmp_path):
    (tmp_path / "sub").mkdir(); (tmp_path / "sub/beside.py").write_text("")
    seen = []
    for name in "ab":
        for seed in (torch.manual_seed, np.random.seed, random.seed): seed(ord(name))          # whatever ran before
        path = write(tmp_path / "sub", name, "import beside, os, random, numpy as np, torch\nassert os.path.basename(os.getcwd()) == 'sub'",
                     "x = torch.rand(3); y = np.random.rand(3); z = np.array(random.random())")
        seen.append(run(path, root=tmp_path)["metadata"]["sslkit"]["results"])
    assert seen[0] == seen[1] and list(seen[0]) == ["x", "y", "z"]
    loaded = sys.modules["torch"]
    play(tmp_path, "import torch; torch.from_notebook = 1")
    assert sys.modules["torch"] is loaded and loaded.__dict__.pop("from_notebook") == 1

def test_reversed_order_computes_the_same(tmp_path):
    imports = "import os, numpy as np, torch"
    paths = [write(tmp_path, "a", imports, "torch.set_default_dtype(torch.float64); torch.manual_seed(5)", "os.environ['SCALE'] = '3'; x = torch.rand(4)"),
             write(tmp_path, "b", imports, "x = torch.rand(4) * int(os.environ.get('SCALE', 1))", "net = torch.nn.Linear(4, 2); y = net(x).detach()"),
             write(tmp_path, "c", imports, "torch.set_grad_enabled(False)", "x = np.random.rand(4); w = torch.ones(2, requires_grad=True) * 1")]
    one_way, other_way = ({p.stem: run(p, root=tmp_path)["metadata"]["sslkit"]["results"] for p in order} for order in (paths, paths[::-1]))
    assert one_way == other_way and list(one_way["b"]) == ["net", "x", "y"]

def test_results_tell_values_apart():
    values = [torch.zeros(2), torch.zeros(3), torch.zeros(0), torch.zeros(1, 2), torch.zeros(2, dtype=torch.int32),
              torch.zeros(2, dtype=torch.bfloat16), torch.tensor([0, 1e-9]), np.zeros(2), np.zeros(2, "float32")]
    fingerprints = [notebooks.results(dict(x=x)).get("x") for x in values]
    assert len(set(fingerprints)) == len(fingerprints) and None not in fingerprints
    assert notebooks.results(dict(_x=torch.zeros(2), t=1.0, o=np.array([object()]))) == {}

# --- failures -----------------------------------------------------------------------------------------------------------------------------

def test_failure_names_notebook_cell_and_line(tmp_path):
    with pytest.raises(Failed) as e:
        play(tmp_path, "def half(x):\n    assert x % 2 == 0, 'odd'\n    return x // 2", ("markdown", "Now"), "a = half(4)\n\nb = half(3)  # here",
             "raise SystemError('never reached')")
    text = str(e.value)
    assert text.startswith("nb.ipynb, cell 3, id cell-3, line 3: AssertionError: odd\n")
    assert ">   3 | b = half(3)  # here" in text                                          # the source of the cell, with the line
    assert "cell 1, id cell-1>\", line 2, in half" in text and "assert x % 2 == 0" in text   # and the way down to the cause
    assert "interactiveshell" not in text and "never reached" not in text

@pytest.mark.filterwarnings("ignore:To exit")
@pytest.mark.parametrize("source, words", [
    ("x = 1\nif x\n    pass", "line 2: SyntaxError"), ("import nothing_of_this_name", "ModuleNotFoundError"), ("raise SystemExit(0)", "SystemExit"),
    ("%no_such_magic", "no_such_magic"), ("import matplotlib.pyplot as plt\nplt.plot([1], [1]); plt.title('$\\\\frac{$')", "ValueError")])
def test_failures_of_all_kinds(tmp_path, source, words):
    with pytest.raises(Failed, match="cell 2") as e: play(tmp_path, "1", source)
    assert words in str(e.value)

def test_failure_in_a_widget_counts(tmp_path):
    with pytest.raises(Failed, match="line 2: ZeroDivisionError"):
        play(tmp_path, "from ipywidgets import interact", "@interact(x=(0, 3))\ndef show(x=0): return 1 / x")

SHOW = "from ipywidgets import interact, FloatLogSlider, fixed\nimport matplotlib.pyplot as plt, numpy as np\ndef show(x=1, y=1.0, kind='a', on=True, n=3):\n    tried.append((x, y, kind, on, n)); plt.figure()\n"

def test_every_control_of_a_widget_is_moved(tmp_path):
    "One after the other to its ends and its middle, then all at once; as the notebook stands at its end."
    nb = play(tmp_path, "tried = []", SHOW + "    tried2[0]", "tried2 = [1]",
              "interact(show, x=(0, 10, 2), y=FloatLogSlider(1.0, min=-2, max=2), kind=['a', 'b', 'c'], on=True, n=fixed(3));\nfrom copy import copy\nstart = len(tried)", "import atexit\nplt.figure()")
    assert nb["metadata"]["sslkit"]["widgets"] == [dict(name="show", controls=["kind", "on", "x", "y"], calls=10)]

@pytest.mark.parametrize("body, words", [
    ("    1 / (10 - x)", "x=10, .*ZeroDivisionError"), ("    1 / (5 - x)", "x=5, .*ZeroDivisionError"), ("    np.log(y - 100.0)", "y=0.01.*RuntimeWarning"), ("    dict(a=1, b=2)[kind]", "kind='c'.*KeyError"),
    ("    assert on", "on=False"), ("    assert not (x == 10 and kind == 'c')", "x=10, .*kind='c'.*AssertionError"), ("    plt.title('$\\\\frac{$' if x == 0 else '')", "x=0, .*ValueError"),
    ("    if x == 0: plt.close('all')", "x=0, .*nothing is shown"), ("    gone", "NameError")])
def test_a_widget_that_fails_at_an_end_fails_the_notebook(tmp_path, body, words):
    cells = ["tried, gone = [], 1", SHOW + body, "interact(show, x=(0, 10), y=FloatLogSlider(150.0, min=-2, max=2.5), kind=['a', 'b', 'c'], on=True, n=fixed(3));", "del gone"]
    with pytest.raises(Failed) as e: play(tmp_path, *cells)
    assert re.search(words, str(e.value).replace("\n", " ")) and "the widget show(" in str(e.value)
    assert not plt.get_fignums()

def test_timeout(tmp_path):
    start = time.time()
    with pytest.raises(Failed, match="takes more than 0.3 s"):
        run(write(tmp_path, "nb", "import time\nwhile True:\n    try: time.sleep(5)\n    except Exception: pass"), timeout=0.3, root=tmp_path)
    assert time.time() - start < 3

# --- what is left out -----------------------------------------------------------------------------------------------------------------------

def test_eval_false(tmp_path):
    nb = play(tmp_path, "#| eval: false\nraise SystemError", "#| export\n#|eval:false\nraise SystemError", "#| eval: true\nx = '#| eval: false'; x",
              ("raw", "1 / 0"))
    assert [len(c.get("outputs", "-")) for c in nb["cells"]] == [0, 0, 1, 1] and not off(dict(source="x = 1\n#| eval: false"))

@pytest.mark.parametrize("first, expected", [
    (("raw", "---\ntitle: T\nexecute:\n  eval: false\n---"), True), (("raw", "---\nskip_exec: true\n---"), True),
    (("markdown", "# Title\n\n- eval: false"), True),
    (("markdown", "# Title\n\nWrite eval: false there."), False), (("raw", "---\ntitle: T\n---"), False), ("# eval: false", False)])
def test_front_matter(tmp_path, first, expected): assert all_off(read(write(tmp_path, "nb", first, "1 / 0"))) is expected

def test_listing(tmp_path):
    for name in ("b/room", "a/room", "b/.ipynb_checkpoints/room-checkpoint", "_drafts/room", "a/_room"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True); (tmp_path / f"{name}.ipynb").write_text("{}")
    assert [p.relative_to(tmp_path).as_posix() for p in listed(tmp_path)] == ["a/room.ipynb", "b/room.ipynb"]

# --- outputs --------------------------------------------------------------------------------------------------------------------------------

def test_outputs_in_their_order(tmp_path):
    nb = play(tmp_path, "from IPython.display import HTML, display\nimport sys\nprint('one', end=' '); print('line')\ndisplay(HTML('<b>two</b>'))\n"
              "print('three', file=sys.stderr)\n'four'", "5;", "print('six');", "_ + '!'", "None")
    assert outputs(nb) == [("stream", "one line\n"), ("display_data", "<IPython.core.display.HTML object>"), ("stream", "three\n"),
                           ("execute_result", "'four'"), ("stream", "six\n"), ("execute_result", "'four!'")]
    assert nb["cells"][0]["outputs"][1]["data"]["text/html"] == ["<b>two</b>"] and [c["execution_count"] for c in nb["cells"]] == [1, 2, 3, 4, 5]

def test_figures_in_every_notebook(tmp_path):
    for _ in range(2):                                                    # the second one uses a matplotlib that the first one set up
        nb = play(tmp_path, "import matplotlib.pyplot as plt", "fig, ax = plt.subplots(figsize=(1, 1))\n'value'", "assert not plt.get_fignums()")
        value, figure = nb["cells"][1]["outputs"]
        assert (value["output_type"], figure["output_type"]) == ("execute_result", "display_data") and "image/png" in figure["data"]

@pytest.mark.filterwarnings("ignore:InlineBackend._figure_formats_changed:DeprecationWarning")
def test_configuration_of_the_shell_is_gone(tmp_path):
    for first, kind in (("%config InlineBackend.figure_formats = ['svg']", "image/svg+xml"), ("1", "image/png")):
        nb = play(tmp_path, first, "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(1, 1))")
        assert kind in nb["cells"][1]["outputs"][0]["data"]

def test_display_that_is_updated_later(tmp_path):
    nb = play(tmp_path, "from IPython.display import display\nhandle = display('old', display_id=True)", "handle.update('new')")
    assert outputs(nb) == [("display_data", "'new'")]

def test_magics_await_and_widgets(tmp_path):
    nb = play(tmp_path, "%matplotlib inline\n%time x = 1", "import asyncio\nawait asyncio.sleep(0)\nx", "%%capture\nprint('hidden')",
              "from ipywidgets import interact\ninteract(lambda n=3: print('n is', n));")
    assert ("execute_result", "1") in outputs(nb) and ("stream", "n is 3\n") in outputs(nb) and "hidden" not in str(outputs(nb))
    assert any(notebooks.WIDGET in o.get("data", {}) for o in nb["cells"][-1]["outputs"])

def test_progress_bars_write_nothing(tmp_path):
    assert outputs(play(tmp_path, "from tqdm.auto import tqdm, trange\nfor _ in tqdm(range(3)): pass\nfor _ in trange(3): pass")) == []

def test_committed_figures_stay(tmp_path):
    (tmp_path / "nb.svg").write_text("committed")
    play(tmp_path, "from pathlib import Path\nPath('nb.svg').write_text('drawn'); Path('nb.png').write_text('new')",
         "assert Path('nb.svg').read_text() == 'drawn'")
    assert (tmp_path / "nb.svg").read_text() == "committed" and (tmp_path / "nb.png").read_text() == "new"

def test_nothing_of_a_notebook_stays_in_memory(tmp_path):
    play(tmp_path, "import weakref, torch\nclass Big: pass\nbig = Big()", "big", "torch.watched = weakref.ref(big)")
    watched = torch.__dict__.pop("watched")
    gc.collect()
    assert watched() is None

def test_executed_copies_are_keyed(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NBS", tmp_path); monkeypatch.setattr(notebooks, "EXECUTED", tmp_path / "out")
    path = write(tmp_path, "nb", "from sslkit.core.errors import unknown\nimport numpy as np\nx = np.arange(3)\nx")
    assert notebooks.kept(path) == {}
    notebooks.keep(path, run(path, root=tmp_path))
    copy = json.loads((tmp_path / "out/nb.ipynb").read_text())
    assert copy["cells"][0]["outputs"][0]["data"]["text/plain"] == ["array([0, 1, 2])"] and notebooks.kept(path) == copy["metadata"]["sslkit"]
    before = notebooks.key(path)
    monkeypatch.setattr(notebooks, "modules", lambda real=notebooks.modules: {**real(), "sslkit.core.errors": tmp_path / "nb.ipynb"})
    assert notebooks.key(path) != before and notebooks.kept(path) == {}                    # a module that it reaches has changed
    monkeypatch.undo(); monkeypatch.setattr(notebooks, "NBS", tmp_path); monkeypatch.setattr(notebooks, "EXECUTED", tmp_path / "out")
    assert notebooks.key(path) == before
    write(tmp_path, "nb", "x = 2")
    assert notebooks.kept(path) == {}                                                      # the notebook has changed
