"What stands around the package says the same as settings.ini, and `make` works from nothing."
import os, re, shutil, subprocess
from configparser import ConfigParser
import pytest
import yaml
from packaging.requirements import Requirement
from project import ROOT

INI = ConfigParser(delimiters=["="]); INI.read(ROOT / "settings.ini", encoding="utf-8")
CFG = INI["DEFAULT"]

def requirements(text): return {r.name: str(r.specifier) for r in map(Requirement, text)}

def test_conda_environment():
    env = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = [d for d in env["dependencies"] if isinstance(d, str)]
    conda = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    wanted = {conda.get(n, n): v for n, v in requirements(CFG["requirements"].split()).items() if n != "pytorch-lightning"}
    assert wanted.items() <= requirements(listed).items()
    assert requirements(listed)["python"].endswith(f">={CFG['min_python']}") and env["dependencies"][-1]["pip"] == ["-e .[notebooks]"]

def test_citation():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cff["title"], str(cff["version"])) == (CFG["lib_name"], CFG["version"])
    assert (cff["repository-code"], cff["authors"][0]["name"]) == (CFG["git_url"], CFG["author"])
    assert cff["abstract"].removesuffix(".") == CFG["description"] and cff["license"] == "Apache-2.0"

def test_licences():
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200] and "END OF TERMS AND CONDITIONS" in (ROOT / "LICENSE").read_text()
    assert "creativecommons.org/licenses/by/4.0" in (ROOT / "NOTICE").read_text()

def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 3 and not [x for x in links if "://" not in x and not (ROOT / x).exists()]

def test_readme_names_commands_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"demo", "test", "lab", "sync"} <= set(re.findall(r"`?\bmake (demo|[a-z-]+)\b(?=`|\n```)", readme)) <= targets

def test_merging_evidence_keeps_both_sides():
    attribute = subprocess.run(["git", "check-attr", "merge", "sslkit/ledger/masked/room.jsonl"], cwd=ROOT, capture_output=True, text=True)
    if attribute.returncode: pytest.skip("not in a git checkout")
    assert attribute.stdout.split()[-1] == "union"

# --- make -------------------------------------------------------------------------------------------------------------------------------

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="no make here")

@pytest.fixture
def make(tmp_path):
    "Calls make in a folder that has only the files that the installation depends on; pip and venv do nothing but take notes."
    for name in ("Makefile", "settings.ini", "setup.py", "pyproject.toml"): shutil.copy(ROOT / name, tmp_path)
    fake = tmp_path / "python"
    fake.write_text(f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
case "$*" in
  *sys.exit*) exit 0;;
  "-m venv .venv") mkdir -p .venv/bin && touch .venv/pyvenv.cfg && cp {fake} .venv/bin/python && cp {fake} .venv/bin/sslkit;;
esac
""")
    fake.chmod(0o755)
    def call(*args, python=fake):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        done = subprocess.run(["make", *args, f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, env=env)
        calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
        (tmp_path / "calls").unlink(missing_ok=True)
        return done, [c for c in calls if "sys.exit" not in c]
    return call

@needs_make
def test_help_lists_every_target(make):
    said = make()[0].stdout
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    assert [line.split()[1] for line in said.splitlines()] == targets

@needs_make
@pytest.mark.parametrize("order", [("demo", "test"), ("test", "demo")])
def test_each_installs_once_in_either_order(make, order):
    seen = [make(target) for target in (*order, *order)]
    assert all(done.returncode == 0 for done, _ in seen)
    installs = [[c for c in calls if "pip install" in c or "venv" in c] for _, calls in seen]
    assert installs[0][0] == "-m venv .venv" and installs[2] == installs[3] == []
    assert [len(i) for i in installs] == ([2, 1, 0, 0] if order[0] == "demo" else [2, 0, 0, 0])     # what tests need includes the library
    tests = [calls[-1] for done, calls in seen if any("pytest" in c for c in calls)]
    assert tests == ["-m pytest -n 2 --dist worksteal --durations 10"] * 2

@needs_make
def test_changed_settings_install_anew(make, tmp_path):
    make("demo")
    later = (tmp_path / ".venv/.library").stat().st_mtime + 10
    os.utime(tmp_path / "settings.ini", (later, later))
    assert any("pip install" in c for c in make("demo")[1])

@needs_make
def test_without_a_python_one_sentence(make, tmp_path):
    done, _ = make("demo", python="no-such-python")
    assert done.returncode == 2 and "PYTHON=/path/to/python3" in done.stderr and not (tmp_path / ".venv").exists()
