"What goes wrong while training ends in a sentence, and the last good checkpoint stays."
import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from sslkit.core import rounds
from sslkit.core.batch import Source
from sslkit.core.errors import InputError
from sslkit.core.method import Method
from sslkit.core.rounds import Diverged, Interrupted, load_checkpoint
from sslkit.core.train import fit


class Shrink(Method):
    "Its loss becomes NaN at a chosen step."
    nan_at = None

    def views(self, batch): return (batch.x,)

    def loss(self, x):
        loss = self.encoder(x).square().mean()
        return loss * float("nan") if self.nan_at is not None and self.now >= self.nan_at else loss

    def before_step(self, progress): self.now = progress.step


def problem(n=64): return Shrink(nn.Linear(4, 4)), Source(dict(x=torch.randn(n, 4)), name="points")


def test_nan_is_noticed_before_it_is_saved(tmp_path):
    method, source = problem()
    method.nan_at = 37
    with pytest.raises(Diverged, match="the loss became nan at step 38; lower lr"):
        fit(method, source, steps=100, batch_size=8, checkpoint=tmp_path / "c", every=10)
    saved = load_checkpoint(tmp_path / "c")
    assert saved["step"] == 30 and all(v.isfinite().all() for v in saved["state"]["method"].values())


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    method, source = problem()
    save, calls = torch.save, []

    def full(content, file):
        calls.append(file)
        if len(calls) == 3:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(content, file)

    monkeypatch.setattr(rounds.torch, "save", full)
    with pytest.raises(InputError, match="the disk is full"):
        fit(method, source, steps=100, batch_size=8, checkpoint=tmp_path / "c", every=10)
    assert load_checkpoint(tmp_path / "c")["step"] == 20 and os.listdir(tmp_path) == ["c"]


def test_ctrl_c_in_training_saves_and_says_how_to_go_on(tmp_path):
    method, source = problem()
    def press(progress):
        if progress.step == 12: signal.raise_signal(signal.SIGINT)
    method.after_step = press
    with pytest.raises(Interrupted, match="stopped after step 13 of 100; it goes on from .*c with resume"):
        fit(method, source, steps=100, batch_size=8, checkpoint=tmp_path / "c")
    assert load_checkpoint(tmp_path / "c")["step"] == 13


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_kill_9_and_resume_is_bit_identical(tmp_path):
    script = textwrap.dedent("""
        import sys, time, torch
        from torch import nn
        from sslkit.core.batch import Source
        from sslkit.core.method import Method
        from sslkit.core.train import fit
        class M(Method):
            def views(self, batch): return (batch.x + 0.1 * torch.randn_like(batch.x),)
            def loss(self, x): return (self.encoder(x) - x).square().mean()
            def after_step(self, progress):
                if slow and progress.step >= 30: print("ready", flush=True); time.sleep(60)
        slow, resume = sys.argv[1] == "slow", sys.argv[1] == "resume"
        torch.manual_seed(0)
        m = M(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)))
        source = Source(dict(x=torch.randn(64, 4, generator=torch.Generator().manual_seed(3))))
        fit(m, source, steps=50, batch_size=8, checkpoint=sys.argv[2], every=10, resume=resume)
        torch.save(m.state_dict(), sys.argv[3])
    """)
    (tmp_path / "run.py").write_text(script)
    def start(mode, checkpoint, out): return subprocess.Popen([sys.executable, tmp_path / "run.py", mode, tmp_path / checkpoint, tmp_path / out], stdout=subprocess.PIPE, text=True)
    whole, victim = start("whole", "a", "whole.pt"), start("slow", "b", "none.pt")
    assert victim.stdout.readline() == "ready\n"
    victim.kill(); victim.wait()
    assert load_checkpoint(tmp_path / "b")["step"] == 30
    assert start("resume", "b", "resumed.pt").wait() == 0 and whole.wait() == 0
    a, b = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("whole", "resumed"))
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_changed_data_set_or_batch_size_is_noticed_on_resume(tmp_path):
    method, source = problem()
    fit(method, source, steps=10, batch_size=8, checkpoint=tmp_path / "c")
    other = Source(dict(x=source.fields["x"] + 1), name="points")
    for changed, words in [(dict(source=other), "data="), (dict(batch_size=16), "batch_size=8 and this run has batch_size=16"), (dict(seed=3), "seed=0")]:
        with pytest.raises(InputError, match=words):
            fit(method, **{**dict(source=source, steps=10, batch_size=8, checkpoint=tmp_path / "c", resume=True), **changed})


def test_wrong_requests_are_refused_before_anything_starts():
    method, source = problem()
    for wrong, words in [(dict(batch_size=65, steps=1), "more than the 64 samples of points; use at most 64"), (dict(batch_size=1, steps=1), "too small for Shrink"),
                         (dict(steps=1, batch_size=8, accumulate=2), "compares the samples"), (dict(batch_size=8), "either epochs or steps"),
                         (dict(steps=0, batch_size=8), "steps=0"), (dict(steps=1, batch_size=8, resume=True), "needs checkpoint=PATH"),
                         (dict(steps=1, batch_size=8, lr=dict(a=1.0)), "one for each optimiser: all")]:
        with pytest.raises(InputError, match=words): fit(method, source, **wrong)
