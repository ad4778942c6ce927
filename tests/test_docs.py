"""The documentation site: its sources are complete, its links lead somewhere, and, in a browser, it works.

The sources are computed from cards, ledger and notebooks without Sphinx; these tests always run. The browser looks at the site that
`make docs` built."""
import base64, functools, http.server, io, json, os, posixpath, re, shutil, sys, threading, time
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit
import numpy as np
import pytest
from PIL import Image
from project import ROOT, notebooks
from synthetic_rooms import checkout, entries, papers, picture

sys.path.insert(0, str(ROOT / "docs"))
from generator import api, notebook, rooms
from generator.site import Site, board_css

# --- notebooks ----------------------------------------------------------------------------------------------------------------------------

def code(source, *outputs): return dict(cell_type="code", metadata={}, source=source, outputs=list(outputs), execution_count=1)
def text(source): return dict(cell_type="markdown", metadata={}, source=source)
def out(**data): return dict(output_type="display_data", data={k.replace("_", "/"): v for k, v in data.items()}, metadata={})
def made(*cells, **more): return notebook.page(dict(cells=[text("# A room\n\n> A line."), *cells]), "masked", lambda p: f"elsewhere/{p}", {"masked/mae.ipynb"}, **more)["cells"]

def test_directives_are_obeyed():
    cells = made(code("#| default_exp masked.x"), code("#| hide\n1 / 0"), code("#| export\nx = 1"), code("#| hide_input\nx", out(text_plain="1")), code("#| echo: false\nx"),
                 code("#|output: false\nx"), code("#| include: false\nx"), code("#| code-fold: true\nx"), code("#| eval: false\ny"), text("#| hide\nsecret"), code("#| exporti\n#| hide_output\nz"))[1:]
    assert [(c["source"], c["metadata"]["tags"]) for c in cells] == [("x = 1", ["exported"]), ("x", ["remove-input"]), ("x", ["remove-input"]), ("x", ["remove-output"]), ("x", ["hide-input"]), ("y", []), ("z", ["exported", "remove-output"])]

def test_cards_and_imports_are_folded_into_one_line():
    cells = made(code("#| export\nimport torch"), code("#| export\npaper = Paper(id='x')"), code("paper", out(text_html="<b>card</b>")), code("import math\nfrom a import b"), code("%matplotlib inline"))[1:]
    assert [c["metadata"]["tags"] for c in cells] == [["exported", "hide-input"], ["remove-input"], ["hide-input"], []] and cells[0]["source"] == "import torch\n\npaper = Paper(id='x')"

def test_a_widget_is_its_first_picture():
    view = {notebook.WIDGET: {"model_id": "1"}, "text/plain": "interactive(...)"}
    shown = made(code("interact(f)", out(text_plain="0.3"), dict(output_type="display_data", data=view, metadata={}), out(image_png=picture(0, 20, 20))))[-1]["outputs"]
    assert [list(o["data"]) for o in shown] == [["image/png"], ["text/html"]] and "JupyterLab" in shown[1]["data"]["text/html"]

def test_a_widget_that_brings_a_table_is_the_table():
    view = {notebook.WIDGET: {"model_id": "1"}, "text/plain": "Browser", "text/html": "<table><tr><td>mae</td></tr></table>"}
    shown = made(code("Browser()", dict(output_type="execute_result", data=view, metadata={})))[-1]["outputs"]
    assert [list(o["data"]) for o in shown] == [["text/html"], ["text/html"]] and "mae" in shown[0]["data"]["text/html"] and "JupyterLab" in shown[1]["data"]["text/html"]

def test_pictures_get_smaller_and_keep_their_width():
    def coded(pixels): buffer = io.BytesIO(); Image.fromarray(pixels).save(buffer, format="PNG"); return base64.b64encode(buffer.getvalue()).decode()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    for png in (coded(noise), coded(noise // 64 * 64)):
        mime, small = notebook.smaller(png)
        assert len(small) < len(png) and Image.open(io.BytesIO(base64.b64decode(small))).size == Image.open(io.BytesIO(base64.b64decode(png))).size
    shown = made(code("x", dict(out(image_png=picture(0, 20, 20)), metadata={"image/png": {"width": 10, "height": 10}})))[-1]["outputs"]
    assert shown[0]["metadata"] == {"image/png": {"width": 10}}

def test_pictures_have_words():
    cells = made(text("## The loss"), code("@run.figure\ndef figure(x):\n    'Correlations.'"), code("plt.title('a matrix'); ax.set(xlabel=\"unit\")", out(image_png=picture(0, 9, 9))), code("fig = result.figure()"), code("ax.plot(x)"))
    assert [c["metadata"]["mystnb"]["image"]["alt"] for c in cells if c["cell_type"] == "code"][1:] == ["The loss: a matrix; unit", "Correlations.", "Figure of the section The loss"]
    assert notebook.clean_html("<img src='x'><img alt='y' src='x'>") == '<img alt="" src=\'x\'><img alt=\'y\' src=\'x\'>'
    assert notebook.clean_html("<a href='../a/b.ipynb'>c.ipynb</a> <a href=\"https://x.org/b.ipynb\">d</a>") == "<a href='../a/b.html'>c.ipynb</a> <a href=\"https://x.org/b.ipynb\">d</a>"

def test_links_of_a_notebook():
    cells = made(text("[a](mae.ipynb) [b](../../LICENSE) [c](https://x.org) [d](#e) `[f](g)`"))
    assert cells[-1]["source"] == "[a](mae.ipynb) [b](elsewhere/../LICENSE) [c](https://x.org) [d](#e) `[f](g)`"

def test_head_and_tail_stand_behind_the_title_and_at_the_end():
    assert [c["source"] for c in made(text("## Part"), head="HEAD", tail="TAIL")] == ["# A room\n\n> A line.", "HEAD", "## Part", "TAIL"]

# --- reference ------------------------------------------------------------------------------------------------------------------------------

MODULE = '''
__all__ = ["f", "A", "LIMIT", "g", "Q"]
LIMIT = 3   # of something
P, Q = 1, 2
def f(x: int,          # what goes in
      y: str = "a",    # a | letter
      *, z=None) -> list[int]:  # what comes out
    "Does it; see `A`."   # no docment
    return x
def hidden(): pass
def g(x, y=1): return x   # not about y
class A(B):
    "A thing."
    def __init__(self, n: int = 2):  # how many
        self.n = n
    @property
    def twice(self) -> int: "Two of them."; return 2
    def _inner(self): pass
    @staticmethod
    def of(x): "From x."
'''

def test_docments(tmp_path):
    (tmp_path / "m.py").write_text(MODULE)
    limit, q, f, g, a = api.read(tmp_path / "m.py")
    assert (limit.kind, limit.words) == ("data", "of something") and q.parameters[0].default == "2"
    assert [(p.name, p.type, p.default, p.words) for p in f.parameters] == [("x", "int", "", "what goes in"), ("y", "str", "'a'", "a | letter"), ("z", "", "None", "")]
    assert (f.returns.type, f.returns.words, f.signature) == ("list[int]", "what comes out", "(x: int, y: str='a', *, z=None) -> list[int]")
    assert not any(p.words for p in g.parameters)
    assert (a.signature, [p.words for p in a.parameters], [(m.name, m.kind, m.signature) for m in a.members]) == ("(n: int=2)", ["how many"], [("twice", "property", ""), ("of", "method", "(x)")])
    assert "| `y` | `str` | `'a'` | a \\| letter |" in api.markdown(f, "m", "source") and "Built on `B`" in api.markdown(a, "m", "source")

def test_a_function_without_docments_still_has_a_table(tmp_path):
    (tmp_path / "m.py").write_text("__all__ = ['f', 'g', 'A']\ndef f(x: int, y=2) -> str: 'Do.'\ndef g(x): 'Do.'\nclass A:\n    'A.'\n    def of(self, k: int = 3): return k\n    def __len__(self): return 1")
    f, g, a = (api.markdown(entry, "m", "source") for entry in api.read(tmp_path / "m.py"))
    assert "| | type | default |\n|---|---|---|\n| `x` | `int` |  |\n| `y` |  | `2` |\n| **returns** | `str` |  |" in f
    assert "|" not in g and "| `k` | `int` | `3` |" in a and "A.of(k: int=3)" in a and "__len__" not in a

def test_every_exported_name_is_in_the_reference():
    for path in (ROOT / "sslkit").rglob("*.py"):
        exported = re.search(r"^__all__ = (\[.*?\])", path.read_text(encoding="utf-8"), re.M | re.S)
        if exported: assert sorted(x.name for x in api.read(path)) == sorted(set(__import__("ast").literal_eval(exported[1]))), path

# --- the whole ------------------------------------------------------------------------------------------------------------------------------

class Links(HTMLParser):
    "Addresses, ids and pictures without alt text of a piece of HTML."
    def __init__(self, html): super().__init__(); self.links, self.ids, self.mute = [], [], 0; self.feed(html)
    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.links += [found[k] for k in ("href", "src") if found.get(k)]
        self.ids += [found["id"]] if "id" in found else []
        self.mute += tag == "img" and "alt" not in found

def pages(out):
    "Page -> its text, Markdown cells joined."
    read = lambda p: "\n\n".join(c["source"] for c in json.loads(p.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "markdown") if p.suffix == ".ipynb" else p.read_text(encoding="utf-8")
    return {p.relative_to(out / "source").with_suffix(".html").as_posix(): read(p) for p in (out / "source").rglob("*") if p.suffix in (".md", ".ipynb")}

def html_of(text): return "\n".join(re.findall(r"^`{5}\{raw\} html\n(.*?)\n`{5}$", text, re.M | re.S))

def broken(out):
    "Links of the sources that lead nowhere in the site."
    found, there = [], pages(out)
    files = {p.relative_to(out / "extra").as_posix() for p in (out / "extra").rglob("*")} | {f"_static/{p.name}" for p in (ROOT / "docs/_static").iterdir()}
    ids = {page: Counter(Links(html_of(t)).ids) for page, t in there.items()}
    for page, t in there.items():
        found += [f"{page}: id {i} twice" for i, n in ids[page].items() if n > 1]
        for link in Links(html_of(t)).links:
            where, at = urlsplit(link), posixpath.normpath(posixpath.join(posixpath.dirname(page), urlsplit(link).path)) if urlsplit(link).path else page
            if where.scheme: continue
            if at not in there and at not in files: found.append(f"{page}: {link}")
            elif where.fragment and at in there and where.fragment not in ids[at] and f"{{py:module}} {where.fragment.removeprefix('module-')}\n" not in there[at] and not re.search(rf"^#+ {where.fragment}$", there[at].lower(), re.M): found.append(f"{page}: {link}")
        for listed in re.findall(r"^```\{toctree\}\n:hidden:\n\n(.*?)\n```$", t, re.M | re.S):
            found += [f"{page}: toctree {d}" for d in listed.split() if posixpath.normpath(posixpath.join(posixpath.dirname(page), f"{d}.html")) not in there]
    return found

@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    "The sources of this checkout's site, without outputs."
    out = tmp_path_factory.mktemp("site")
    site = Site(ROOT, out, copies=out / "none")
    site.generate()
    return site

def test_every_notebook_has_a_page_that_is_reached(sources):
    there = pages(sources.out)
    assert {p.relative_to(ROOT / "nbs").with_suffix(".html").as_posix() for p in notebooks() if p.parent.name != "solutions"} - {"index.html"} <= there.keys() and "start.html" in there
    listed = {posixpath.normpath(posixpath.join(posixpath.dirname(page), f"{d}.html")) for page, t in there.items() for found in re.findall(r"^```\{toctree\}\n:hidden:\n\n(.*?)\n```$", t, re.M | re.S) for d in found.split()}
    assert there.keys() - listed == {"index.html"}

def test_the_course_is_there_and_its_solutions_are_not(sources):
    there = pages(sources.out)
    lessons = {f"course/{p.stem}.html" for p in (ROOT / "docs/course").glob("*.md")} | {f"course/{p.stem}.html" for p in (ROOT / "nbs/course").glob("*.ipynb")}
    exercises = {f"course/{p.stem}_exercise.html" for p in (ROOT / "nbs/course/solutions").glob("*.ipynb")}
    assert exercises and all("YOUR ANSWER HERE" in there[p] or "NotImplementedError" in there[p] for p in exercises) and not [p for p in exercises if "HIDDEN TESTS" in there[p]]
    lessons |= exercises
    assert lessons == {p for p in there if p.startswith("course/")} and "{room}" not in "".join(there[p] for p in lessons)
    assert not [p for p in sources.out.rglob("*") if "solutions" in p.parts] and not [p for p in lessons if "BEGIN SOLUTION" in there[p].replace("`### BEGIN SOLUTION`", "")]
    for page in lessons:                                                  # Markdown links, which Sphinx would only warn of
        for link in re.findall(r"\]\((?!\w+:|#)([^)\s#]+)", re.sub(r"```.*?```|`[^`\n]*`", "", there[page], flags=re.S)):
            assert posixpath.splitext(posixpath.normpath(posixpath.join("course", link)))[0] + ".html" in there, f"{page}: {link}"

def test_links_lead_somewhere(sources): assert broken(sources.out) == []

def test_a_room_says_what_its_verdict_rests_on(sources):
    for row in sources.entries:
        page = pages(sources.out)[f"{row['chapter']}/{row['id']}.html"]
        shown = html_of(page)
        assert f"mark {row['verdict']}" in shown and all(rooms.e(c["text"]) in shown for c in row["clauses"]) and all(rooms.e(b) in shown for b in row["below_floor"])
        assert shown.count("class=strips") >= bool(row["n"] and row["named"])
        assert all(address in shown for address in ("colab.research", "mybinder.org", "/lab/tree/nbs/", f"notebooks/{row['chapter']}/{row['id']}.ipynb"))

def test_the_gallery_has_every_system_once_and_fakes_none(sources):
    listed = {r["id"] for r in json.loads((ROOT / "docs/systems.json").read_text(encoding="utf-8"))} | sources.rooms.keys()
    shown = re.findall(r"<article class='system (\w+)' id='(\w+)'.*?</article>", pages(sources.out)["gallery.html"], re.S)
    assert sorted(i for _, i in shown) == sorted(listed) and {i for v, i in shown if v != "unbuilt"} == sources.rooms.keys()

def test_systems_agree_with_the_cards(sources):
    "A list that is typed: where a room has been built, its card knows better, and they had better agree."
    known = {r["id"]: r for r in json.loads((ROOT / "docs/systems.json").read_text(encoding="utf-8"))}
    differ = [(id, k, known[id][k], getattr(p, k)) for id, p in sources.rooms.items() for k in ("year", "arxiv", "chapter") if k in known.get(id, {}) and known[id][k] != getattr(p, k)]
    assert differ == []

def test_no_other_server_is_asked(sources):
    for page, t in pages(sources.out).items(): assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=['\"]?(?:https?:)?//", html_of(t)), page
    for file in (ROOT / "docs/_static").iterdir(): assert not re.search(r"(?:url\(|import |fetch\()['\"]?(?:https?:)?//", file.read_text(encoding="utf-8")), file

def test_what_did_not_change_is_not_written_again(sources):
    stamp = lambda: {p: p.stat().st_mtime_ns for p in sources.out.rglob("*") if p.is_file()}
    before = stamp()
    Site(ROOT, sources.out, sources.papers, sources.entries, copies=sources.copies).generate()
    assert stamp() == before

def test_style_of_the_scoreboard_stays_in_its_place():
    css = board_css()
    assert css.startswith(".board{") and css.count("{") == css.count("}") and "color-scheme" not in css

def test_three_hundred_rooms(tmp_path):
    cards = papers(300)
    folder, rows = checkout(tmp_path, cards, cells=3), entries(cards)
    out = folder / "docs/_site"
    Site(folder, out, cards, rows).generate()
    assert broken(out) == []
    pictures = list((out / "extra/thumbs").iterdir())
    assert len(pictures) == 300 and sum(p.stat().st_size for p in [*pictures, out / "source/gallery.md"]) < 2.5e6         # the theme around it takes some of the 3 MB
    there = {p: p.read_bytes() for p in (out / "source").rglob("*") if p.is_file()}
    rows[7] = rows[7] | dict(n=99)
    Site(folder, out, cards, rows).generate()
    changed = {p.relative_to(out / "source").with_suffix("").as_posix() for p, content in there.items() if p.read_bytes() != content}
    assert changed <= {f"{cards[7].chapter}/{cards[7].id}", "scoreboard"} and changed

def test_formulas():
    pytest.importorskip("latex2mathml", reason='formulas need what the site needs: python -m pip install -e ".[docs]"')
    pytest.importorskip("sphinx", reason='formulas need what the site needs: python -m pip install -e ".[docs]"')
    from generator.extension import mathml
    assert "<mfrac>" in mathml(r"\frac{a}{b}") and "‖" in mathml(r"\big\lVert x \big\rVert^2") and 'display="block"' in mathml("x", "block")
    with pytest.raises(Exception): mathml(r"\nosuchcommand{x}")

# --- in a browser ---------------------------------------------------------------------------------------------------------------------------

HTML = ROOT / "docs/_site/html"

class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@pytest.fixture(scope="module")
def address():
    if not (HTML / "index.html").exists(): pytest.skip("there is no site to look at; build it: make docs")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()

@pytest.fixture(scope="module")
def browser(address):
    pytest.importorskip("selenium", reason='the browser test needs Selenium; install it: python -m pip install -e ".[docs]"')
    from selenium import webdriver
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
    if not chromium or not driver: pytest.skip("the browser test needs Chromium and its driver; install them: apt install chromium chromium-driver (or set CHROMEDRIVER to the driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for a in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--disable-background-networking"): options.add_argument(a)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    yield found
    found.quit()

@pytest.fixture
def visit(browser, address):
    "Opens a page in a window of some size; afterwards nothing was wrong and nobody else was asked."
    asked = []
    def go(page, width=1280, height=900, dark=False):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600))
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dict(features=[dict(name="prefers-color-scheme", value="dark" if dark else "light")]))
        browser.get(f"{address}/{page}")
        return browser
    def look(name):
        "Keep a picture; a busy machine may need a second attempt."
        from selenium.common.exceptions import TimeoutException
        (HTML.parent / "screenshots").mkdir(exist_ok=True)
        for attempt in range(2):
            try: return browser.save_screenshot(str(HTML.parent / f"screenshots/{name}.png"))
            except TimeoutException: pass
    go.look = look
    yield go
    wrong = [x["message"] for x in browser.get_log("browser") if x["level"] in ("SEVERE", "WARNING")]
    for line in browser.get_log("performance"):
        said = json.loads(line["message"])["message"]
        if said["method"] == "Network.requestWillBeSent": asked.append(said["params"]["request"]["url"])
    assert wrong == [] and [u for u in asked if not u.startswith((address, "data:", "about:", "blob:", "chrome"))] == []

def css(browser, selector): return browser.find_elements("css selector", selector)

def shown(browser): return browser.execute_script("return [...document.querySelectorAll('.gallery .system')].filter(c => c.checkVisibility()).map(c => c.id)")

def fits(browser): return browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")

def test_home(visit):
    b = visit("")
    visit.look("home")
    assert css(b, ".hero") and len(css(b, ".gallery .system")) >= 3
    assert b.execute_script("return [...document.images].filter(i => !i.closest('.gallery') && !i.naturalWidth).length") == 0

def test_gallery_filters_and_finds(visit):
    b = visit("gallery.html")
    visit.look("gallery")
    everything = len(css(b, ".gallery .system"))
    start = time.time()
    css(b, ".filter input[name=q]")[0].send_keys("barlow twins")
    assert "barlow_twins" in shown(b) and len(shown(b)) < 10 and time.time() - start < 10 and "q=barlow" in b.current_url
    css(b, ".filter button[type=reset]")[0].click(); time.sleep(0.1)
    b.execute_script("const s = document.querySelector('.filter select[name=verdict]'); s.value = 'unbuilt'; s.dispatchEvent(new Event('input', {bubbles: true}))")
    unbuilt = shown(b)
    assert 0 < len(unbuilt) < everything and css(b, ".filter output")[0].text == f"{len(unbuilt)} of {everything}" and "barlow_twins" not in unbuilt
    assert b.execute_script("const t = performance.now(); for (let i = 0; i < 20; i++) document.querySelector('form.filter').dispatchEvent(new Event('input')); return (performance.now() - t) / 20") < 50
    assert "barlow_twins" in shown(visit("gallery.html?chapter=decorrelate"))

def test_room(visit):
    b = visit("decorrelate/barlow_twins.html")
    visit.look("room")
    assert css(b, ".room-head .mark") and css(b, ".clauses svg") and css(b, "math") and css(b, "#evidence .strips svg") and css(b, ".static-widget")
    assert css(b, ".prev-next-footer a") and len(css(b, ".cell")) > 10
    assert b.execute_script("return [...document.images].filter(i => !i.hasAttribute('alt')).length") == 0

def test_scoreboard_sorts(visit):
    b = visit("scoreboard.html")
    visit.look("scoreboard")
    years = lambda: [r.text for r in css(b, ".board .rows summary > .y")]
    css(b, ".board .head button[value=y]")[0].click()
    assert years() == sorted(years()) and len(set(years())) > 2
    css(b, ".board .head button[value=y]")[0].click()
    assert years() == sorted(years(), reverse=True)
    columns = lambda: [r.text for r in css(b, "table.sortable tbody tr > td:nth-child(2)")]
    b.execute_script("document.querySelectorAll('table.sortable thead button')[1].click()")
    assert columns() == sorted(columns())
    css(b, ".board .rows summary")[0].click()
    assert css(b, ".board .rows [open] .clauses, .board .rows [open] ol, .board .rows [open] .more")

def test_family_tree(visit):
    b = visit("history.html#simclr")
    b.execute_script("document.querySelector('svg.tree a#simclr').focus()")
    assert css(b, "svg.tree.chosen a.kin#simclr") and css(b, "svg.tree a:not(.kin)") and len(css(b, ".timeline .dot")) > 100
    visit.look("history")

def test_theme_switch(visit):
    b = visit("gallery.html")
    colour = lambda: b.execute_script("return getComputedStyle(document.body).backgroundColor")
    light = colour()
    next(x for x in css(b, ".theme-switch-button") if x.is_displayed()).click()
    time.sleep(0.3)
    next(x for x in css(b, ".theme-switch-container .dropdown-menu [data-mode=dark]") if x.is_displayed()).click()
    assert colour() != light and b.execute_script("return document.documentElement.dataset.theme") == "dark"
    b.execute_script("localStorage.clear()")

def test_dark(visit):
    for name, page in dict(room="decorrelate/barlow_twins.html", gallery="gallery.html", scoreboard="scoreboard.html", history="history.html").items():
        b = visit(page, dark=True)
        visit.look(f"{name}-dark")
        assert b.execute_script("return document.documentElement.dataset.theme") == "dark"

def test_phone(visit):
    for name, page in dict(home="index.html", room="decorrelate/barlow_twins.html", gallery="gallery.html", scoreboard="scoreboard.html", history="history.html", api="api/core.html").items():
        b = visit(page, 390, 844)
        visit.look(f"{name}-phone")
        assert fits(b), f"{page} is wider than a phone"

def test_keyboard(visit):
    from selenium.webdriver.common.keys import Keys
    b = visit("scoreboard.html")
    b.execute_script("document.querySelector('.board .rows summary').focus()")
    b.switch_to.active_element.send_keys(Keys.ENTER)
    assert css(b, ".board .rows details[open]")
    b = visit("gallery.html")
    b.execute_script("document.querySelector('.filter select[name=verdict]').focus()")
    b.switch_to.active_element.send_keys(Keys.TAB)
    assert b.switch_to.active_element.get_attribute("type") == "reset"

def test_search(visit):
    b = visit("search.html?q=cross-correlation")
    for _ in range(50):
        if css(b, "ul.search li a"): break
        time.sleep(0.1)
    assert any("barlow_twins" in a.get_attribute("href") for a in css(b, "ul.search li a"))

# --- the files that were built ----------------------------------------------------------------------------------------------------------------

def test_no_link_of_the_site_is_broken(address):
    there, wrong = {p.relative_to(HTML).as_posix(): p for p in HTML.rglob("*") if p.is_file()}, set()
    parsed = {name: Links(p.read_text(encoding="utf-8")) for name, p in there.items() if name.endswith(".html") and not name.startswith("_static")}
    for name, page in parsed.items():
        for link in page.links:
            where = urlsplit(urljoin(f"site:///{name}", link)) if not urlsplit(link).scheme else None
            if where is None or link.startswith("//"): continue
            at = unquote(posixpath.normpath(posixpath.join(posixpath.dirname(name), urlsplit(link).path))) if urlsplit(link).path else name
            if at not in there: wrong.add(f"{name}: {link}")
            elif where.fragment and at in parsed and unquote(where.fragment) not in parsed[at].ids: wrong.add(f"{name}: {link}")
    assert sorted(wrong) == []

def test_sizes(address):
    for page in [p for p in HTML.rglob("*.html") if p.relative_to(HTML).parts[0] in {x.parent.name for x in notebooks()}]:
        linked = {(page.parent / unquote(urlsplit(x).path)).resolve() for x in Links(page.read_text(encoding="utf-8")).links if not urlsplit(x).scheme and urlsplit(x).path.endswith((".png", ".jpg", ".jpeg", ".svg", ".webp"))}
        size = sum(p.stat().st_size for p in {page, *linked} if p.exists())
        assert size <= 2e6, f"{page.relative_to(HTML)} has {size / 1e6:.1f} MB"
