"What a user gets from `pip install`: a built wheel, installed elsewhere."
import os, shutil, sys
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
import pytest
from packaging.requirements import Requirement
from project import ROOT, run

INI = ConfigParser(delimiters=["="]); INI.read(ROOT / "settings.ini", encoding="utf-8")
CFG = INI["DEFAULT"]
DATA = ["sslkit/py.typed", "sslkit/cards/probe.json", "sslkit/ledger/schema.json", "sslkit/ledger/masked/probe.jsonl"]

@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "A folder in which the wheel of this checkout is installed, with a card and a ledger file more than there are."
    source, wheels, site = (tmp_path_factory.mktemp(n) for n in ("source", "wheels", "site"))
    shutil.copytree(ROOT / "sslkit", source / "sslkit", ignore=shutil.ignore_patterns("__pycache__", "_modidx.py"))
    for name in ("settings.ini", "setup.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"): shutil.copy(ROOT / name, source)
    for name in DATA:
        path = source / name; path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists(): path.write_text("{}")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, source)
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, *wheels.glob("*.whl"))
    return site

def test_every_module_and_all_data_are_in_it(site):
    files = lambda root: {p.relative_to(root).as_posix() for p in (root / "sslkit").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert files(site) == files(ROOT) - {"sslkit/_modidx.py"} | set(DATA) and not [p for p in site.iterdir() if p.name in ("tests", "nbs", "docs")]

def test_metadata_is_that_of_settings(site):
    wheel = metadata.PathDistribution(next(site.glob("*.dist-info")))      # not by search: where importlib_metadata is loaded (dask does), it answers, and differently
    about = wheel.metadata
    assert (about["Name"], about["Version"], about["Requires-Python"]) == (CFG["lib_name"], CFG["version"], f">={CFG['min_python']}")
    assert about["License-Expression"] == "Apache-2.0" or about["License"] == "Apache-2.0"
    assert about["Summary"] == CFG["description"] and (ROOT / "README.md").read_text(encoding="utf-8").strip() in about.get_payload()
    plain = lambda r: (Requirement(r).name, str(Requirement(r).specifier))
    extras = {key.removesuffix("_requirements"): value for key, value in CFG.items() if key.endswith("_requirements")}
    assert set(about.get_all("Provides-Extra")) == set(extras) >= {"dev", "docs", "notebooks"}
    for extra, wanted in {"": CFG["requirements"], **extras}.items():
        there = {plain(r) for r in wheel.requires if (f'extra == "{extra}"' in r if extra else "extra ==" not in r)}
        assert there == {plain(r) for r in wanted.split()}, extra
    assert {f.name for f in wheel.files} >= {"LICENSE", "NOTICE"}

def test_it_imports_from_there(site, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(site)}
    where, version = run(sys.executable, "-c", "import sslkit; print(sslkit.__file__, sslkit.__version__)", env=env, cwd=tmp_path).split()
    assert Path(where).resolve().is_relative_to(site.resolve()) and version == CFG["version"]
    cards = run(sys.executable, "-c", "from sslkit.core import paper; print(*paper._folder().iterdir())", env=env, cwd=tmp_path).split()
    assert str(site / "sslkit/cards/probe.json") in cards

def test_command(site, tmp_path):
    (entry,) = next(metadata.distributions(path=[str(site)])).entry_points
    assert (entry.group, entry.name, f"{entry.name}={entry.value}") == ("console_scripts", "sslkit", CFG["console_scripts"])
    if not (ROOT / "sslkit/core/cli.py").exists(): pytest.skip("there is no command line yet")
    env = {**os.environ, "PYTHONPATH": str(site)}
    assert "doctor" in run(sys.executable, next((site / "bin").glob("sslkit*")), "--help", env=env, cwd=tmp_path)
