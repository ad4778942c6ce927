"The dashboard without a browser: what its buttons do, that a run which was stopped ends as the one that was not, and that the kernel goes on answering."
import asyncio, time
import pytest
import torch
from sslkit.core.errors import InputError
from sslkit.core.rounds import load_checkpoint
from sslkit.tool.dashboard import Dashboard, Run, own_settings, pictures_of
from sslkit.tool.pretrain import pretrain

SMALL = dict(method="simclr", data="digits", steps=60, batch_size=32, limit=300)
HOW = dict(id="simclr", data="digits", scale="tiny", steps=60, batch_size=32, limit=300, device="cpu")

def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.005)

def same(a, b):
    if isinstance(a, torch.Tensor): return torch.equal(a, b)
    if isinstance(a, dict): return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a if k != "seconds")
    if isinstance(a, (list, tuple)): return len(a) == len(b) and all(map(same, a, b))
    return a == b

@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    "The run that nobody watches: what `sslkit pretrain` does."
    return pretrain(**HOW, out=tmp_path_factory.mktemp("plain") / "run")

def test_stopped_and_continued_twice_it_ends_with_the_bits_of_pretrain(tmp_path, plain):
    dash = Dashboard(tmp_path, device="cpu", **SMALL)
    dash.buttons["train"].click()
    run = dash.run
    assert run.name == "01-simclr-digits" and dash.buttons["train"].disabled and not dash.buttons["stop"].disabled
    until(lambda: len(run.losses) >= 7)
    dash.buttons["stop"].click(); dash.wait()
    assert run.state == "stopped" and 7 <= len(run.losses) < 60 and "stopped after step" in dash._status.value and not dash.buttons["go_on"].disabled
    dash.buttons["go_on"].click()
    until(lambda: len(run.losses) >= 30)
    run.stop().wait(); dash.refresh()
    assert run.state == "stopped"
    again = Dashboard(tmp_path, device="cpu")                             # tomorrow, in another kernel
    assert again.run.state == "stopped" and again.run.how["steps"] == 60
    again.go_on(); again.wait()
    assert again.run.state == "done", again.run.says
    one, two = (load_checkpoint(f / "checkpoint.pt") for f in (again.run.folder, plain.folder))
    assert same(one["state"], two["state"]) and one["scores"] == two["scores"] and one["step"] == two["step"] == 60
    assert [float(v) for v in again.run.losses] == plain.history["loss"] and again.run.curves()["knn"] == plain.history.monitored["knn"]
    with pytest.raises(InputError, match="has done all its 60 steps"): again.go_on()

def test_the_kernel_answers_while_it_trains_and_does_not_disturb(tmp_path, plain):
    "Views, map and neighbours are asked for, and generators used, between the steps; the training ends as if nobody had."
    dash = Dashboard(tmp_path, device="cpu", **SMALL)
    run, seen = dash.train(), 0
    with pytest.raises(InputError, match="is training; stop it first"): dash.train()
    until(lambda: "now" in run.looks)
    while run.state == "training" and seen < 3:
        before = len(run.losses)
        dash.pick(method="dino"); dash.map(); torch.manual_seed(seen)
        seen += before < 60
    dash.wait()
    assert seen and run.state == "done" and [float(v) for v in run.losses] == plain.history["loss"], run.says

def test_pictures_come_by_themselves_where_there_is_an_event_loop(tmp_path):
    async def kernel():
        dash = Dashboard(tmp_path, device="cpu", **{**SMALL, "steps": 100})
        empty = dash.pictures["curves"].value
        run, shown, turns = dash.train(), set(), 0
        while run.going:
            await asyncio.sleep(0.01)
            turns += 1; shown.add(dash.pictures["curves"].value)
        await asyncio.sleep(0.1)
        return dash, len(shown - {empty}), turns
    dash, pictures, turns = asyncio.run(kernel())
    assert pictures >= 2 and turns >= 10 and dash._bar.value == dash._bar.max == 100 and not dash.buttons["train"].disabled
    assert bytes(dash.pictures["curves"].value[:4]) == b"\x89PNG"

def test_two_runs_side_by_side(tmp_path):
    dash = Dashboard(tmp_path, device="cpu", **{**SMALL, "steps": 12, "limit": 150})
    dash.train("warm"); dash.wait()
    dash.pick(temperature=0.5, seed=3).train("hot"); dash.wait()
    with pytest.raises(InputError, match="there is a run hot already"): dash.train("hot")
    table = dash.table().data
    assert "seed=3, temperature=0.5" in table and "12/12" in table and table.count("<tr>") == 3 and "linear, random encoder" in table and "linear, raw input" in table
    assert [text.get_text() for text in dash.curves("warm", "hot").axes[0].get_legend().get_texts()] == ["warm", "hot"]
    dash._ticked.value = ("warm", "hot"); dash.tabs.selected_index = 4
    assert "temperature=0.5" in dash._table.value
    for page in (1, 2, 3): dash.tabs.selected_index = page
    assert all(bytes(picture.value[:4]) == b"\x89PNG" for picture in dash.pictures.values())
    before = dash.pictures["neighbours"].value
    dash._seed.value = 9
    assert dash.pictures["neighbours"].value != before

def test_controls_follow_the_method_and_change_the_views(tmp_path):
    dash = Dashboard(tmp_path, device="cpu", **SMALL)
    first = dash.pictures["views"].value
    dash.settings["strength"].value = 0.0
    assert dash.pictures["views"].value != first and dash.how["strength"] == 0.0
    dash.controls["method"].value = "mae"
    assert "ratio" in dash.settings and "temperature" not in dash.settings and "strength" not in dash.how
    before = dash.pictures["views"].value
    dash.settings["ratio"].value = 0.25
    assert dash.pictures["views"].value != before
    dash.controls["data"].value = "digitts"
    assert "did you mean digits" in dash._status.value
    dash.controls["data"].value = "world"
    assert "digits" not in dash._status.value and dash.data.name == "world"
    for wrong, says in [(dict(method="masked"), "method 'masked' is unknown"), (dict(temperature=0.1), "setting 'temperature' is unknown"), (dict(ratio="half"), "of another kind")]:
        with pytest.raises(InputError, match=says): dash.pick(**wrong)
    with pytest.raises(InputError, match="no run is going on"): dash.stop()
    with pytest.raises(InputError, match="there is no run yet"): dash.map()

def test_what_goes_wrong_in_the_thread_is_said(tmp_path):
    dash = Dashboard(tmp_path, device="cpu", **{**SMALL, "temperature": 0.0, "steps": 30})
    run = dash.train(); dash.wait()
    assert run.state == "failed" and "temperature=0.0 must be above 0" in dash._status.value and not dash.buttons["train"].disabled
    dash.buttons["stop"].click()
    assert "no run is going on" in dash._status.value
    with pytest.raises(InputError, match="there is no checkpoint"): Run.opened(tmp_path / "nowhere")

def test_masks_are_laid_over_the_picture_that_they_hide():
    x, mask = torch.rand(2, 3, 8, 8), torch.zeros(2, 4, dtype=torch.bool)
    mask[:, 0] = True
    found = pictures_of((x, mask, torch.arange(2), torch.randn(2, 3, 8, 8) * 5), 2)
    assert list(found) == ["view 1", "hidden 1"] and (found["hidden 1"][:, :, :4, :4] == 0.5).all() and torch.equal(found["hidden 1"][:, :, 4:], x[:, :, 4:])
    assert len(pictures_of((torch.rand(8, 1, 8, 8),), 2)) == 4            # four turned copies
