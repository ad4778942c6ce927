"The cards of the rooms: what may stand on one, how it is read from a notebook, how it is shown."
import json, subprocess, sys, time
from html.parser import HTMLParser
from pathlib import Path
import pytest
from hypothesis import given, settings, strategies as st
from sslkit.core.errors import InputError
from sslkit.core.paper import AXES, CHAPTERS, KINDS, LEVELS, STATUSES, Mechanism, Number, Paper, card_of, catalogue, find

CARD = dict(id="a_room", title="A room", authors="Doe", year=2020, chapter="masked", modality="image", idea="Look at half.", claim="Half is enough.",
            arxiv="2001.00001", fidelity=[("half of the image", "paper (eq. 1)")], minutes=20, level="advanced", after="look", question="Which half?")
ROOT = Path(__file__).parents[1]

def literal(**card) -> str:
    "The cell of a card."
    return "#| export\npaper = Paper(" + ", ".join(f"{k}={v!r}" for k, v in card.items()) + ")"

def notebook(folder: Path, *cells: str, chapter="masked", name="a_room") -> Path:
    path = folder/chapter/f"{name}.ipynb"; path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(dict(cells=[dict(cell_type="code", source=c) for c in cells])), encoding="utf-8")
    return path

squeezed = lambda s: "".join(s.split())
text = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
cards = st.builds(Paper, id=st.from_regex("[a-z][a-z0-9_]{0,9}", fullmatch=True), title=text, authors=text, year=st.integers(1900, 2100), chapter=st.sampled_from(CHAPTERS),
                  modality=st.sampled_from(["image", "image_text"]), kind=st.sampled_from(KINDS), idea=text, claim=text, arxiv=st.sampled_from(["", "2103.03230", "cs.LG/0101001"]),
                  numbers=st.lists(st.builds(Number, text, st.one_of(st.floats(allow_nan=False), st.integers(), text), text, text), max_size=3),
                  fidelity=st.lists(st.builds(lambda what, status, why: Mechanism(what, f"{status} ({why})"), text, st.sampled_from(STATUSES), text), max_size=3),
                  axes=st.one_of(st.just(()), st.tuples(*(st.tuples(st.just(k), text) for k in AXES))), builds_on=st.lists(text, max_size=2), needs=st.lists(text, max_size=2), minutes=st.integers(0, 90), level=st.sampled_from(("", *LEVELS)), after=text, question=text)

class Balanced(HTMLParser):
    "Every tag that is opened is closed; nothing is fetched, nothing runs; keeps the text."
    def __init__(self, source): super().__init__(); self.open, self.text, self.links = [], "", []; self.feed(source); self.close()
    def handle_starttag(self, tag, attrs):
        assert tag in ("div", "span", "b", "a") and {k for k, _ in attrs} <= {"style", "href"} and "url(" not in dict(attrs).get("style", "")
        self.open.append(tag); self.links += [v for k, v in attrs if k == "href"]
    def handle_endtag(self, tag): assert self.open.pop() == tag
    def handle_data(self, data): self.text += data

@settings(max_examples=60, deadline=None)
@given(cards)
def test_any_card_survives_json_and_is_shown_whole(card):
    assert Paper.from_json(card.to_json()) == card and eval(repr(card.fidelity), dict(Mechanism=Mechanism)) == card.fidelity
    stored = json.loads(card.to_json())
    assert stored["module"] == f"sslkit.{card.chapter}.{card.id}" and stored["notebook"] == f"nbs/{card.chapter}/{card.id}.ipynb"
    page = Balanced(card._repr_html_())
    assert page.open == [] and set(page.links) == ({card.link} if card.arxiv else set())
    shown = [card.title, card.idea, card.claim, card.question, *(v for _, v in card.axes), *(n.what for n in card.numbers), *(n.source for n in card.numbers), *(m.what for m in card.fidelity), *(m.why for m in card.fidelity)]
    for fact in shown: assert fact in page.text and squeezed(fact) in squeezed(str(card))                # lines are broken in plain text
    assert sum(card.faithful.values()) == len(card.fidelity)
    assert isinstance(str(card), str) and isinstance(card._repr_markdown_(), str)

def test_nothing_on_a_card_becomes_markup():
    bad = '"><img src=x onerror=alert(1)>&amp;'
    card = Paper(**CARD | dict(title=bad, authors=bad, idea=bad, claim=bad, after=bad, question=bad, needs=[bad], axes=[(k, bad) for k in AXES], arxiv="", url="https://example.org/" + bad,
                               numbers=[(bad, bad, bad, bad)], fidelity=[(bad, f"paper ({bad})")]))
    page = Balanced(card._repr_html_()); assert page.text.count(bad) == 19 and set(page.links) == {card.url}

def test_the_status_of_a_mechanism():
    m = Mechanism("half", "our choice (a third (of 9 patches), as in (Doe))"); assert (m.kind, m.why) == ("our choice", "a third (of 9 patches), as in (Doe)")
    assert (Mechanism("half", "paper").kind, Mechanism("half", "paper").why) == ("paper", "")

def test_text_and_markdown_tell_everything():
    card = Paper(**CARD | dict(numbers=[("top-1 | %", 73.2, "ImageNet", "Table 7")], needs=["b_room"], fidelity=[("half", "left out (it is dark)")]))
    for shown in (str(card), card._repr_markdown_(), Balanced(card._repr_html_()).text):
        for fact in ("A room", "Doe 2020", "2001.00001", "Look at half.", "Half is enough.", "73.2", "ImageNet", "Table 7", "left out", "it is dark",
                     "20 minutes", "advanced", "needs b_room", "After this room you can look.", "Which half?"): assert fact in shown, (fact, shown)
    rows = [l for l in card._repr_markdown_().splitlines() if l.startswith("|")]
    assert all(r.replace("\\|", "").count("|") in (3, 5) for r in rows) and len(rows) == 6
    bare = Paper(**{k: CARD[k] for k in ("id", "title", "authors", "year", "chapter", "modality", "idea", "claim")})
    for shown in (str(bare), bare._repr_markdown_(), Balanced(bare._repr_html_()).text):
        for fact in ("After this", "numbers", "Fidelity", "Before", "minutes", "arXiv", "| "): assert fact not in shown

@pytest.mark.parametrize("change, words", [
    (dict(arxiv=2001.00001), "arxiv=2001.00001 is no text"), (dict(arxiv="arXiv:2001.00001"), "no arXiv number"), (dict(arxiv="2001.00001v3"), "without version"),
    (dict(url="example.org"), "https://"), (dict(year="2020"), "whole number"), (dict(year=True), "whole number"), (dict(title=""), "title is empty"), (dict(authors=""), "authors is empty"),
    (dict(id="A-room"), "small letters"), (dict(id="../a"), "small letters"), (dict(modality="Image text"), "small letters"), (dict(chapter="mask"), "did you mean masked"),
    (dict(kind="methods"), "did you mean method"), (dict(level="hard"), "choose one of advanced"), (dict(needs="simclr"), "needs="), (dict(builds_on=[1]), "builds_on="), (dict(axes=[("views", "two")]), "in this order"), (dict(axes=[("views", "")]), "pairs of texts"), (dict(needs=[1]), "needs="),
    (dict(numbers=[("top-1", 73.2)]), "(what, value, setting, source)"), (dict(numbers=[("top-1", 73.2, "ImageNet", "")]), "source=''"), (dict(numbers=[("top-1", None, "x", "y")]), "value=None"),
    (dict(numbers=[dict(what="top-1")]), "(what, value, setting, source)"), (dict(numbers="73"), "list of tuples"), (dict(numbers=[7]), "(what, value, setting, source)"),
    (dict(fidelity=[("half", "Paper")]), "begin with one of"), (dict(fidelity=[("half", "papers")]), "begin with one of"), (dict(fidelity=[("half", "paper eq. 1")]), "begin with one of"),
    (dict(fidelity=[("half", "our choice")]), "without a reason"), (dict(fidelity=[("half", "left out")]), "without a reason"), (dict(fidelity=[("half", "our choice ()")]), "status"),
    (dict(fidelity=["half"]), "(mechanism, status)"), (dict(fidelity=[("half", 1)]), "(mechanism, status)")])
def test_what_may_not_stand_on_a_card(change, words):
    with pytest.raises(InputError) as e: Paper(**CARD | change)
    assert words in str(e.value) and "\n" not in str(e.value)

def test_cards_do_not_change_and_can_be_keys():
    card = Paper(**CARD)
    with pytest.raises(AttributeError): card.year = 2021
    assert {card: 1}[Paper(**CARD)] == 1 and card != Paper(**CARD | dict(year=2021))
    assert card.link == "https://arxiv.org/abs/2001.00001" and Paper(**CARD | dict(arxiv="", url="https://example.org")).link == "https://example.org"

def test_a_card_is_read_without_running(tmp_path):
    path = notebook(tmp_path, "raise SystemExit", "!rm -rf Paper(", "import os\nx = Paper(1)", literal(**CARD), "paper.year")
    assert card_of(path) == card_of(str(path)) == Paper(**CARD)
    harmful = literal(**CARD).replace("2020", "print('ran') or 2020")
    with pytest.raises(InputError, match="year is computed"): card_of(notebook(tmp_path, harmful))

def test_the_source_of_a_cell_may_be_a_list_of_lines(tmp_path):
    path = notebook(tmp_path, literal(**CARD)); cells = json.loads(path.read_text()); cells["cells"][0]["source"] = cells["cells"][0]["source"].splitlines(keepends=True)
    path.write_text(json.dumps(cells)); assert card_of(path).id == "a_room"

@pytest.mark.parametrize("cells, words", [
    (["x = 1"], "no cell says"), ([literal(**CARD)] * 2, "2 cells say"), ([literal(**CARD) + "\nx = 1"], "cell of its own"), ([literal(**CARD).replace("Paper(", "Paper('a', ")], "without a name"),
    ([literal(**CARD).replace("'Doe'", "f'{1}'")], "authors is computed"), ([literal(**CARD).replace("Paper(", "Paper(**x, ")], "** is computed"), ([literal(**CARD | dict(colour=1))], "'colour'"),
    ([literal(**{k: v for k, v in CARD.items() if k != "claim"})], "'claim'"), ([literal(**{k: v for k, v in CARD.items() if k != "arxiv"})], "lacks arxiv or url"),
    ([literal(**{k: v for k, v in CARD.items() if k not in ("minutes", "question")})], "lacks minutes, question"), ([literal(**CARD | dict(id="b_room"))], "belongs to nbs/masked/b_room.ipynb"),
    ([literal(**CARD | dict(chapter="distill"))], "belongs to nbs/distill/a_room.ipynb"), ([literal(**CARD | dict(year="x"))], "year='x'")])
def test_what_is_wrong_with_the_card_of_a_notebook(tmp_path, cells, words):
    path = notebook(tmp_path, *cells)
    with pytest.raises(InputError) as e: card_of(path)
    assert words in str(e.value) and str(path) in str(e.value)

def test_no_notebook(tmp_path):
    with pytest.raises(InputError, match="cannot be read"): card_of(tmp_path/"none.ipynb")
    for content in ("", "[]", "{}", "[1"):
        (tmp_path/"x.ipynb").write_text(content)
        with pytest.raises(InputError, match="holds no notebook"): card_of(tmp_path/"x.ipynb")

def test_catalogue_and_find(tmp_path):
    with pytest.raises(InputError, match="make sync"): find("a_room", tmp_path)
    for id, chapter, year in [("late", "views", 2022), ("very_early", "views", 2018), ("last", "dense", 2000)]:
        (tmp_path/f"{id}.json").write_text(Paper(**CARD | dict(id=id, chapter=chapter, year=year, title="Größe")).to_json(), encoding="utf-8")
    assert "Größe" in (tmp_path/"late.json").read_text(encoding="utf-8")      # readable in a diff
    assert [p.id for p in catalogue(tmp_path)] == ["very_early", "late", "last"] and find("last", tmp_path).title == "Größe"
    with pytest.raises(InputError, match="did you mean very_early"): find("very_erly", tmp_path)
    (tmp_path/"other.json").write_text(Paper(**CARD).to_json(), encoding="utf-8")
    with pytest.raises(InputError, match="holds the card of a_room"): find("other", tmp_path)
    (tmp_path/"other.json").write_text("{")
    with pytest.raises(InputError, match="other.json holds no card"): catalogue(tmp_path)
    assert find("very_early", tmp_path).year == 2018                          # one broken file does not hide the others

def test_importing_is_cheap_and_270_cards_are_read_at_once(tmp_path):
    code = "import sys, time; t = time.process_time(); import sslkit.core.paper; t = time.process_time() - t; assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules); print(t)"
    assert min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3)) < 0.1
    for i in range(270): (tmp_path/f"r{i}.json").write_text(Paper(**CARD | dict(id=f"r{i}")).to_json())
    start = time.process_time(); assert len(catalogue(tmp_path)) == 270
    assert time.process_time() - start < 0.3

def test_the_cards_of_the_package_are_those_of_its_notebooks():
    for p in catalogue(): assert card_of(ROOT/p.notebook) == p == find(p.id)
