"""The ledger: what it takes and refuses, that nothing is lost, that the closure sees code and nothing else, and when old lines count."""
import copy
import json
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

import sslkit
from sslkit.core import ledger
from sslkit.core.claims import Claim, Metric, above_floor, all_of, better, check, correlates, down, judge, up
from sslkit.core.errors import InputError
from sslkit.core.ledger import (append, closure, closure_modules, commit, current_plan, environment, ledger_path, note, noting, plan_count, plan_digest, read, register, runs,
                                same_golden, schema, status, violation)

CODE, ENV = "c" * 16, dict(python="3.11.7", torch="2.6.0", device="cpu", threads=2, precision="float32", machine="Linux x86_64 AVX2")
CLAIM = all_of(better("m", than="b", metric="acc", by=0.05), above_floor("m", "acc"))
PLAN = dict(id="toy", scale="small", level="mechanism", claim=CLAIM, arms=["m", "b", "raw"], floors=["raw"], metrics=dict(acc=up("fraction")), looks=(5,),
            settings=dict(steps=10, lr=0.1), tried=dict(m=3, b=3), closure=CODE, commit="0.1.0")


def run_line(arm="m", seed=0, acc=0.5, **changed):
    return dict(kind="run", id="toy", scale="small", level="mechanism", arm=arm, seed=seed, metrics=dict(acc=acc), protocol=dict(acc="knn/k=20"), settings=dict(steps=10, lr=0.1),
                data=[dict(name="digits", digest="01", split="test")], plan=plan_digest(PLAN), closure=CODE, commit="0.1.0", env=ENV, steps=10, samples=640, seconds=1.5,
                peak_mb=None) | changed


def golden_line(arm="m", losses=(4.0, 3.5), acc=0.4, closure=CODE, **env):
    return dict(kind="golden", id="toy", scale="tiny", arm=arm, seed=0, losses=list(losses), metrics=dict(acc=acc), closure=closure, commit="0.1.0", env={**ENV, **env})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKIT_LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def refuses(words, call, *args, **kw):
    with pytest.raises(InputError) as e: call(*args, **kw)
    assert words in str(e.value) and "\n" not in str(e.value), str(e.value)


# ---------------------------------------------------------------- plans and witnesses

def test_a_witness_needs_a_plan():
    refuses("no plan for toy at scale small, level mechanism", append, run_line(), "pretext")
    assert read("toy", "pretext") == []
    digest = register(PLAN, "pretext")
    line = append(run_line(), "pretext")
    assert line["plan"] == digest == plan_digest(current_plan(read("toy", "pretext"))) and line["v"] == 1
    assert read("toy", "pretext")[1] == line == json.loads(ledger_path("toy", "pretext").read_text().splitlines()[1])
    refuses("no plan for toy at scale gpu", append, run_line(scale="gpu"), "pretext")
    refuses("level transfer", append, run_line(level="transfer"), "pretext")


def test_what_is_not_as_planned_is_refused():
    register(PLAN, "pretext")
    refuses("settings differ from the plan of toy at scale small, level mechanism in lr, warmup", append, run_line(settings=dict(steps=10, lr=0.2, warmup=1)), "pretext")
    refuses("arm='other' is not in the plan", append, run_line("other"), "pretext")
    refuses("is not the current plan", append, run_line(plan="0" * 16), "pretext")
    refuses("seed=1000 is a tuning seed", append, run_line(seed=1000), "pretext")
    refuses("seed=10 is neither", append, run_line(seed=10), "pretext")
    refuses("seed=999 is neither", append, run_line(seed=999), "pretext")
    refuses("seed=-1 is neither", append, run_line(seed=-1), "pretext")
    refuses("seed=1000 is a tuning seed", append, golden_line() | dict(seed=1000), "pretext")
    refuses("scale='tiny' gives no evidence", append, run_line(scale="tiny"), "pretext")
    refuses("scale='tiny' gives no evidence and needs no plan", register, {**PLAN, "scale": "tiny"}, "pretext")
    refuses("register(plan, chapter)", append, dict(PLAN, kind="plan"), "pretext")
    append(run_line(), "pretext")
    refuses("a witness is heard once", append, run_line(acc=0.9), "pretext")
    append(run_line(closure="d" * 16, acc=0.6), "pretext")                    # other code: it may speak again
    rows = read("toy", "pretext")
    assert [r["metrics"]["acc"] for r in runs(rows, current_plan(rows))] == [0.6] and len(rows) == 3


def test_a_changed_plan_is_another_plan():
    first = register(PLAN, "pretext"); append(run_line(), "pretext")
    assert register({**PLAN, "commit": "other", "closure": "e" * 16}, "pretext") == first and plan_count(read("toy", "pretext")) == 1
    for k, changed in enumerate([dict(tried=dict(m=4, b=3)), dict(looks=[5, 10]), dict(settings=dict(steps=20, lr=0.1)), dict(claim=better("m", than="b", metric="acc", by=0.04)),
                                 dict(metrics=dict(acc=down())), dict(arms=["m", "b", "raw", "x"], tried=dict(m=3, b=3, x=3))], 2):
        assert register({**PLAN, **changed}, "pretext") != first
        rows = read("toy", "pretext")
        assert plan_count(rows) == k and runs(rows, current_plan(rows)) == [] and any(r["kind"] == "run" for r in rows)
    refuses("is not the current plan", append, run_line(seed=1), "pretext")
    assert register(PLAN, "pretext") == first and plan_count(read("toy", "pretext")) == 8         # back again is one more change
    rows = read("toy", "pretext")
    assert len(runs(rows, current_plan(rows))) == 1
    register({**PLAN, "level": "transfer"}, "pretext")                                            # another level has its own plan
    rows = read("toy", "pretext")
    assert plan_count(rows, level="mechanism") == 8 and plan_count(rows) == 9 and current_plan(rows, level="mechanism")["level"] == "mechanism" and current_plan(rows, "gpu") is None


def test_a_plan_that_cannot_be_judged_is_refused():
    register_ = lambda **changed: register({**PLAN, **changed}, "pretext")
    refuses("the claim speaks of 'c'", register_, claim=better("m", than="c", metric="acc"))
    refuses("metric 'ac' is unknown", register_, claim=better("m", than="b", metric="ac"))
    refuses("metric 'rank' is unknown", register_, claim=correlates("rank", "acc"))
    refuses("the floor 'noise' is none", register_, floors=["noise"])
    refuses("declares none", register_, floors=[], tried=dict(m=1, b=1, raw=0))
    refuses("looks=(5, 7)", register_, looks=(5, 7))
    refuses("looks[1]=20 is outside", register_, looks=(10, 20))
    refuses("tried says nothing of b", register_, tried=dict(m=3))
    refuses("kind of clause 'beter'", register_, claim=dict(kind="beter"))
    refuses("arms[1]='b*'", register_, arms=["m", "b*"])
    assert read("toy", "pretext") == []
    register_(claim=all_of(CLAIM, check("fine")))


def test_from_plan_to_verdict():
    register(PLAN, "pretext")
    for arm, values in dict(m=[.8, .82, .81, .83, .8], b=[.7, .71, .7, .72, .71], raw=[.5] * 5).items():
        for seed, v in enumerate(values): append(run_line(arm, seed, v), "pretext")
    rows = read("toy", "pretext"); plan = current_plan(rows)
    assert Claim.from_dict(plan["claim"]) == CLAIM and len(rows) == 16
    found = judge(Claim.from_dict(plan["claim"]), runs(rows, plan), {k: Metric.from_dict(m) for k, m in plan["metrics"].items()}, plan["floors"], plan["looks"], plan["arms"])
    assert found.verdict == "holds" and found.n == 5


# ---------------------------------------------------------------- lines and their schema

LINES = [dict(v=1, date="2026-01-02T03:04:05Z") | json.loads(json.dumps(ledger.plain(line))) for line in (dict(PLAN, kind="plan"), run_line(claim="m is better"), golden_line())]
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_schema_is_a_schema_and_takes_what_is_written():
    jsonschema.Draft202012Validator.check_schema(schema())
    for line in LINES:
        VALIDATOR.validate(line)
        assert violation(line) is None
    curves = run_line() | dict(v=1, date=LINES[0]["date"], metrics=dict(knn=[[0, 0.1], [100, 0.5]], fine=True, acc=1))
    VALIDATOR.validate(curves); assert violation(curves) is None


def test_schema_refuses_broken_lines():
    for line in LINES:
        for name in line:
            if name == "claim" and line["kind"] == "run": continue                                 # the one that may be left out
            lacking = {k: v for k, v in line.items() if k != name}
            assert not VALIDATOR.is_valid(lacking) and violation(lacking), name
        assert not VALIDATOR.is_valid({**line, "mean": 0.5}) and "unknown mean" in violation({**line, "mean": 0.5})   # what can be computed is not stored
    for change in [dict(seed=1000), dict(seed=True), dict(seed=1.5), dict(scale="tiny"), dict(level="toy"), dict(metrics=dict(acc="0.5")), dict(metrics=dict(acc=None)), dict(metrics=dict(acc=[])),
                   dict(metrics=dict(acc=[[1, 2, 3]])), dict(plan="xyz"), dict(closure="C" * 16), dict(date="yesterday"), dict(steps=-1), dict(peak_mb="90"), dict(data=dict(name="d")),
                   dict(data=[dict(name="d", digest="1")]), dict(env={}), dict(id="Toy"), dict(arm="a b"), dict(arm="a*"), dict(protocol=["knn"]), dict(v=True), dict(kind="walk")]:
        line = {**LINES[1], **change}
        assert not VALIDATOR.is_valid(line) and violation(line), change


values = st.recursive(st.none() | st.booleans() | st.integers(-2, 12) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["", "run", "small", "a" * 16, "x y", "1.0"]),
                      lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(["name", "kind", "acc", "unit"]), v, max_size=3), max_leaves=5)


@settings(deadline=None, max_examples=300)
@given(line=st.sampled_from(LINES), data=st.data())
def test_light_validation_agrees_with_jsonschema(line, data):
    line = copy.deepcopy(line)
    at, name = line, data.draw(st.sampled_from(sorted(line)))
    while isinstance(at[name], (dict, list)) and at[name] and data.draw(st.booleans()):              # go down to a random place
        at, name = at[name], data.draw(st.sampled_from(sorted(at[name]) if isinstance(at[name], dict) else list(range(len(at[name])))))
    at[name] = data.draw(values)
    assert (violation(line) is None) == VALIDATOR.is_valid(line)


def test_committed_ledgers_are_valid():
    for path in (Path(sslkit.__file__).parent / "ledger").glob("*/*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            VALIDATOR.validate(json.loads(line)); assert json.loads(line)["id"] == path.stem


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(bad):
    register(PLAN, "pretext")
    refuses("metrics.acc=", append, run_line(acc=bad), "pretext")
    refuses("metrics.acc[0][1]=", append, run_line(acc=[[1, bad]]), "pretext")
    refuses("settings.lr=", register, {**PLAN, "settings": dict(lr=bad)}, "pretext")


def test_numbers_of_torch_and_numpy_become_plain():
    import numpy as np
    import torch
    register(PLAN, "pretext")
    line = append(run_line(acc=torch.tensor(0.5), seed=np.int64(3), steps=torch.tensor(7)) | dict(metrics=dict(acc=np.float32(0.5), fine=np.bool_(True), knn=np.array([[1, 2.5]]))), "pretext")
    assert line["metrics"] == dict(acc=0.5, fine=True, knn=[[1.0, 2.5]]) and line["steps"] == 7 and read("toy", "pretext")[-1] == line
    refuses("a tuning seed", append, run_line(seed=np.int64(1003)), "pretext")


# ---------------------------------------------------------------- files

def test_broken_lines():
    register(PLAN, "pretext"); append(run_line(), "pretext"); append(run_line(seed=1), "pretext")
    path, rows = ledger_path("toy", "pretext"), read("toy", "pretext")
    whole = path.read_bytes(); lines = whole.splitlines(keepends=True)
    for n, wrong, words in [(1, b"{oops\n", "is no JSON"), (1, lines[1].replace(b'"seed": 0', b'"seed": NaN'), "NaN is no JSON"), (0, lines[0].replace(b'"v": 1', b'"v": 2'), "update sslkit"),
                            (2, lines[2].replace(b'"seed": 1', b'"seed": 77'), "seed=77 is outside"), (1, b"[1]\n", "JSON object"), (1, b"\xff\xfe\n", "is no JSON")]:
        path.write_bytes(b"".join([*lines[:n], wrong, *lines[n + 1:]]))
        refuses(f"toy.jsonl:{n + 1}: ", read, "toy", "pretext"); refuses(words, read, "toy", "pretext")
    path.write_bytes(b"".join([lines[0], b"{oops\n", lines[2]])); broken = path.read_bytes()
    refuses("has a broken line", append, run_line(seed=3), "pretext")
    assert path.read_bytes() == broken
    path.write_bytes(whole.replace(b"\n", b"\r\n")); assert read("toy", "pretext") == rows           # a checkout on Windows
    path.write_bytes(lines[0] + b"\n" + lines[1] + lines[2]); assert read("toy", "pretext") == rows  # an empty line


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_torn_last_line(cut):
    register(PLAN, "pretext"); append(run_line(), "pretext"); append(run_line(seed=1), "pretext")
    path = ledger_path("toy", "pretext"); whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read("toy", "pretext")
        append(run_line(seed=2), "pretext")
    if cut == 1: assert [r.get("seed") for r in found] == [None, 0, 1] and not caught               # only the end of the line was lost
    else: assert [r.get("seed") for r in found] == [None, 0] and "toy.jsonl:3: the last line was never finished" in str(caught[0].message) and "cut off" in str(caught[1].message)
    assert [r.get("seed") for r in read("toy", "pretext")] == ([None, 0, 1, 2] if cut == 1 else [None, 0, 2])
    assert path.read_bytes().startswith(whole[:len(whole.rsplit(b"\n", 2)[0])])                     # finished lines are untouched


def test_a_failed_write_leaves_the_file_as_it_was(monkeypatch):
    register(PLAN, "pretext"); append(run_line(), "pretext")
    path = ledger_path("toy", "pretext"); before = path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:40]))                         # the disk takes forty bytes more
    refuses("the disk is full; set SSLKIT_LEDGER", append, run_line(seed=1), "pretext")
    monkeypatch.setattr(os, "write", write)
    assert path.read_bytes() == before
    append(run_line(seed=1), "pretext"); assert len(read("toy", "pretext")) == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk(folder):
    folder.mkdir(); (folder / "pretext").mkdir(); (folder / "pretext" / "toy.jsonl").symlink_to("/dev/full")
    refuses("the disk is full; set SSLKIT_LEDGER", register, PLAN, "pretext")


def test_folder_that_cannot_be_written(folder, monkeypatch):
    folder.write_text("a file")
    refuses("is a file, not a folder; set SSLKIT_LEDGER", register, PLAN, "pretext")
    folder.unlink(); register(PLAN, "pretext")
    def read_only(path, *args, **kw): raise OSError(30, "Read-only file system")
    monkeypatch.setattr(ledger.os, "open", read_only)
    refuses("read-only; set SSLKIT_LEDGER", append, run_line(), "pretext")
    def denied(path, *args, **kw): raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(ledger.os, "open", denied)
    refuses("no permission; set SSLKIT_LEDGER", append, run_line(), "pretext")


def test_where_the_ledger_is(folder, monkeypatch):
    assert ledger_path("toy", "pretext") == folder / "pretext" / "toy.jsonl"
    monkeypatch.delenv("SSLKIT_LEDGER")
    assert ledger_path("toy", "pretext") == Path(sslkit.__file__).parent / "ledger" / "pretext" / "toy.jsonl"
    for bad in ("../../etc", "Toy", "", "a/b"):
        refuses("is no name", ledger_path, bad, "pretext"); refuses("is no name", ledger_path, "toy", bad)


def write_many(folder, arms, seeds):
    os.environ["SSLKIT_LEDGER"] = folder
    for arm in arms:
        for seed in seeds: append(run_line(arm, seed, plan=plan_digest(many_arms())), "pretext")


def many_arms():
    arms = [f"arm{i}" for i in range(40)]
    return {**PLAN, "arms": arms, "claim": better("arm0", than="arm1", metric="acc"), "floors": [], "tried": dict.fromkeys(arms, 1)}


def test_two_processes_lose_nothing(folder):
    register(many_arms(), "pretext")
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=write_many, args=(str(folder), [f"arm{i}" for i in range(k, 40, 2)], range(10))) for k in range(2)]
    for w in workers: w.start()
    for w in workers: w.join(60)
    assert [w.exitcode for w in workers] == [0, 0]
    rows = read("toy", "pretext")
    assert {(r["arm"], r["seed"]) for r in rows[1:]} == {(f"arm{i}", s) for i in range(40) for s in range(10)} and len(rows) == 401


def test_two_threads_hear_a_witness_once():
    register(PLAN, "pretext")
    told = []
    def testify():
        for seed in range(10):
            try: append(run_line(seed=seed), "pretext"); told.append(seed)
            except InputError as e: assert "heard once" in str(e)
    threads = [threading.Thread(target=testify) for _ in range(2)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert sorted(told) == list(range(10)) and len(read("toy", "pretext")) == 11


# ---------------------------------------------------------------- closure

@pytest.fixture
def package(tmp_path, monkeypatch):
    "A package whose room reaches base (relative import), deep (inside a function), and not island."
    files = {"__init__.py": "__version__ = '1.0'\n", "core/__init__.py": "", "core/base.py": "def f(x):\n    'Doc.'\n    return 2 * x\n", "core/deep.py": "K = 3\n",
             "rooms/__init__.py": "", "rooms/island.py": "LOST = 1\n",
             "rooms/room.py": '"""Title."""\n# %% auto 0\n__all__ = ["run"]\nfrom ..core.base import f\nimport os\n\ndef run(x):  # why\n    from kitfortests.core import deep\n    return f(x) + deep.K\n'}
    root = tmp_path / "path" / "kitfortests"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True); (root / name).write_text(text)
    monkeypatch.syspath_prepend(str(root.parent))
    def change(name, old, new):
        text = (root / name).read_text(); assert old in text
        (root / name).write_text(text.replace(old, new))
        os.utime(root / name, ns=(os.stat(root / name).st_mtime_ns + 10**6,) * 2)
    return change


def test_closure_modules(package):
    assert closure_modules("kitfortests.rooms.room") == ["kitfortests", "kitfortests.core", "kitfortests.core.base", "kitfortests.core.deep", "kitfortests.rooms", "kitfortests.rooms.room"]
    assert "kitfortests" not in sys.modules                                                         # nothing was imported
    refuses("no source file", closure, "kitfortests.rooms.nowhere"); refuses("not a package", closure, "no_such_package_anywhere")


@pytest.mark.parametrize("name,old,new,same", [
    ("rooms/room.py", "  # why", "", True), ("rooms/room.py", "# %% auto 0", "# %% ../nbs/x.ipynb #12", True), ("rooms/room.py", "Title", "Other title", True),
    ("core/base.py", "'Doc.'", "'Another doc.'", True), ("core/base.py", "    'Doc.'\n", "", True), ("core/base.py", "return 2 * x", "\n\n    return (2*x)", True),
    ("rooms/island.py", "1", "2", True), ("__init__.py", "1.0", "1.1", True),
    ("core/base.py", "2 * x", "2.0 * x", False), ("core/base.py", "2 * x", "x * 2", False), ("core/base.py", "2 * x", "2 + x", False), ("core/deep.py", "3", "4", False),
    ("core/__init__.py", "", "import math\n", False), ("rooms/room.py", "run(x)", "run(y)", False), ("__init__.py", "__version__", "version", False)])
def test_closure_sees_code_only(package, name, old, new, same):
    before = closure("kitfortests.rooms.room")
    package(name, old, new)
    assert (closure("kitfortests.rooms.room") == before) == same


@pytest.mark.parametrize("statement,reached", [("from . import island", True), ("from .island import LOST", True), ("from ..rooms import island as x", True), ("import kitfortests.rooms.island", True),
                                               ("from kitfortests.rooms.island import *", True), ("'from . import island'", False), ("import island", False)])
def test_every_kind_of_import(package, statement, reached):
    package("rooms/room.py", "import os", statement)
    assert ("kitfortests.rooms.island" in closure_modules("kitfortests.rooms.room")) == reached


def test_a_moved_module_is_another_closure(package):
    before = closure("kitfortests.rooms.room")
    package("rooms/room.py", "import os", "from . import island")
    assert closure("kitfortests.rooms.room") != before
    package("rooms/room.py", "from . import island", "import os")
    assert closure("kitfortests.rooms.room") == before


def test_closure_is_the_same_in_every_python():
    source = textwrap.dedent('''
        from __future__ import annotations
        @dataclass(frozen=True)
        class A(B, metaclass=C):
            x: int = 1
            def f(self, a, /, b=2, *c, d: str = u"d", **e) -> None:
                return [i async for i in (yield a)] if (n := 10) else f"{a!r:>{n}} and {b}" + "x" "y"
        match = lambda *a: a[..., 1:2, None] @ {**a, 1: {2}} ; del match
        try: raise E from e
        except (A, B) as e: pass
    ''')
    import ast
    import hashlib
    assert hashlib.sha256(repr(ledger._tree(ast.parse(source))).encode()).hexdigest()[:16] == "cd0dda0fe21281db"


# ---------------------------------------------------------------- golden steps and status

def test_same_golden():
    a = golden_line()
    assert same_golden(a, golden_line()) and same_golden(a, golden_line(losses=(4.00003, 3.5))) and not same_golden(a, golden_line(losses=(4.0002, 3.5)))
    assert not same_golden(a, golden_line(losses=(8.0, 7.0))) and not same_golden(a, golden_line(losses=(4.0,))) and not same_golden(a, golden_line("b"))
    assert not same_golden(a, golden_line(losses=(-4.0, 3.5))) and not same_golden(a, {**a, "metrics": dict(knn=0.4)}) and not same_golden(a, golden_line(acc=0.41))
    for elsewhere in [dict(machine="Darwin arm64"), dict(torch="2.9.0"), dict(device="cuda H100"), dict(threads=4), dict(precision="bf16")]:
        assert same_golden(a, golden_line(losses=(4.03, 3.48), acc=0.408, **elsewhere)) and not same_golden(a, golden_line(losses=(4.05, 3.5), **elsewhere))
        assert not same_golden(a, golden_line(acc=0.42, **elsewhere)) and not same_golden(a, golden_line(losses=(8.0, 7.0), **elsewhere))
    assert same_golden(a, golden_line(losses=(4.00003, 3.5), python="3.13.0"))
    curve = lambda last: {**a, "metrics": dict(knn=[[0, .1], [10, last]], fine=True)}
    assert same_golden(curve(.5), curve(.5)) and not same_golden(curve(.5), curve(.6)) and not same_golden(curve(.5), {**curve(.5), "metrics": {**curve(.5)["metrics"], "fine": False}})


def test_status():
    lines, other, new = [run_line(), run_line("b")], "d" * 16, "e" * 16
    golden = [golden_line(a, closure=c) for a in "mb" for c in (CODE, other)]
    assert status(lines, CODE) == "current" and status([], CODE) == "current"
    assert status(lines + golden, other) == "revalidated" and status(lines + golden, new) == "stale" and status(lines, other) == "stale"
    assert status(lines + golden[:2], other) == "stale"                                            # of arm b nothing is known
    assert status(lines + golden[:2], other, of=lines[:1]) == "revalidated"
    doubled = [golden_line(a, closure=new, losses=(8.0, 7.0)) for a in "mb"]
    assert status(lines + golden + doubled, new) == "stale"
    near = [golden_line(a, closure=new, losses=(4.01, 3.5)) for a in "mb"]                          # elsewhere it would pass, here it does not
    assert status(lines + golden + near, new) == "stale"
    away = [golden_line(a, closure=new, losses=(4.01, 3.5), machine="Darwin arm64") for a in "mb"]
    assert status(lines + golden + away, new) == "revalidated"
    assert status(lines + golden + away + near, new) == "stale"                                     # the sharper comparison counts
    assert status([run_line(closure=other), *lines], CODE) == "stale"                               # the worst of all


# ---------------------------------------------------------------- environment, commit, notes

def test_environment_is_what_a_line_takes():
    import torch
    env = environment(torch.device("cpu"), "bf16")
    assert env["threads"] == torch.get_num_threads() and env["torch"] == torch.__version__ and env["device"] == "cpu" and env["precision"] == "bf16"
    assert violation({**LINES[1], "env": env}) is None


def test_no_torch_is_imported():
    code = "import sys; from sslkit.core import claims, ledger; e = ledger.environment(); ledger.commit(); ledger.closure('sslkit.core.train'); ledger.schema(); assert e['torch']; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_commit(tmp_path, monkeypatch):
    def git(*words): subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", *words], check=True, capture_output=True)
    (tmp_path / "sslkit" / "ledger" / "pretext").mkdir(parents=True); (tmp_path / "sslkit" / "code.py").write_text("x = 1")
    monkeypatch.setattr(ledger, "_root", lambda package: tmp_path / "sslkit")
    assert commit() == sslkit.__version__                                                           # no checkout
    git("init", "-q"); assert commit() == sslkit.__version__                                        # nothing committed yet
    git("add", "."); git("commit", "-qm", "first"); clean = commit()
    assert len(clean) == 10 and set(clean) <= set("0123456789abcdef")
    (tmp_path / "sslkit" / "ledger" / "pretext" / "toy.jsonl").write_text("{}\n"); assert commit() == clean   # recording evidence changes no code
    (tmp_path / "sslkit" / "code.py").write_text("x = 2"); assert commit() == clean + "-dirty"
    monkeypatch.setattr(ledger, "_root", lambda package: tmp_path / "venv" / "sslkit"); (tmp_path / "venv" / "sslkit").mkdir(parents=True)
    assert commit() == sslkit.__version__                                                           # installed inside somebody else's checkout


def test_notes():
    import torch
    note(steps=1)
    with noting() as outer:
        note(steps=torch.tensor(3), samples=10, seconds=0.5, peak_mb=7, losses=[torch.tensor(2.0)], data=dict(name="a", digest="1", split="train"), settings=dict(lr=0.1))
        with pytest.raises(KeyError):
            with noting() as inner:
                note(steps=2, peak_mb=5, losses=[1.0], data=[dict(name="a", digest="1", split="train"), dict(name="b", digest="2", split="test")], protocol={"knn": "k=20"}, settings=dict(lr=0.2))
                raise KeyError
        note(protocol={"linear": "ridge", "knn": "k=20"}, device="cpu")
    note(steps=100)
    assert inner["steps"] == 2 and inner["losses"] == [1.0] and len(inner["data"]) == 2
    assert outer["steps"] == 5 and type(outer["steps"]) is int and outer["peak_mb"] == 7 and outer["seconds"] == 0.5 and outer["losses"] == [2.0, 1.0]
    assert [d["name"] for d in outer["data"]] == ["a", "b"] and outer["protocol"] == {"knn": "k=20", "linear": "ridge"}
    assert outer["settings"] == dict(lr=[0.1, 0.2]) and outer["device"] == "cpu"                    # what differs is listed, not overwritten
    with noting() as mixed:
        for k in "aba": note(tag=k, settings=dict(lr=1) if k == "a" else "default")
    assert mixed == dict(tag=["a", "b"], settings=[dict(lr=1), "default"])
    inner["data"].append("x"); assert "x" not in outer["data"]
    json.dumps(outer)
