"The command line: every command says what it does; whatever a user can mend ends in one sentence and status 2."
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SSLKIT = [sys.executable, "-c", "from sslkit.core.cli import main; main()"]


def sslkit(*words, **environment):
    return subprocess.run([*SSLKIT, *words], capture_output=True, text=True, env={**os.environ, "COLUMNS": "200", **environment}, timeout=120)


def refused(*words, says, **environment):
    done = sslkit(*words, **environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, f"more than a sentence: {done.stderr}"


@pytest.mark.parametrize("command", ["list", "show", "run", "verify", "tune", "plan", "report", "pretrain", "probe", "embed", "neighbours", "export", "encoders", "lab", "doctor"])
def test_help_has_an_example(command):
    done = sslkit(command, "--help")
    assert done.returncode == 0 and f"sslkit {command}" in done.stdout and "Example" in done.stdout


def test_list_shows_the_rooms_without_torch():
    code = "import sys; from sslkit.core.cli import app; app(['list', '--chapter', 'decorrelate'], standalone_mode=False); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert "barlow_twins" in done.stdout and "rankme" in done.stdout and "simclr" not in done.stdout.split("idea")[0]


def test_list_is_quick():
    def seconds(*command):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - start
    assert min(seconds(*SSLKIT, "list") for _ in range(3)) < 0.5 * max(1, min(seconds(sys.executable, "-c", "import json") for _ in range(3)) / 0.02)


def test_show():
    done = sslkit("show", "barlow_twins")
    assert done.returncode == 0 and "2103.03230" in done.stdout and "from sslkit.decorrelate.barlow_twins import" in done.stdout


def test_report_needs_no_torch(tmp_path):
    code = "import sys; from sslkit.core.cli import app; app(['report', '--out', sys.argv[1]], standalone_mode=False); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "board")], capture_output=True, text=True)
    assert done.returncode == 0 and str(tmp_path / "board/scoreboard.html") in done.stdout, done.stderr
    assert len(list((tmp_path / "board").iterdir())) == 4


def test_doctor():
    done = sslkit("doctor")
    assert done.returncode == 0
    for word in ("torch", "device", "cache", "digits_on_photos", "cifar10", "nibabel", "trimesh", "mne", "soundfile", "torch_geometric", "gymnasium"): assert word in done.stdout
    for line in done.stdout.splitlines():
        if "not installed" in line: assert re.search(r"pip install 'sslkit\[\w+\]'|reinstall sslkit", line), line         # the extra in its brackets


@pytest.mark.parametrize("words, says", [
    (["show", "simclear"], "did you mean simclr"),
    (["run", "barlow"], "did you mean barlow_twins"),
    (["run", "simclr", "--scale", "medium"], "scale"),
    (["run", "simclr", "--arms", "simclr2"], "arm of simclr 'simclr2' is unknown"),
    (["run", "simclr", "--seeds", "x"], "write 0 or 0,3 or 0-4"),
    (["run", "simclr", "--data", "cifar11"], "did you mean cifar10"),
    (["run", "simclr", "--data", "folder:/no/such/place"], "/no/such/place"),
    (["run", "simclr", "--limit", "0"], "limit=0"),
    (["run", "simclr", "--limit", "50", "--arms", "simclr"], "use at most 50"),
    (["list", "--chapter", "decorelate"], "did you mean decorrelate"),
    (["list", "--verdict", "true"], "verdict 'true' is unknown"),
    (["verify", "simclr", "--scale", "small", "--record", "--limit", "500"], "register it with: sslkit plan simclr"),
    (["verify", "simclr", "--client", "nonsense:1"], "no dask scheduler answers"),
    (["tune", "simclr", "lr"], "write lr=3e-3,1e-2"),
    (["tune", "simclr", "lr=1", "--seeds", "3"], "no tuning seed"),
    (["report", "--scale", "medium"], "scale 'medium' is unknown"),
    (["report", "--out", __file__], "is a file, not a folder"),
    (["nothing"], "Try sslkit --help"),
    (["show"], "Try sslkit --help"),
])
def test_mistakes_end_in_one_sentence(words, says, tmp_path):
    refused(*words, says=says, SSLKIT_LEDGER=str(tmp_path))


def test_debug_shows_the_traceback():
    done = sslkit("--debug", "show", "simclear")
    assert done.returncode != 0 and "Traceback" in done.stderr


def test_run_writes_a_report_and_records_nothing(tmp_path):
    ledger = tmp_path / "ledger"
    done = sslkit("run", "simclr", "--arms", "simclr,random_encoder", "--limit", "300", "--out", str(tmp_path / "runs"), SSLKIT_LEDGER=str(ledger))
    assert done.returncode == 0, done.stderr
    assert "one seed shows, it does not prove" in done.stdout and not ledger.exists()
    folder = tmp_path / "runs/simclr-tiny"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page and "random_encoder" in page and "<script" not in page and "src=\"http" not in page
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    assert {r["arm"] for r in rows} == {"simclr", "random_encoder"} and all(0 <= r["metrics"]["linear"] <= 1 for r in rows)
    assert (folder / "figure.svg").stat().st_size > 1000
    again = sslkit("run", "simclr", "--arms", "simclr,random_encoder", "--limit", "300", "--out", str(tmp_path / "runs"), SSLKIT_LEDGER=str(ledger))
    assert again.stdout.splitlines()[2:4] == done.stdout.splitlines()[2:4]


def test_tune_keeps_trials_and_shows_them(tmp_path):
    ledger = dict(SSLKIT_LEDGER=str(tmp_path / "ledger"))
    words = ("tune", "simclr", "temperature=.1,.5", "limit=300", "steps=2", "--scale", "tiny", "--arms", "simclr")
    done = sslkit(*words, "--record", **ledger)
    assert done.returncode == 0 and "temperature=0.5" in done.stdout and "prove nothing" in done.stdout, done.stderr
    file = tmp_path / "ledger/trials/contrastive/simclr.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(r["kind"], r["seed"], r["settings"]["temperature"], r["settings"]["split"], r["steps"]) for r in rows] == [("trial", 1000, .1, "val", 2), ("trial", 1000, .5, "val", 2)]
    assert sslkit("tune", "simclr", "--scale", "tiny", **ledger).stdout == done.stdout and len(file.read_text().splitlines()) == 2


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    refused("run", "simclr", "--arms", "raw_input", "--limit", "300", "--out", str(tmp_path / "file"), says="is a file, not a folder")


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="reads the children of a process from /proc")
def test_a_killed_run_leaves_no_process_behind(tmp_path):
    running = subprocess.Popen([*SSLKIT, "verify", "simclr", "--seeds", "1000-1300", "--arms", "raw_input", "--jobs", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    children, deadline = [], time.time() + 60
    while len(children) < 3 and time.time() < deadline: children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split(); time.sleep(0.1)
    assert len(children) >= 3, "two workers and their resource tracker were expected"
    time.sleep(3)
    running.kill(); running.wait()
    alive, deadline = children, time.time() + 30
    while alive and time.time() < deadline: alive = [c for c in alive if Path(f"/proc/{c}").exists()]; time.sleep(0.1)
    assert not alive


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c(tmp_path):
    command = [*SSLKIT, "run", "simclr", "--seeds", "1000-1300", "--arms", "simclr", "--out", str(tmp_path), "--no-cache"]
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)           # a shell's background job would be deaf to it
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "SSLKIT_PROGRESS": "0"}, preexec_fn=heard)
    time.sleep(12)
    running.send_signal(signal.SIGINT)
    try: _, error = running.communicate(timeout=60)
    finally: running.kill()
    assert running.returncode == 2 and "Traceback" not in error and "stopped" in error, error
