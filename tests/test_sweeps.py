"Sweeps over machines: the workers of a dask cluster give what one process gives; what is finished is recorded, and what is recorded is not run again."
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed; pip install 'sslkit[sweeps]'")

from sslkit.core import experiment, ledger
from sslkit.core.cli import connect
from sslkit.core.errors import InputError
from sslkit.core.experiment import experiment_of, measure_all, verify

ARMS, CHANGED = ["raw_input", "random_encoder"], dict(data="chalk_on_photos", limit=300)


@pytest.fixture(scope="module")
def client():
    "Two workers for the whole file: each imports torch once."
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client: yield client


@pytest.fixture
def planned(tmp_path, monkeypatch):
    "The settings of a series of runs whose plan stands in a ledger of its own."
    monkeypatch.setenv("SSLKIT_LEDGER", str(tmp_path))
    monkeypatch.setattr(experiment, "check_golden", lambda *_: None)         # tested elsewhere, and dear
    e = experiment_of("simclr")
    ledger.register(e.plan(e.at("small", **CHANGED)), e.paper.chapter)
    return dict(of="simclr", scale="small", arms=ARMS, seeds=[0, 1], record=True, **CHANGED)


def lines(): return [(r["arm"], r["seed"]) for r in ledger.read("simclr", "contrastive") if r["kind"] == "run"]


class Watched:
    "A client that remembers what was submitted."
    def __init__(self, client): self.client, self.loop, self.sent, self.futures = client, client.loop, [], []
    def submit(self, function, id, arm, scale, seed):
        self.sent.append((arm, seed)); self.futures.append(self.client.submit(function, id, arm, scale, seed))
        return self.futures[-1]


def of_the_machine(row): return {k: v for k, v in row.items() if k not in ("seconds", "peak_mb", "date")}


def test_workers_give_what_one_process_gives(client):
    ask = lambda **where: sorted((of_the_machine(r.row) for r in verify("simclr", seeds=[0, 1], arms=ARMS, limit=300, **where).runs), key=lambda r: (r["arm"], r["seed"]))
    here, there = ask(jobs=1), ask(client=client)
    assert len(here) == 4 and here == there


def test_a_stopped_sweep_goes_on_where_it_stopped(client, planned, monkeypatch):
    append, watched = ledger.append, Watched(client)

    def stopped(*line):
        if len(lines()) == 2: raise KeyboardInterrupt
        return append(*line)
    monkeypatch.setattr(ledger, "append", stopped)
    with pytest.raises(KeyboardInterrupt): verify(**planned, client=watched)
    assert len(watched.sent) == 4 and len(done := lines()) == 2
    assert not any(f.status == "pending" for f in watched.futures)                               # what waited is cancelled
    monkeypatch.setattr(ledger, "append", append)
    again = verify(**planned, client=(second := Watched(client)))
    assert sorted(second.sent) == sorted(set(watched.sent) - set(done)) and len(again.runs) == 2
    assert sorted(lines()) == sorted((a, s) for a in ARMS for s in (0, 1))                       # one line a run
    verify(**planned, client=(third := Watched(client)))
    assert third.sent == [] and len(lines()) == 4


def test_a_run_that_fails_does_not_lose_the_others(client, planned, monkeypatch):
    monkeypatch.setattr(Watched, "submit", lambda self, f, id, arm, *rest: self.client.submit(f, id, "no_such_arm" if (arm, rest[-1]) == ("raw_input", 0) else arm, *rest))
    with pytest.raises(InputError, match="no_such_arm"): verify(**planned, client=Watched(client))
    assert len(lines()) == 3 and ("raw_input", 0) not in lines()


def test_workers_with_other_code_do_not_testify(client, planned, monkeypatch):
    monkeypatch.setattr(ledger, "closure", lambda module: "0" * 16)
    with pytest.raises(InputError, match="install the same sslkit"): verify(**planned, client=client)
    assert lines() == []


def test_threads_of_a_worker_take_turns(monkeypatch):
    "Two runs at once in one process would draw from each other's random numbers."
    inside, most = [], []

    class Slow:
        def measure(self, arm, scale, seed):
            inside.append(arm); most.append(len(inside)); threading.Event().wait(0.05); inside.pop()
            return experiment.Run(dict(arm=arm))
    monkeypatch.setattr(experiment, "experiment_of", lambda id: Slow())
    monkeypatch.setenv("SSLKIT_PROGRESS", "0")
    with ThreadPoolExecutor(3) as pool: list(pool.map(lambda arm: experiment._measure("x", arm, None, 0), "abc"))
    assert most == [1, 1, 1]


def test_a_notebooks_room_stays_in_its_process(client, monkeypatch):
    e = experiment_of("simclr")
    monkeypatch.setattr(e.function, "__module__", "__main__")
    with pytest.raises(InputError, match="needs the exported room"): list(measure_all(e, [("raw_input", e.at("tiny"), 0)], client=client))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense:1", "carrier-pigeon://loft:1", ""])
def test_a_scheduler_that_is_not_there(address, monkeypatch):
    monkeypatch.setattr(distributed, "Client", lambda *a, Client=distributed.Client, **kw: Client(*a, **{**kw, "timeout": 0.5}))
    with pytest.raises(InputError, match="no dask scheduler answers") as e: connect(address)
    assert "\n" not in str(e.value)


def test_the_command_line_reaches_a_cluster(client, tmp_path):
    command = [sys.executable, "-c", "from sslkit.core.cli import main; main()", "verify", "simclr", "--arms", "raw_input", "--limit", "300", "--seeds", "0,1", "--client", client.scheduler.address]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0 and "raw_input (floor)" in done.stdout, done.stderr
