"""The course: the reference solutions get full marks and empty submissions none, copied numbers fail, and both editions are whole.

Exercises are graded here by nbgrader's rules in this process, where torch is loaded already; one of them goes all the way through nbgrader."""
import ast, copy, json, os, re, resource, shutil, subprocess, sys
from pathlib import Path
import pytest
from notebooks import Shell, isolated
from project import NBS, ROOT, read
from sslkit.core.errors import InputError
from sslkit.core.paper import catalogue
from sslkit.tool import course as tool

LECTURES, EXERCISES = (sorted(p.stem for p in (NBS / folder).glob("week*.ipynb")) for folder in ("course", "course/solutions"))
INSTALL = 'the editions of the course need nbgrader; install it: python -m pip install -e ".[course]"'

def cells(nb): return [c for c in nb["cells"] if c["cell_type"] == "code"]
def source(cell): return "".join(cell["source"])
def said(cell): return cell["metadata"].get("nbgrader", {})
def exercise(week): return read(NBS / f"course/solutions/{week}.ipynb")

# --- what stands in the notebooks -----------------------------------------------------------------------------------------------------------

def test_the_first_four_weeks_are_complete(): assert LECTURES[:4] == EXERCISES[:4] == ["week01", "week02", "week03", "week04"]

@pytest.mark.parametrize("week", LECTURES)
def test_a_lecture_has_slides_and_refutes_misconceptions(week):
    nb = read(NBS / f"course/{week}.ipynb")
    assert {c["metadata"].get("slideshow", {}).get("slide_type") for c in nb["cells"]} >= {"slide", "subslide", "fragment"}
    wrong = [i for i, c in enumerate(nb["cells"]) if c["cell_type"] == "markdown" and re.search(r'^### "', c["source"], re.M)]
    assert len(wrong) >= 4
    for i in wrong: assert any(isinstance(n, ast.Assert) for n in ast.walk(ast.parse(nb["cells"][i + 1]["source"]))), f"no cell refutes: {nb['cells'][i]['source']}"
    words = "\n".join(c["source"] for c in nb["cells"] if c["cell_type"] == "markdown")
    assert all(part in words for part in ("**After this week you can**", "Before you run anything", "## Common misconceptions", "## To discuss", "**Exercise of this week**"))

@pytest.mark.parametrize("week", EXERCISES)
def test_an_exercise_says_what_nbgrader_needs(week):
    nb = exercise(week)
    graded = [c for c in nb["cells"] if said(c).get("grade")]
    ids = [said(c)["grade_id"] for c in nb["cells"] if said(c)]
    assert sum(said(c)["points"] for c in graded) == 20 and len(ids) == len(set(ids))
    assert all(said(c)["schema_version"] == 3 for c in nb["cells"] if said(c))
    for c in nb["cells"]:
        text = source(c)
        assert ("BEGIN SOLUTION" in text) == bool(said(c).get("solution")), text
        if "BEGIN HIDDEN TESTS" in text: assert said(c)["grade"] and said(c)["locked"] and "assert" in text.split("BEGIN HIDDEN TESTS")[1]
        if said(c).get("grade") and c["cell_type"] == "code": assert "assert" in text.split("### BEGIN HIDDEN TESTS")[0], f"students see nothing of this check: {text}"
    assert "Rubric" in source(nb["cells"][-1]) and "| full | half | none |" in source(nb["cells"][-1])

# --- grading --------------------------------------------------------------------------------------------------------------------------------

def empty(nb, student):
    "What a student hands in who has written an id and nothing else: the released notebook."
    pytest.importorskip("nbgrader", reason=INSTALL)
    import nbformat
    nb = json.loads(nbformat.writes(tool.release(nbformat.from_dict(dict(nb, nbformat=4, nbformat_minor=5)))))
    for c in nb["cells"]: c["source"] = f"student = {student!r}" if said(c).get("grade_id") == "student" else source(c)
    return nb

def answered(nb, student, **answers):
    "A submission with everything of the reference but other code in some cells."
    nb = copy.deepcopy(nb)
    for c in nb["cells"]:
        if said(c).get("grade_id") == "student": c["source"] = f"student = {student!r}"
        if said(c).get("grade_id") in answers: c["source"] = answers[said(c)["grade_id"]]
    return nb

def graded(nb, week):
    "Name of the cell -> points, None where a person has to grade; and the names that the code left. As `nbgrader autograde` does: locked cells as in the source, errors do not stop it."
    pytest.importorskip("nbgrader", reason=INSTALL)
    import nbformat
    from nbgrader.utils import determine_grade
    originals = {said(c)["grade_id"]: c for c in exercise(week)["cells"] if said(c).get("locked")}
    scores = {}
    with isolated(NBS / "course/solutions"):
        shell = Shell.instance(week)
        try:
            for i, cell in enumerate(nb["cells"]):
                if (name := said(cell).get("grade_id")) in originals: cell = dict(cell, source=source(originals[name]))
                if cell["cell_type"] == "code":
                    outputs, error = shell.execute(source(cell), f"<{week}, cell {i}>")
                    if error is not None: outputs = [dict(output_type="error", ename=type(error).__name__, evalue=str(error), traceback=[])]
                    cell = dict(cell, outputs=outputs)
                if said(cell).get("grade"): scores[name] = determine_grade(nbformat.from_dict(cell))[0]
            names = {k: v for k, v in shell.user_ns.items() if k[0] != "_"}
            return scores, names
        finally: shell.leave()

def worth(week, written): return {said(c)["grade_id"]: said(c)["points"] for c in exercise(week)["cells"] if said(c).get("grade") and (c["cell_type"] == "markdown") == written}

@pytest.mark.parametrize("student", ["ada", "s1234567"])
@pytest.mark.parametrize("week", EXERCISES)
def test_the_reference_gets_full_marks(week, student):
    scores, _ = graded(answered(exercise(week), student), week)
    assert {k: v for k, v in scores.items() if v is not None} == worth(week, written=False) and scores.keys() - worth(week, written=False).keys() == worth(week, written=True).keys()

@pytest.mark.parametrize("week", EXERCISES)
def test_an_empty_submission_gets_nothing(week):
    scores, _ = graded(empty(exercise(week), "ada"), week)
    assert scores.keys() == {*worth(week, True), *worth(week, False)} and set(scores.values()) == {0}

def numbers(week):
    "The solutions that are values, not functions: name of the cell -> the variables that it leaves."
    found = {}
    for c in cells(exercise(week)):
        asked = re.findall(r"^# (\w+(?:, \w+)*) = \.\.\.", source(c), re.M)
        if said(c).get("solution") and asked: found[said(c)["grade_id"]] = [v for line in asked for v in line.split(", ")]
    return found

@pytest.mark.parametrize("week", EXERCISES)
def test_copied_numbers_fail(week):
    asked = numbers(week)
    assert asked, "an exercise asks for a number"
    _, theirs = graded(answered(exercise(week), "ada"), week)
    copied = {cell: "\n".join(f"{v} = {theirs[v]!r}" for v in variables) for cell, variables in asked.items()}
    own, _ = graded(answered(exercise(week), "ada", **copied), week)
    other, _ = graded(answered(exercise(week), "grace", **copied), week)
    for cell in copied:
        checks = [k for k in worth(week, False) if k.startswith(f"{cell}-") and worth(week, False)[k]]
        assert checks and all(own[k] == worth(week, False)[k] for k in checks) and all(other[k] == 0 for k in checks), f"{cell}: ada's numbers pass for grace"

# --- editions -------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def editions(tmp_path_factory):
    "Both editions, without slides."
    pytest.importorskip("nbgrader", reason=INSTALL)
    place = tmp_path_factory.mktemp("editions")
    tool.export_course(place / "instructor", "instructor", with_slides=False)
    tool.export_course(place / "student", "student", with_slides=False)
    return place

def test_students_get_no_solution(editions):
    texts = {p.relative_to(editions / "student").as_posix(): p.read_text(encoding="utf-8") for p in (editions / "student").rglob("*") if p.is_file()}
    assert {f"course/{w}.ipynb" for w in LECTURES} | {f"course/{w}_exercise.ipynb" for w in EXERCISES} <= texts.keys() and not [p for p in texts if "solution" in p or "nbgrader/" in p]
    assert not [p for p, t in texts.items() if "BEGIN SOLUTION" in t or "BEGIN HIDDEN" in t] and "course/teaching.md" not in texts
    for week in EXERCISES:
        secret = [line.strip() for c in exercise(week)["cells"] for inside in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", source(c), re.S) for line in inside.splitlines() if len(line.strip()) > 25]
        open_to_all = "\n".join(re.sub(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n.*?### END", "", source(c), flags=re.S) for c in exercise(week)["cells"])
        secret = [s for s in secret if s not in open_to_all]
        assert len(secret) > 20 and not [s for s in secret if json.dumps(s)[1:-1] in texts[f"course/{week}_exercise.ipynb"]]

def test_teachers_get_everything(editions):
    there = {p.relative_to(editions / "instructor").as_posix() for p in (editions / "instructor").rglob("*")}
    for week in EXERCISES: assert {f"course/{week}_solution.ipynb", f"nbgrader/source/{week}/{week}_exercise.ipynb", f"nbgrader/release/{week}/{week}_exercise.ipynb"} <= there
    assert "BEGIN HIDDEN TESTS" in (editions / "instructor/nbgrader/source/week01/week01_exercise.ipynb").read_text(encoding="utf-8")

@pytest.mark.parametrize("edition", tool.EDITIONS)
def test_no_link_of_an_edition_is_broken(editions, edition):
    wrong = []
    for p in (editions / edition).rglob("*"):
        if p.suffix not in (".ipynb", ".md") or "nbgrader" in p.parts: continue
        text = "\n".join(source(c) for c in read(p)["cells"] if c["cell_type"] == "markdown") if p.suffix == ".ipynb" else p.read_text(encoding="utf-8")
        text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
        wrong += [f"{p.name}: {x}" for x in re.findall(r"(?<=\]\()(?!\w+:|#)[^)\s#]+", text) if not (p.parent / x).exists()]
        wrong += [f"{p.name}: {{room}} is left"] * ("{room}" in text)
    assert wrong == []

def test_a_lecture_is_run_for_its_slides(tmp_path):
    "In a kernel, so that a figure is on the slide; a lecture that fails has none, and says why."
    pytest.importorskip("nbgrader", reason=INSTALL); pytest.importorskip("ipykernel", reason=INSTALL)
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
    lecture = new_notebook(cells=[new_markdown_cell("## A <line>"), new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('it rises');", metadata=dict(slideshow=dict(slide_type="slide")))])
    before, after = (tool.slides(nb, reveal="reveal.js") for nb in (lecture, tool.executed(lecture, tmp_path)))
    pictures = lambda page: page.count("data:image/png;base64")
    assert pictures(after) == pictures(before) + 1 and not lecture.cells[1].outputs and "reveal.js/dist" in after
    assert 'alt="A &lt;line&gt;: it rises"' in after and "No description" not in after
    lecture.cells.append(new_code_cell("1 / 0"))
    with pytest.raises(InputError, match="ZeroDivisionError"): tool.executed(lecture, tmp_path)

def test_some_weeks(tmp_path, monkeypatch):
    pytest.importorskip("nbgrader", reason=INSTALL)
    monkeypatch.setattr(tool, "executed", lambda nb, folder: nb)                                        # outputs are tested above
    tool.export_course(tmp_path / "x", "student", weeks=[1])
    page = (tmp_path / "x/course/week01_slides.html").read_text(encoding="utf-8")
    slides = sum(c["metadata"].get("slideshow", {}).get("slide_type") in ("slide", "subslide") for c in read(NBS / "course/week01.ipynb")["cells"])
    assert page.count("<section") >= slides > 8
    assert (tmp_path / "x/pretext/rotnet.ipynb").exists() and not (tmp_path / "x/course/week02.ipynb").exists()
    tool.export_course(tmp_path / "x", "student", weeks=[1], with_slides=False)                         # a second time into the same folder

def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir(); (tmp_path / "mine/notes.txt").write_text("mine")
    for to, edition, words in ((tmp_path / "mine", "student", "not empty"), (tmp_path / "mine/notes.txt", "student", "is a file"), (tmp_path / "new", "students", "'students' is unknown"), ):
        with pytest.raises(InputError, match=words): tool.export_course(to, edition)
    with pytest.raises(InputError, match="week99 has no lecture"): tool.course().chosen([99])
    assert not (tmp_path / "new").exists() and [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]

# --- through nbgrader -----------------------------------------------------------------------------------------------------------------------

def test_nbgrader_grades_week_one(editions, tmp_path, monkeypatch):
    "Mallory hands in what Ada has done: full marks, but for the number, which has to be Mallory's own. With one writable folder, and less than 4 GiB."
    pytest.importorskip("ipykernel", reason='nbgrader starts a kernel; install it: python -m pip install -e ".[notebooks]"')
    from nbgrader.api import Gradebook
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))              # nbgrader calls alembic, which lies beside Python
    folder = tmp_path / "class"
    shutil.copytree(editions / "instructor/nbgrader", folder)
    home = tmp_path / "home"; home.mkdir()
    name = "week01_exercise.ipynb"
    full, none = json.loads((folder / "source/week01" / name).read_text()), json.loads((folder / "release/week01" / name).read_text())
    call = lambda *words: subprocess.run([sys.executable, "-m", "nbgrader", *words], cwd=folder, capture_output=True, text=True,
                                         env={**os.environ, "HOME": str(home), "TMPDIR": str(home), "SSLKIT_CACHE": str(home / "cache"), "MPLCONFIGDIR": str(home), "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])})
    made = call("generate_assignment", "week01", "--create", "--force")
    assert made.returncode == 0, made.stderr[-3000:]
    released = json.loads((folder / "release/week01" / name).read_text())
    assert [source(c) for c in released["cells"]] == [source(c) for c in none["cells"]], "export makes what nbgrader makes"
    to = folder / "submitted/mallory/week01"; to.mkdir(parents=True)
    (to / name).write_text(json.dumps(full))
    done = call("autograde", "week01", "--create")
    assert done.returncode == 0, done.stderr[-3000:]
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as book:
        scores = {g.name: None if g.needs_manual_grade else g.auto_score for g in book.find_submission_notebook("week01_exercise", "week01", "mallory").grades}
    assert scores == {**worth("week01", written=False), **dict.fromkeys(worth("week01", written=True)), "floor-right": 0}
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024) < 4 * 2**30

# --- a term ---------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture
def sslkit(monkeypatch, capsys):
    "Calls the program in this process: status, output, what it says of errors."
    from sslkit.core.cli import main
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["sslkit", *words])
        status = 0
        try: main()
        except SystemExit as e: status = e.code
        return status, *capsys.readouterr()
    return call

def test_a_term_is_frozen_and_compared(tmp_path, sslkit):
    status, out, err = sslkit("course", "freeze", "autumn", "--out", str(tmp_path))
    assert not status and "autumn.constraints.txt" in out, err
    place = tmp_path / "autumn.lock.json"
    lock = json.loads(place.read_text())
    assert lock["rooms"].keys() == {p.id for p in catalogue()} and lock["weeks"].keys() == {f"course/{w}" for w in LECTURES} | {f"solutions/{w}" for w in EXERCISES}
    assert all(len(d) >= 16 for splits in lock["data"].values() for d in splits.values()) and {"chalk_on_photos", "chalk_on_turned_photos"} <= lock["data"].keys()
    pins = (tmp_path / "autumn.constraints.txt").read_text().splitlines()
    assert {p.partition("==")[0] for p in pins} == lock["packages"].keys() and len(pins) > 30
    lock["packages"]["numpy"] = "0.1"; lock["data"]["chalk_on_photos"]["train"] = "0" * 16; place.write_text(json.dumps(lock))
    status, out, err = sslkit("course", "freeze", "autumn", "--out", str(tmp_path), "--check")
    assert status == 2 and "package numpy is" in out and "was 0.1" in out and "data chalk_on_photos" in out and "2 differences" in err

def test_broken_locks(tmp_path):
    for text in ("{", "[]", "{}"):
        (tmp_path / "t.lock.json").write_text(text)
        with pytest.raises(InputError, match="lock file"): tool.check_lock("t", tmp_path)

@pytest.mark.parametrize("words, says", [(["export"], "neither --student nor --instructor"), (["export", "--student", "a", "--instructor", "./a"], "folders of their own"), (["export", "--student", "a", "--weeks", "one"], "write 1 or 1-3"), (["freeze", "a/b"], "no name of a file"), (["freeze", "none", "--check"], "is not there")])
def test_mistakes(words, says, tmp_path, monkeypatch, sslkit):
    monkeypatch.chdir(tmp_path)
    status, _, said = sslkit("course", *words)
    assert status == 2 and says in said and len(said.strip().splitlines()) == 1

# --- pages ----------------------------------------------------------------------------------------------------------------------------------

PAGES = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "docs/course").glob("*.md")}

def test_twelve_weeks():
    weeks = re.split(r"^## Week (\d+)", PAGES["index"], flags=re.M)[1:]
    assert [int(n) for n in weeks[::2]] == list(range(1, 13))
    parts = ("Goals", "Read", "Notebook", "Exercise", "Discuss", "Time", "What can I drop?", "Half the class has no GPU")
    for n, text in zip(weeks[::2], weeks[1::2]): assert [p for p in parts if f"**{p}" not in text] == [], f"week {n}"

def test_every_named_room_is_known():
    known = {p.id for p in catalogue()} | {r["id"] for r in json.loads((ROOT / "docs/systems.json").read_text(encoding="utf-8"))}
    for page, text in PAGES.items(): assert set(tool.ROOM.findall(text)) <= known, page

def test_four_paths_in_order_with_reasons():
    paths = re.split(r"^## ", PAGES["paths"], flags=re.M)[1:]
    assert len([p for p in paths if re.search(r"^1\. ", p, re.M)]) >= 4
    built = {p.id for p in catalogue()}
    for path in paths:
        steps = re.findall(r"^\d+\. (.+)$", path, re.M)
        assert all(re.search(r"(\{room\}`\w+`|\]\([^)]+\)).*: .{20,}", s) for s in steps) and (not steps or len(set(tool.ROOM.findall(path)) & built) >= 3)

def test_the_recipe_for_a_hub():
    folder = ROOT / "docs/course/hub"
    compile((folder / "jupyterhub_config.py").read_text(), "jupyterhub_config.py", "exec")
    copied = [x for line in re.findall(r"^COPY (?!--from)(.+)$", (folder / "Dockerfile").read_text(), re.M) for x in line.split()[:-1] if not x.startswith("--")]
    assert copied and all((ROOT / x).exists() for x in copied) and "course" in (folder / "Dockerfile").read_text()
    assert "4G" in (folder / "jupyterhub_config.py").read_text()
