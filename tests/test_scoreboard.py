"The scoreboard: what it says is what the ledger says, beside all that weakens it; the page asks nobody for anything and runs nothing that a card holds."
import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from sslkit.core import ledger, scoreboard as board
from sslkit.core.claims import above_floor, all_of, better, check, drops, transfer, up, within
from sslkit.core.errors import InputError
from sslkit.core.paper import catalogue, find
from sslkit.core.scoreboard import chance, scoreboard, scoreboard_csv, scoreboard_html, scoreboard_markdown, tally, write_scoreboard

CODE, ENV = "c" * 16, dict(python="3.11.7", torch="2.6.0", device="cpu", threads=2, precision="32", machine="Linux x86_64 AVX2")
VALUES = dict(m=[.8211, .8022, .8333, .8144, .8455], b=[.7066, .6977, .7288, .7099, .7111], study=[.1] * 5, raw=[.6123] * 5)
CLAIM = better("m", than="b", metric="acc", by=0.05)


@pytest.fixture(autouse=True)
def evidence(tmp_path, monkeypatch):
    "Puts a plan and its runs into a ledger of its own, in the name of simclr; the code of today has the closure `CODE`."
    monkeypatch.setenv("SSLKIT_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setattr(ledger, "closure", lambda module: CODE)

    def add(values=VALUES, claim=CLAIM, scale="small", level="mechanism", looks=(5,), closure=CODE, metrics=dict(acc=up("fraction")), **metric):
        plan = dict(id="simclr", scale=scale, level=level, claim=claim, arms=list(VALUES), floors=["raw"], metrics=metrics, looks=looks, settings=dict(steps=10),
                    tried=dict(m=3, b=3, study=0), closure=closure, commit="0.1.0")
        digest = ledger.register(plan, "contrastive")
        for arm, each in values.items():
            for seed, v in enumerate(each):
                ledger.append(dict(kind="run", id="simclr", scale=scale, level=level, arm=arm, seed=seed, metrics=v if isinstance(v, dict) else dict(acc=v), protocol=dict(acc="knn"),
                                   settings=dict(steps=10), data=[dict(name="digits", digest="01", split=s) for s in ("train", "test")], plan=digest, closure=closure,
                                   commit="0.1.0", env=ENV, steps=10, samples=640, seconds=1.5, peak_mb=None, date=f"2026-0{1 + seed % 3}-01T00:00:00Z"), "contrastive")
    return add


def mine(**kw): return [r for r in scoreboard(**kw) if r["id"] == "simclr"]


class Page(HTMLParser):
    "The tags of a page with their attributes, and its text."
    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.skip = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs))); self.skip = tag in ("style", "script")
    def handle_endtag(self, tag): self.skip = False
    def handle_data(self, data):
        if not self.skip: self.text.append(data)


def test_every_room_has_an_entry(evidence):
    rows = scoreboard()
    assert [r["id"] for r in rows] == [p.id for p in catalogue()] and {r["verdict"] for r in rows} == {"none"}
    evidence()
    assert [r["verdict"] for r in mine()] == ["holds"] and len(scoreboard()) == len(rows)
    assert {frozenset(r) for r in scoreboard()} == {frozenset(rows[0])}                          # all have the same fields
    assert [r["verdict"] for r in mine(scale="gpu")] == ["none"] and mine(scale="gpu")[0]["scale"] == "gpu"
    with pytest.raises(InputError, match="did you mean small"): scoreboard("smal")


def test_an_entry_is_what_the_ledger_says(evidence):
    evidence()
    row, card = mine()[0], find("simclr")
    arms = {a["arm"]: a for a in row["arms"]}
    assert {a: [v for _, v in x["values"]["acc"]] for a, x in arms.items()} == VALUES and [s for s, _ in arms["m"]["values"]["acc"]] == [0, 1, 2, 3, 4]
    assert arms["m"]["mean"]["acc"] == pytest.approx(.8233) and arms["m"]["n"] == 5 and arms["m"]["tried"] == 3 and [a for a, x in arms.items() if x["claimed"]] == ["m", "b", "raw"]
    (clause,) = row["clauses"]
    assert (clause["verdict"], clause["margin"], clause["n"]) == ("holds", .05, 5) and clause["estimate"] == pytest.approx(.11248) and .05 < clause["low"] < .11248 < clause["high"]
    assert (row["n"], row["seeds"], row["plans"], row["floors"], row["status"], row["below_floor"]) == (5, [0, 1, 2, 3, 4], 1, ["raw"], "current", [])
    assert row["dates"] == ["2026-01-01", "2026-03-01"] and row["devices"] == ["cpu, torch 2.6.0"] and row["data"] == ["digits"] and row["confidence"] == .95
    assert row["fidelity"] == card.faithful and [n["value"] for n in row["numbers"]] == [n.value for n in card.numbers] and row["claim"] == card.claim
    assert json.loads(json.dumps(scoreboard())) == scoreboard()


@pytest.mark.parametrize("values, verdict", [
    (dict(m=[.72] * 5), "refuted"), (dict(m=[.7, .8, .9, .6, .85]), "undecided"), (dict(m=[.82, .8, .83, .81]), "incomplete"), (dict(m=[]), "incomplete")])
def test_verdicts(evidence, values, verdict):
    evidence({**VALUES, **values})
    row = mine()[0]
    assert row["verdict"] == verdict == board.deciding(row)["verdict"]
    for text in (scoreboard_html([row]), scoreboard_markdown([row]), scoreboard_csv([row])): assert verdict in text


def test_a_winner_below_its_floor_is_marked(evidence):
    evidence({**VALUES, "raw": [.95] * 5})
    row = mine()[0]
    assert row["verdict"] == "holds" and row["below_floor"] and "below its floor raw" in row["notes"][0]
    assert "<em>below floor</em>" in scoreboard_html([row]) and "**holds** (below a floor)" in scoreboard_markdown([row]) and "below its floor raw" in scoreboard_csv([row])
    row["verdict"] = "refuted"                                                                    # then nobody boasts, and nothing has to be said
    assert "<em>" not in scoreboard_html([row]) and "below a floor" not in scoreboard_markdown([row])


def test_no_mark_above_the_floor(evidence):
    evidence()
    assert "<em>" not in scoreboard_html(mine()) and "below a floor" not in scoreboard_markdown(mine())


def test_old_code_is_stale(evidence):
    evidence(closure="d" * 16)
    row = mine()[0]
    assert row["status"] == "stale" and "<span class='a stale'>stale</span>" in scoreboard_html([row]) and "| stale |" in scoreboard_markdown([row])


def test_levels_and_scales_are_separate(evidence):
    evidence(); evidence(level="transfer", values={**VALUES, "m": [.72] * 5}); evidence(scale="gpu", values={a: v[:3] for a, v in VALUES.items()})
    rows = mine()
    assert [(r["level"], r["scale"], r["verdict"]) for r in rows] == [("mechanism", "small", "holds"), ("mechanism", "gpu", "incomplete"), ("transfer", "small", "refuted")]
    assert tally(rows, "mechanism") == dict(holds=1, incomplete=1) and tally(rows, "transfer") == dict(refuted=1) and tally(rows, "replication") == {}
    page = scoreboard_html(rows)
    assert "<b>1</b> holds" in page and page.count("nothing on record yet") == 1 and len(mine(scale="gpu")) == 1


def test_what_a_plan_says_of_other_data_is_an_entry_of_its_own(evidence):
    evidence(claim=all_of(CLAIM, transfer(better("study", than="raw", metric="acc"))))
    here, there = mine()
    assert [(r["level"], r["verdict"], r["plans"], len(r["clauses"])) for r in (here, there)] == [("mechanism", "holds", 1, 1), ("transfer", "refuted", 1, 1)]
    assert here["tested"] == str(CLAIM) and "study" not in here["tested"] and [a["arm"] for a in there["arms"] if a["claimed"]] == ["study", "raw"]


def test_chance():
    rows = [dict(level="mechanism", verdict=v) for v in ["holds"] * 100 + ["refuted"] * 60 + ["undecided"] * 40 + ["incomplete"] * 9 + ["none"] * 9]
    assert "the 200 claims" in chance(rows, "mechanism") and "let 5 hold" in chance(rows, "mechanism") and "No claim" in chance(rows, "transfer")
    assert "the one claim judged here were exactly at its margin" in chance([dict(level="transfer", verdict="holds")], "transfer")


def test_the_deciding_clause(evidence):
    equal = within("b", of="raw", metric="acc", by=.5)
    evidence(claim=all_of(better("m", than="raw", metric="acc"), equal, CLAIM))
    row = mine()[0]
    assert [c["within"] for c in row["clauses"]] == [False, True, False] and board.deciding(row)["text"] == str(CLAIM)         # all hold; this one is closest
    assert board.forest(row["clauses"][1]).count("v14") == 2                                      # between two margins
    evidence(claim=all_of(CLAIM, better("b", than="m", metric="acc"), better("raw", than="m", metric="acc")))
    assert board.deciding(mine()[0])["text"].startswith("acc of b is better than m")              # the first that breaks it


def test_several_plans_are_counted(evidence):
    evidence(looks=(5, 10)); evidence()
    row = mine()[0]
    assert row["plans"] == 2 and row["confidence"] == .95 and "<b>plans</b> 2" in scoreboard_html([row])


def test_curves_and_truths_are_shown(evidence):
    curve = lambda top: dict(acc=[[0, .2], [10, top], [20, .4]], same=True)
    evidence({a: [curve(.9 + .001 * s) for s in range(5)] for a in VALUES}, all_of(drops("m", from_peak="acc", by=.1), check("same")), metrics=dict(acc=up("fraction"), same=up()))
    row = mine()[0]
    assert row["verdict"] == "holds" and row["arms"][0]["mean"] == dict(acc=.4, same=1.0) and "100% of seeds" in scoreboard_html([row]) + scoreboard_markdown([row])


# ---------------------------------------------------------------- the page

def test_numbers_of_the_page_are_those_of_the_ledger(evidence):
    evidence(claim=all_of(CLAIM, above_floor("m", "acc")))
    row = mine()[0]
    page = scoreboard_html(scoreboard())
    for arm in ("m", "b", "raw"): assert f"title='{' '.join(f'{v:.4g}' for v in VALUES[arm])}'>{sum(VALUES[arm]) / 5:.4g}<td>5" in page
    for c in row["clauses"]: assert f"{c['estimate']:.3g} [{c['low']:.3g}, {c['high']:.3g}]" in page
    assert "0.1 0.1 0.1" not in page and "1 more arm in scoreboard.json" in page                                # an arm of which the claim says nothing
    strips = re.search(r"<td rowspan=3><svg.*?</svg>", page).group()
    assert strips.count("z") == 15 and strips.count("H") == 2                                    # a dot a run; raw does not vary: no interval
    for n in find("simclr").numbers: assert f"<td>{n.value}<td>" in page


def test_the_page_asks_nobody(evidence):
    evidence()
    rows = scoreboard() + [{**mine()[0], "link": "https://elsewhere.example/paper"}]
    page = Page(scoreboard_html(rows))
    links = [a[k] for _, a in page.tags for k in ("src", "href", "action", "data", "poster", "srcset") if k in a]
    assert links and all(link.startswith("https://arxiv.org/abs/") for link in links)
    assert not {t for t, _ in page.tags} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert not re.search(r"url\(|@import|fetch\(|XMLHttp|import\(", board.STYLE + board.SCRIPT)


@pytest.mark.parametrize("field", ["title", "claim", "cite", "id", "link", "chapter"])
def test_hostile_cards_are_text(evidence, field):
    evidence()
    hostile = "<img src=x onerror=alert(1)>'\" onclick='alert(2)' | `x` </script><script>alert(3)</script>"
    if field == "link": hostile = "https://arxiv.org/abs/" + hostile
    page = Page(scoreboard_html([{**mine()[0], field: hostile}]))
    assert sum(t == "script" for t, _ in page.tags) == 1 and not any(t == "img" or any(k.startswith("on") for k in a) for t, a in page.tags)
    assert "onerror=alert(1)" in "".join(page.text)
    line = next(x for x in scoreboard_markdown([{**mine()[0], "title": "a | b <script> `c` [d](javascript:e)"}]).splitlines() if "javascript" in x)
    assert r"a \| b \<script> \`c\` \[d\](javascript:e)" in line and len(re.findall(r"(?<!\\)\|", line)) == 10


def test_hostile_arms_and_clauses_are_text(evidence):
    evidence()
    row = mine()[0]
    row["arms"][0]["arm"] = row["clauses"][0]["text"] = row["clauses"][0]["reason"] = "<script>alert(1)</script>"
    row["notes"], row["named"], row["devices"], row["data"] = ["<script>"], ["acc"], ["<script>"], ["<script>"]
    assert sum(t == "script" for t, _ in Page(scoreboard_html([row])).tags) == 1


def test_the_page_of_300_rooms_is_small(evidence):
    evidence(claim=all_of(CLAIM, above_floor("m", "acc"), better("m", than=.5, metric="acc")))
    row = mine()[0]
    row["numbers"], row["mechanisms"] = row["numbers"][:2], row["mechanisms"][:5]                 # as much as cards have on average
    page = scoreboard_html([{**row, "id": f"room_{k}", "title": f"{row['title']}, number {k}"} for k in range(300)])
    assert page.count("<details class=holds>") == 300 and len(page.encode()) < 1_000_000, len(page.encode()) / 300


def test_rows_open_sort_and_filter_without_a_mouse(evidence):
    evidence()
    page = Page(scoreboard_html(scoreboard()))
    count = lambda tag: sum(t == tag for t, _ in page.tags)
    assert count("summary") == count("details") == len(scoreboard()) + 1 and count("button") == 8 and all(a["type"] == "button" for t, a in page.tags if t == "button")
    (field,) = [a for t, a in page.tags if t == "input"]
    assert field["aria-label"]
    cells = {name for t, a in page.tags if t == "span" for name in a.get("class", "").split()}
    assert {a["value"] for t, a in page.tags if t == "button"} <= cells                           # what is sorted by is there
    assert "prefers-color-scheme:dark" in board.STYLE and "max-width:44rem" in board.STYLE


# ---------------------------------------------------------------- the other files

def test_markdown_has_a_row_a_claim(evidence):
    evidence(); evidence(level="replication", scale="gpu")
    text = scoreboard_markdown(scoreboard())
    claims = [line for line in text.splitlines() if re.match(r"\| (\*\*holds|\[)", line)]
    assert len(claims) == len(scoreboard()) and text.count("## Level") == 2 and text.index("Level mechanism") < text.index("Level replication") < text.index("No evidence yet")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1     # as many cells in every line
    (clause,) = mine(scale="small")[0]["clauses"]
    assert f"| {clause['estimate']:.3g} \\[{clause['low']:.3g}, {clause['high']:.3g}\\] | 0.05 | 5 |" in text


def test_files(evidence, tmp_path):
    evidence()
    page = write_scoreboard(tmp_path / "a/b")
    assert sorted(f.name for f in page.parent.iterdir()) == ["scoreboard.csv", "scoreboard.html", "scoreboard.json", "scoreboard.md"]
    read = lambda suffix: page.with_suffix(suffix).read_text(encoding="utf-8")
    rows = scoreboard()
    assert json.loads(read(".json")) == rows and read(".html") == scoreboard_html(rows) and read(".md") == scoreboard_markdown(rows)
    lines = list(csv.DictReader(io.StringIO(read(".csv"))))
    line = next(x for x in lines if x["id"] == "simclr")
    assert len(lines) == len(rows) and line["verdict"] == "holds" and float(line["estimate"]) == next(r for r in rows if r["id"] == "simclr")["clauses"][0]["estimate"] and line["title"] == find("simclr").title
    assert write_scoreboard(tmp_path / "a/b", "gpu") == page and {r["verdict"] for r in json.loads(read(".json"))} == {"none"}
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"): write_scoreboard(tmp_path / "file")


def test_a_broken_ledger_is_named(evidence):
    evidence()
    path = ledger.ledger_path("simclr", "contrastive")
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(InputError, match=r"simclr.jsonl:1"): scoreboard()
