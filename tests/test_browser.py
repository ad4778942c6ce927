"The table of all rooms with which JupyterLab opens: what is typed, chosen and clicked, without a browser."
import subprocess, sys
from dataclasses import replace
import pytest
from project import NBS, read
from sslkit.core import browser as module
from sslkit.core.browser import ANY, ORDERS, Browser
from sslkit.core.errors import InputError
from sslkit.core.paper import catalogue

@pytest.fixture
def many(monkeypatch):
    "As many rooms as there will be."
    papers = catalogue()
    rows = [dict(paper=replace(papers[k % len(papers)], id=f"room_{k}", year=1990 + k % 35, title=f"Title {k} <b>"), verdict=("holds", "refuted", "undecided")[k % 3]) for k in range(271)]
    monkeypatch.setattr(module, "rooms", lambda: rows)
    return rows

def names(browser): return [b.description for b in browser.buttons if b.layout.display is None]

def test_every_room_is_there_and_its_link_leads_to_its_notebook():
    browser = Browser()
    seen = names(browser)
    while not browser.on.disabled: browser.on.click(); seen += names(browser)
    assert sorted(seen) == sorted(p.id for p in catalogue()) and [browser.open(id).id for id in seen] == seen
    for p in catalogue(): assert (NBS / "guides" / browser.link(p)).resolve() == (NBS / p.chapter / f"{p.id}.ipynb") and (NBS / p.chapter / f"{p.id}.ipynb").is_file()

def test_filters_and_pages(many):
    browser = Browser(page=10)
    assert names(browser) == [r["paper"].id for r in browser.found[:10]] and "1 to 10 of 271" in browser.count.value and browser.back.disabled
    browser.on.click(); browser.on.click(); browser.back.click()
    assert browser.first == 10 and "11 to 20 of 271" in browser.count.value
    browser.verdict.value = "refuted"
    assert browser.first == 0 and len(browser.found) == 90 and {r["verdict"] for r in browser.found} == {"refuted"}
    browser.chapter.value = "masked"; browser.words.value = "TITLE  room"
    assert browser.found and all(r["paper"].chapter == "masked" for r in browser.found)
    browser.chapter.value = browser.verdict.value = ANY; browser.words.value = ""
    while not browser.on.disabled: browser.on.click()
    assert browser.first == 270 and len(names(browser)) == 1
    for order in reversed(ORDERS):
        browser.order.value = order
        assert browser.first == 0 and browser.found == sorted(browser.found, key=ORDERS[order])

def test_a_click_shows_the_card_and_the_link(many):
    browser = Browser(page=10)
    browser.words.value = "room_137"
    assert names(browser) == ["room_137"]
    browser.buttons[0].click()
    link, card = (o["data"] for o in browser.card.outputs)
    paper = browser.found[0]["paper"]
    assert f"(../{paper.chapter}/room_137.ipynb)" in link["text/markdown"] and paper.claim.split("<")[0][:20] in card["text/html"] and "Title 137 &lt;b&gt;" in card["text/html"]
    with pytest.raises(InputError, match="did you mean .*room_137"): browser.open("room_1377")
    assert "room_137" in browser._repr_mimebundle_()["text/html"] and "room_138" not in browser._repr_mimebundle_()["text/html"]

def test_the_table_needs_no_torch():
    code = "import sys; from sslkit.core.browser import Browser; Browser(); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

def test_the_welcome_notebook_shows_it():
    cells = read(NBS / "guides/welcome.ipynb")["cells"]
    assert any("Browser(" in c["source"] for c in cells if c["cell_type"] == "code")
