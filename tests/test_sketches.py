"""Eleven systems of different shape on `sslkit.core` alone: each trains, is killed and resumed to the same weights, is scored, and
writes a ledger line. They are tests of the contract; each goes when its room arrives."""
import importlib
import math

import pytest
import torch

from sslkit.core import ledger
from sslkit.core.batch import Batch
from sslkit.core.experiment import Result
from sslkit.core.probes import evaluate, knn
from sslkit.core.random import seed_everything
from sslkit.core.rounds import load_checkpoint
from sslkit.core.train import fit

METHODS = ["dino", "moco", "isogclr", "deepcluster", "poa", "krr_st", "text_erasing", "weakstil", "scgc"]
PROCEDURES = ["spr", "empo"]
RUN = dict(lr=1e-2, steps=12)


class Killed(Exception):
    "Stands for SIGKILL: nothing is saved on the way out."


def sketch(name): return importlib.import_module(f"tests.sketches.{name}")


def built(name, seed=0):
    seed_everything(seed)
    method, source = sketch(name).build()
    return method, source, dict(RUN, batch_size=min(16, len(source)))


def same(a, b): return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def score(name, method, source):
    special = getattr(sketch(name), "score", None)
    return special(method, source) if special else dict(evaluate(method.evaluated, source, probes=[knn(k=3)]))


def write_line(name, metrics, monkeypatch, tmp_path, facts):
    monkeypatch.setenv("SSLKIT_LEDGER", str(tmp_path))
    ledger.append(dict(kind="golden", id=name, scale="tiny", arm=name, seed=0, losses=facts.get("losses", []), metrics=metrics,
                       closure=ledger.closure("sslkit.core.method"), commit=ledger.commit(), env=ledger.environment()), "sketches")
    rows = ledger.read(name, "sketches")
    assert len(rows) == 1 and rows[0]["metrics"] == pytest.approx(metrics)


@pytest.mark.parametrize("name", METHODS)
def test_method(name, monkeypatch, tmp_path):
    method, source, run = built(name)
    before = {k: v.clone() for k, v in method.state_dict().items()}
    with ledger.noting() as facts:
        history = fit(method, source, **run)
        metrics = score(name, method, source)
    assert all(math.isfinite(v) for v in history["loss"]) and facts["steps"] == 12
    after = method.state_dict()
    assert not same({k: after[k] for k in before}, before)
    learning = {id(p) for p in method.parameters() if p.requires_grad}
    for part in method.frozen: assert not learning & {id(p) for p in getattr(method, part).parameters()}, f"{part} is frozen and has gradients"

    victim, source, run = built(name)
    at, after_step = 7, victim.after_step
    def die(progress):
        after_step(progress)
        if progress.step == at: raise Killed
    monkeypatch.setattr(victim, "after_step", die)
    with pytest.raises(Killed): fit(victim, source, **run, checkpoint=tmp_path / "c", every=5)
    assert load_checkpoint(tmp_path / "c")["step"] == 5
    resumed, source, run = built(name, seed=99)
    again = fit(resumed, source, **run, checkpoint=tmp_path / "c", resume=True)
    assert same(resumed.state_dict(), after) and again["loss"] == history["loss"]
    assert all(math.isfinite(v) for v in metrics.values())
    write_line(name, metrics, monkeypatch, tmp_path / "ledger", facts)


@pytest.mark.parametrize("name", PROCEDURES)
def test_procedure(name, monkeypatch, tmp_path):
    run, module = sketch(name).run, sketch(name)
    result = run(seed=0)
    assert isinstance(result, Result) and same(result.artefact.state_dict(), run(seed=0).artefact.state_dict())
    assert not same(result.artefact.state_dict(), run(seed=1).artefact.state_dict())
    record, calls = module.History.record, []
    def die(self, *a, **k):
        calls.append(1)
        if len(calls) == 27: raise Killed
        return record(self, *a, **k)
    monkeypatch.setattr(module.History, "record", die)
    with pytest.raises(Killed): run(seed=0, checkpoint=tmp_path / "c")
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / "c")["step"] == 20
    resumed = run(seed=0, checkpoint=tmp_path / "c", resume=True)
    assert same(resumed.artefact.state_dict(), result.artefact.state_dict()) and dict(resumed.history) == dict(result.history)
    result.save(tmp_path / "result")
    fresh = run(seed=1).load(tmp_path / "result")
    assert same(fresh.artefact.state_dict(), result.artefact.state_dict()) and dict(fresh.history) == dict(result.history)
    write_line(name, module.score(result), monkeypatch, tmp_path / "ledger", {})


def test_the_evaluated_network_of_dino_is_its_teacher():
    method, source, run = built("dino")
    fit(method, source, **run)
    x = source.test[:].x
    assert torch.equal(method.evaluated(x), method.teacher(x)) and not torch.equal(method.teacher(x), method.encoder(x))


def test_isogclr_state_follows_the_sample_not_the_place_in_the_batch():
    method, source, run = built("isogclr")
    fit(method, source, **dict(run, steps=1))
    from sslkit.core.batch import batch_order
    seen = next(batch_order(len(source), run["batch_size"], 0, 0, 1))
    touched = (method.s != 0).nonzero()[:, 0]
    assert touched.tolist() == sorted(seen.tolist())


def test_poa_leaves_parameters_unused_and_krr_learns_its_data():
    method, source, run = built("poa")
    batch = source[torch.arange(8)].keyed(0, 0)
    method.width, method.deep = 8, False
    method(batch).backward()
    assert method.encoder.deep.weight.grad is None
    krr, source, run = built("krr_st")
    images, pool = krr.images.detach().clone(), krr.pool[0][0].net[0].weight.detach().clone()
    fit(krr, source, **dict(run, steps=1))
    assert not torch.equal(images, krr.images) and isinstance(source[[0]], Batch)
