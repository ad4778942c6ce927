"From a folder of pictures to an encoder, through the command line as users go; and what goes wrong on the way."
import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sslkit.core import rounds
from sslkit.core.cli import main
from sslkit.core.errors import InputError
from sslkit.core.experiment import experiment_of
from sslkit.core.random import seed_everything
from sslkit.core.rounds import load_checkpoint
from sslkit.core.train import fit
from sslkit.core.watch import Watch, diagnose
from sslkit.data.source import source
from sslkit.tool.classroom import ENCODERS, make_encoder
from sslkit.tool.encoder import load_encoder, shipped
from sslkit.tool.pretrain import pretrain, probe
from tests.test_cli import sslkit

QUICK = ["--set", "options={'widths': (8, 16)}", "--batch-size", "16", "--device", "cpu"]


def pictures(folder, n=60, side=(20, 28), broken=True, seed=0):
    "Pictures of several sizes and formats: coloured stripes and discs, without labels."
    g = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n):
        h, w = g.integers(*side, 2)
        y, x = np.mgrid[0:h, 0:w] / 10
        shape = np.sin(6 * (x if k % 2 else y))[..., None] * g.random(3) + g.random(3)
        picture = Image.fromarray((255 * (shape - shape.min()) / np.ptp(shape)).astype(np.uint8))
        if k % 5 == 0: picture = picture.convert("L")
        picture.save(folder / f"{k:03d}.{('jpg', 'png', 'bmp')[k % 3]}")
    if broken: (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    return folder


@pytest.fixture
def refused(monkeypatch, capsys):
    "The command line in this process, as starting a new one is dear: one sentence and status 2."
    def call(*words, says):
        monkeypatch.setattr(sys, "argv", ["sslkit", *words])
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
        with pytest.raises(SystemExit) as end: main()
        error = capsys.readouterr().err
        assert end.value.code == 2 and says in error and len(error.strip().splitlines()) == 1, error
    return call


def same_state(a, b):
    "Are two checkpoints the same but for times?"
    if isinstance(a, torch.Tensor): return torch.equal(a, b)
    if isinstance(a, dict): return a.keys() == b.keys() and all(same_state(a[k], b[k]) for k in a if k != "seconds")
    if isinstance(a, (list, tuple)): return len(a) == len(b) and all(map(same_state, a, b))
    return a == b


def test_three_commands_from_a_folder_to_a_page(tmp_path):
    "What the README promises, with a folder of mixed pictures, one of them broken, without labels."
    place = pictures(tmp_path / "my images")
    trained = sslkit("pretrain", "simclr", "--data", f"folder:{place}", "--size", "16", "--set", "steps=12", *QUICK, "--out", str(tmp_path / "run"))
    assert trained.returncode == 0, trained.stderr
    assert "labels: none" in trained.stdout and "random encoder" in trained.stdout and "rankme" in trained.stdout
    assert "broken.jpg" in trained.stderr and "Traceback" not in trained.stderr
    embedded = sslkit("embed", str(tmp_path / "run"), "--out", str(tmp_path / "mine.parquet"))
    assert embedded.returncode == 0, embedded.stderr
    shown = sslkit("neighbours", str(tmp_path / "mine.parquet"), "--queries", "5", "--k", "3")
    assert shown.returncode == 0, shown.stderr
    page = (tmp_path / "mine.html").read_text()
    assert page.count("<div class=row>") == 5 and page.count("data:image/jpeg") > 60 and "http" not in page and "007.png" in page
    report = (tmp_path / "run/report.html").read_text()
    assert "Dotted: the untrained network" in report and "uniformity" in report and "http" not in report
    table = (tmp_path / "run/history.csv").read_text().splitlines()
    assert table[0].startswith("step,loss") and len(table) == 13
    import pyarrow.parquet as pq
    rows = pq.read_table(tmp_path / "mine.parquet").to_pylist()
    assert len(rows) == 60 and {r["path"] for r in rows} == {f.name for f in place.iterdir()} - {"broken.jpg"}
    probed = sslkit("probe", str(tmp_path / "run"), "--probes", "rankme,uniformity")
    assert probed.returncode == 0 and "random encoder" in probed.stdout


def test_a_checkpoint_says_what_it_is_and_scores_the_same_again(tmp_path):
    done = pretrain("barlow_twins", "digits", scale="tiny", limit=300, steps=8, batch_size=32, out=tmp_path, device="cpu", dim=32)
    saved = load_checkpoint(tmp_path / "checkpoint.pt")
    config = saved["config"]
    assert config["id"] == "barlow_twins" and config["settings"]["dim"] == 32 and config["seed"] == 0 and config["data"]["classes"] == list("0123456789")
    assert config["data"]["digest"] == {s: d.digest for s, d in source("digits", limit=300).splits.items()} and saved["commit"] and set(saved["versions"]) == {"sslkit", "python", "torch"}
    assert saved["scores"]["encoder"] == dict(done.scores) == dict(probe(tmp_path, device="cpu")), "another score after the round trip"
    assert set(saved["scores"]) == {"encoder", "random encoder", "raw input"} and saved["protocol"] == done.scores.protocol
    assert done.encoder.network.pixels.mean.numel() == 1 and done.encoder.size == 8


RUN = textwrap.dedent("""
    import sys
    from sslkit.data import source as module
    module.IN_MEMORY = 0                                         # every folder streams
    from sslkit.tool.pretrain import pretrain
    place, out, workers, resume = sys.argv[1:]
    pretrain("simclr", f"folder:{place}", size=16, out=out, batch_size=16, steps=90, every=10, device="cpu", workers=int(workers), resume=resume == "resume",
             options=dict(widths=(8, 16)), limit=40)
""")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_kill_9_and_resume_is_bit_identical_with_and_without_workers(tmp_path):
    place = pictures(tmp_path / "data")
    (tmp_path / "run.py").write_text(RUN)
    def start(out, workers, resume="anew"):
        return subprocess.Popen([sys.executable, tmp_path / "run.py", place, tmp_path / out, str(workers), resume], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    whole = start("whole", 0)
    assert whole.wait() == 0, whole.stderr.read()
    for workers in (0, 2):
        out, deadline = f"killed{workers}", time.time() + 100
        path, victim = tmp_path / out / "checkpoint.pt", start(out, workers)
        while not path.exists() and victim.poll() is None and time.time() < deadline: time.sleep(0.005)
        victim.send_signal(signal.SIGKILL); victim.wait()
        assert 10 <= load_checkpoint(path)["step"] < 90, "the run was over before it could be killed; let it be longer"
        (path.parent / ".checkpoint-0123abcd.pt").write_bytes(b"half of a checkpoint that was being written")
        resumed = start(out, workers, "resume")
        assert resumed.wait() == 0, resumed.stderr.read()
        a, b = (load_checkpoint(p) for p in (tmp_path / "whole/checkpoint.pt", path))
        assert sorted(os.listdir(path.parent)) == ["checkpoint.pt", "history.csv", "report.html"]
        assert same_state(a["state"], b["state"]) and a["scores"] == b["scores"], f"{workers} workers: the resumed run ended elsewhere"


def test_a_full_disk_says_so_and_the_last_good_checkpoint_stays(tmp_path, monkeypatch):
    save, calls = torch.save, []
    def full(content, file):
        calls.append(content["step"])
        if len(calls) == 3: file.write(b"half of it"); raise OSError(errno.ENOSPC, "No space left on device")
        return save(content, file)
    monkeypatch.setattr(rounds.torch, "save", full)
    run = dict(id="simclr", data="digits", scale="tiny", limit=200, steps=20, every=4, batch_size=16, out=tmp_path, device="cpu")
    with pytest.raises(InputError, match="checkpoint.pt: the disk is full; free some space"): pretrain(**run)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 8 and os.listdir(tmp_path) == ["checkpoint.pt"]
    monkeypatch.undo()
    assert len(pretrain(**run, resume=True).history["loss"]) == 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of processes")
def test_a_disk_that_is_really_full(tmp_path):
    "A limit on the size of files stands in for the end of a disk: half of a checkpoint cannot be written."
    code = textwrap.dedent("""
        import resource, sys
        from sslkit.tool.pretrain import pretrain
        run = dict(id="simclr", data="digits", scale="tiny", limit=200, steps=20, every=10, batch_size=16, out=sys.argv[1], device="cpu")
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        try: pretrain(**run)
        except ValueError as e: print(f"refused: {e}")
    """)
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert "refused: cannot write" in done.stdout and not list(tmp_path.glob("checkpoint*")) and not list(tmp_path.glob(".*")), done.stdout + done.stderr


class Malicious:
    def __reduce__(self): return (os.system, ("touch pwned",))


def test_truncated_foreign_and_malicious_files_are_refused(tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    pretrain("simclr", "digits", scale="tiny", limit=200, steps=2, batch_size=16, out=tmp_path / "run", device="cpu")
    whole = (tmp_path / "run/checkpoint.pt").read_bytes()
    (tmp_path / "short.pt").write_bytes(whole[:len(whole) // 2])
    torch.save(dict(weights=torch.zeros(2)), tmp_path / "foreign.pt")
    torch.save(dict(format=rounds.FORMAT, config=Malicious()), tmp_path / "bad.pt")
    import pickle
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Malicious()))
    (tmp_path / "bad.npz").write_bytes(b"")
    np.savez(tmp_path / "objects.npz", z=np.array([Malicious()], dtype=object), allow_pickle=True)
    for name, says in dict(short="is cut off or damaged", foreign="is not a checkpoint of sslkit", bad="holds more than tensors", old="is cut off or damaged").items():
        for command in (["probe"], ["export"], ["embed", "--out", "z.npz"]) if name == "bad" else (["probe"],):
            refused(command[0], f"{name}.pt", *command[1:], says=says)
        (tmp_path / name).mkdir(); (tmp_path / f"{name}.pt").rename(tmp_path / name / "checkpoint.pt")
        refused("pretrain", "simclr", "--data", "digits", "--out", name, "--resume", says=says)
    for name in ("bad", "objects"): refused("neighbours", f"{name}.npz", says="cannot be read as npz")
    assert not (tmp_path / "pwned").exists()


def test_a_changed_data_set_is_noticed_on_resume(tmp_path):
    place = pictures(tmp_path / "data", n=40, broken=False)
    run = dict(id="simclr", data=f"folder:{place}", size=16, steps=4, batch_size=8, out=tmp_path / "run", device="cpu", options=dict(widths=(4, 8)))
    pretrain(**run)
    Image.new("RGB", (20, 20)).save(place / "001.png")
    with pytest.raises(InputError, match="the data have changed since the checkpoint .*restore them, or start anew with another out"): pretrain(**run, resume=True)


@pytest.mark.parametrize("words, says", [
    (["pretrain", "simclr"], "--data"),
    (["pretrain", "simclear", "--data", "digits"], "did you mean simclr"),
    (["pretrain", "rankme", "--data", "digits"], "trains no method"),
    (["pretrain", "simclr", "--data", "folder:/no/such"], "/no/such"),
    (["pretrain", "simclr", "--data", "digits", "--encoder", "resnet81"], "did you mean resnet"),
    (["pretrain", "simclr", "--data", "digits", "--set", "temprature=2"], "did you mean temperature"),
    (["pretrain", "simclr", "--data", "digits", "--set", "temperature"], "write --set temperature=0.2"),
    (["pretrain", "simclr", "--data", "digits", "--device", "gpu"], "device='gpu' is unknown"),
    (["pretrain", "simclr", "--data", "digits", "--recipe", "tiny", "--strategy", "fsdp"], "strategy='fsdp' is not supported"),
    (["pretrain", "simclr", "--data", "digits", "--recipe", "tiny", "--precision", "8"], "precision='8' is unknown"),
    (["pretrain", "simclr", "--data", "digits", "--batch-size", "5000"], "use at most 1078"),
    (["probe", "nothing"], "encoder 'nothing' is unknown"),
    (["probe", "digits_convnet", "--probes", "knm"], "did you mean knn"),
    (["probe", "digits_convnet", "--data", "cifar11"], "did you mean cifar10"),
    (["embed", "digits_convnet", "--out", "z.csv"], "call it z.npz or z.parquet"),
    (["export", "digits_convnet", "--to", "timm"], "timm has no convnet"),
    (["export", "digits_convnet", "--to", "tflite"], "to 'tflite' is unknown"),
    (["neighbours", "none.npz"], "there is no file none.npz"),
    (["encoders", "--make", "digits"], "did you mean digits_convnet"),
])
def test_mistakes_end_in_one_sentence(words, says, tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    refused(*words, says=says)
    assert not os.listdir(tmp_path)


def test_two_processes_train_as_one(tmp_path):
    "A norm-free network: half a batch each in two gloo processes gives what one process gives, up to rounding."
    run = dict(id="simclr", data="digits", encoder="vit", scale="tiny", limit=200, steps=4, batch_size=16, device="cpu", lr=1e-4, options=dict(patch_size=4, dim=16, depth=1, heads=2))
    one, two = pretrain(**run, out=tmp_path / "one"), pretrain(**run, devices=2, out=tmp_path / "two")
    assert np.allclose(one.history["loss"], two.history["loss"], rtol=0.2) and len(two.history["loss"]) == 4
    for p, q in zip(one.encoder.parameters(), two.encoder.parameters()): assert torch.allclose(p, q, atol=1e-3)
    again = pretrain(**run, devices=2, out=tmp_path / "two", resume=True)
    assert dict(again.scores) == dict(two.scores)


@pytest.mark.parametrize("name, classes", [("cifar10", 10), ("eurosat_rgb", 10)])
def test_real_sets(name, classes, tmp_path):
    if not (Path(os.environ.get("SSLKIT_DATA", "/nowhere")) / name).exists(): pytest.skip(f"{name} is not in $SSLKIT_DATA")
    done = pretrain("simclr", name, size=16, limit=300, steps=4, batch_size=32, out=tmp_path, device="cpu", options=dict(widths=(8, 16)))
    assert {"knn", "linear", "rankme"} <= set(done.scores) and len(done.encoder.about["data"]["classes"]) == classes


@pytest.mark.parametrize("arm, told", [("simclr", set()), ("no_negatives", {"collapse"}), ("crop_only", {"shortcut"})])
def test_simclr_is_watched(arm, told):
    found = signatures_of("simclr", arm, 120)
    assert told <= found and bool(told) == bool(found)


@pytest.mark.parametrize("arm, told", [("barlow_twins", set()), ("invariance_only", {"rank"})])
def test_barlow_twins_is_watched(arm, told):
    assert signatures_of("barlow_twins", arm, 120) == told


def signatures_of(id, arm, steps):
    "What is said of a room's arm after some steps at `tiny`."
    import importlib
    from sslkit.core.paper import find
    room, scale, data = importlib.import_module(find(id).module), experiment_of(id).at("tiny", steps=steps), source("chalk_on_photos")
    seed_everything(1000)
    method, watch = room.build(arm, scale), Watch(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        watch(method)
        history = fit(method, data.train, **room.recipe(scale), seed=1000, monitor=watch, monitor_every=steps // 2)
    return set(diagnose(watch.start, history.monitored, len(watch.splits["val"])))


def test_six_small_encoders_come_with_the_package():
    assert set(shipped()) == set(ENCODERS) and len(ENCODERS) == 6
    for name, path in shipped().items():
        assert path.stat().st_size <= 450_000, name
        found, data = load_encoder(name), ENCODERS[name]["data"]
        scores = found.about["scores"]
        assert found.about["commit"] and found.about["data"]["name"] == (data if isinstance(data, str) else f"{data.func.__name__}:{data.args[0]}")
        assert name == "world_dino" or scores["encoder"]["linear"] > scores["random encoder"]["linear"], f"{name} has learned nothing"


def test_patches_of_the_dense_encoder_find_objects():
    "It names solids no better than a network that was never trained, and is not here for that: see the room on TokenCut."
    from sslkit.core.random import seed_everything
    from sslkit.data.object_scenes import object_scenes
    from sslkit.dense.tokencut import find_objects
    from sslkit.parts.encoders import encoder
    from sslkit.parts.segmentation import boxes_of, corloc
    scenes, trained = object_scenes("above", 0, 100, 0, size=96, seed=1003), load_encoder("world_dino")
    seed_everything(0)
    untrained = encoder(**trained.about["encoder"]).eval()
    with torch.no_grad(): right = [corloc(find_objects(net, scenes.fields["x"], tau=tau)[1], boxes_of(scenes.fields["instances"])).float().mean().item() for net, tau in ((trained, 0.9), (untrained, 0.95))]
    assert right[0] > right[1] + 0.05 and right[0] > 0.5, right


@pytest.mark.parametrize("name", ["digits_convnet", "chalk_convnet"])
def test_their_scores_are_those_that_they_tell(name):
    found = load_encoder(name)
    now, told = probe(found, device="cpu"), found.about["scores"]["encoder"]
    assert all(abs(now[k] - told[k]) <= 5e-3 * max(1, abs(told[k])) for k in told)


def test_one_is_made_anew_to_its_score(tmp_path):
    again, told = load_encoder(make_encoder("digits_convnet", tmp_path)).about["scores"], load_encoder("digits_convnet").about["scores"]
    for metric in ("knn", "linear"): assert abs(again["encoder"][metric] - told["encoder"][metric]) < 0.03, metric


def test_lab_names_the_notebook():
    from sslkit.core.cli import lab_command
    pytest.importorskip("jupyterlab")
    with pytest.raises(InputError, match="did you mean simclr"): lab_command("simclear")
    room, welcome = lab_command("simclr"), lab_command()
    assert room[1:4] == ["-m", "jupyter", "lab"] and Path(room[-1]).is_file() and Path(welcome[-1]).is_file() and Path(welcome[-1]).stem == "welcome"
    root = Path(welcome[4].removeprefix("--ServerApp.root_dir="))
    assert all(Path(c[-1]).is_relative_to(root) for c in (room, welcome)) and (root / "nbs").is_dir()     # links lead from one to the other, and from the site to both
