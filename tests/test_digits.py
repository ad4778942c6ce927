"digits and digits_on_photos: the same bytes everywhere, nothing leaks, pixels fail, a supervised network succeeds."
import pytest, torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.probes import evaluate, knn, linear, raw_input
from sslkit.data.digits import chalk, chalk_on_photos, compose, digits, digits_on_photos, grounds, handwriting, place, stratified
from sslkit.core.random import Draw, row_keys
from sslkit.parts.convnet import ConvNet

SMALL = dict(train=60, val=20, test=20)

@pytest.fixture(scope="module")
def data(): return digits_on_photos()

@pytest.fixture
def fresh(tmp_path, monkeypatch):
    "An empty cache: what is asked for is made."
    monkeypatch.setenv("SSLKIT_CACHE", str(tmp_path))
    return tmp_path

def test_same_bytes_whatever_the_batch_and_the_threads(fresh, monkeypatch):
    ink, y = handwriting(); own, parts = stratified(y)["val"], grounds("val", 32)
    settings = dict(size=32, height=(0.55, 0.72), contrast=(0.4, 0.9), background=0.7, clutter=2)
    make = lambda rows: compose(Draw(row_keys(0, 1, rows)), ink, y, own, parts, **settings)
    together = digits_on_photos(**SMALL).val.fields
    threads = torch.get_num_threads()
    try:
        for n in (1, 3):
            torch.set_num_threads(n)
            for rows in (torch.arange(20).flip(0), torch.tensor([7]), torch.tensor([13, 2, 19])):
                made = make(rows)
                assert all(torch.equal(made[k], together[k][rows]) for k in together)
    finally: torch.set_num_threads(threads)

def test_same_bytes_on_every_machine():
    "The arithmetic is exact, so the digests in the ledger can be compared between machines."
    source = digits_on_photos(**SMALL)
    assert (digits().digest, digits().test.digest) == ("f3f792c1f48c1302", "34bd05372b23a0de")
    assert {s: v.digest for s, v in source.splits.items()} == dict(train="1aa6878be4148768", val="04f0fb52f023c404", test="27ef601e329e4926")

def test_seed_and_settings_change_the_pictures(fresh):
    base = digits_on_photos(**SMALL)
    for change in (dict(seed=1), dict(height=(0.6, 0.7)), dict(contrast=(0.5, 0.9)), dict(background=0.5), dict(clutter=0)):
        assert digits_on_photos(**SMALL, **change).digest != base.digest, change
    assert digits_on_photos(size=24, **SMALL).fields["x"].shape == (60, 3, 24, 24)

def test_a_damaged_cache_is_made_again(fresh):
    base = digits_on_photos(**SMALL).digest
    for file in fresh.rglob("*.safetensors"): file.write_bytes(file.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="made again"): assert digits_on_photos(**SMALL).digest == base

def test_splits_share_no_digit(data):
    ids = [set(s.fields["digit"].tolist()) for s in data.splits.values()]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2]) and min(map(len, ids)) > 300
    label = handwriting()[1]
    for s in data.splits.values(): assert torch.equal(s.y, label[s.fields["digit"]]) and (s.y.bincount(minlength=10) > 0.07 * len(s)).all()

def test_every_picture_shows_its_digit(data):
    "Redrawn from the recorded factors, the ink stands where the picture has the recorded colour."
    s, ink = data.val, handwriting()[0]; f = {k: v[:300] for k, v in s.fields.items()}
    drawn = place(ink[f["digit"]], 32, f["centre"], f["height"], torch.zeros(300), torch.zeros(300))
    apart = (f["x"] / 255 - f["colour"][:, :, None, None]).square().mean(1, keepdim=True).sqrt()
    mean = lambda where: ((apart * where).sum((1, 2, 3)) / where.sum((1, 2, 3)).clamp(min=1))
    on, off = mean(drawn > 0.75), mean(drawn == 0)
    assert (on < off).float().mean() > 0.97 and on.mean() < 0.5 * off.mean()

def test_both_polarities_and_all_factors_vary(data):
    colour, ground = data.fields["colour"].mean(1), data.fields["x"][:, :, :4, :4].float().mean((1, 2, 3)) / 255
    assert 0.3 < (colour > ground).float().mean() < 0.7
    assert data.fields["colour"].std(0).min() > 0.25 and data.fields["centre"].std(0).min() > 2 and data.fields["photo"].unique().numel() == 10
    h, c = data.fields["height"], data.fields["centre"]
    assert 0.55 * 32 - 1e-4 <= h.min() < 0.57 * 32 and 0.7 * 32 < h.max() <= 0.72 * 32 + 1e-4
    assert (c - h[:, None] * torch.tensor([0.36, 0.44])).min() > -1e-3 and (c + h[:, None] * torch.tensor([0.36, 0.44])).max() < 32 + 1e-3     # in the picture

def test_no_factor_tells_the_label(data):
    features = lambda f: torch.cat([f["height"][:, None], f["centre"], f["colour"], F.one_hot(f["photo"], 10), f["x"].float().mean((2, 3)), f["x"].float().std((2, 3))], dim=1)
    train, val = (features(s.fields) for s in (data, data.val))
    low, spread = train.mean(0), train.std(0)
    weights = torch.linalg.lstsq((train - low) / spread, F.one_hot(data.y, 10).float() - 0.1).solution
    assert ((((val - low) / spread) @ weights).argmax(1) == data.val.y).float().mean() < 0.17

@pytest.mark.parametrize("seed", [0, 1000])
def test_pixels_are_no_better_than_a_random_network(seed):
    "Acceptance: kNN and linear probe on raw pixels are at most the random encoder's (mean of three) + 0.05, on val."
    data = digits_on_photos(seed=seed)
    measure = lambda network: evaluate(network, data, probes=[knn(), linear()], split="val", floors=False)
    raw, random = measure(raw_input(data)), []
    for k in range(3): torch.manual_seed(k); random.append(measure(ConvNet()))
    for metric in ("knn", "linear"): assert raw[metric] <= sum(r[metric] for r in random) / 3 + 0.05, metric

# --- chalk on photographs

@pytest.fixture(scope="module")
def easier(): return chalk_on_photos()

def test_chalk_is_the_same_whatever_the_batch(fresh):
    ink, y = handwriting(); own, parts = stratified(y)["val"], grounds("val", 16)
    together, rows = chalk_on_photos(**SMALL).val.fields, torch.tensor([13, 2, 19])
    made = chalk(Draw(row_keys(0, 1, rows)), ink, y, own, parts, size=16, height=(0.75, 0.95), light=0.5, tint=0.3)
    assert all(torch.equal(made[k], together[k][rows]) for k in together)
    for change in (dict(seed=1), dict(height=(0.8, 0.9)), dict(light=0.4), dict(tint=0.2)): assert chalk_on_photos(**SMALL, **change).digest != chalk_on_photos(**SMALL).digest, change

def test_chalk_has_the_same_bytes_on_every_machine(): assert chalk_on_photos(**SMALL).digest == "ca7f3dc3c1591a73"

def test_turned_grounds_change_the_ground_only():
    upright, turned = chalk_on_photos(**SMALL), chalk_on_photos(**SMALL, turned=True)
    assert turned.name == "chalk_on_turned_photos" and turned.digest == "f3a39bb7d3a36800" and upright.digest == "ca7f3dc3c1591a73"
    for split in ("train", "val", "test"):
        a, b = upright.splits[split].fields, turned.splits[split].fields
        assert all(torch.equal(a[k], b[k]) for k in a if k != "x") and not torch.equal(a["x"], b["x"])

def test_chalk_is_light_and_where_it_is_said_to_be(easier):
    s, ink = easier.val, handwriting()[0]; f = {k: v[:300] for k, v in s.fields.items()}
    drawn = place(ink[f["digit"]], 16, f["centre"], f["height"], torch.zeros(300), torch.zeros(300))
    x, lines = f["x"].float().mean(1, keepdim=True), drawn > 0.8
    on, off = ((x * m).sum((1, 2, 3)) / m.sum((1, 2, 3)).clamp(min=1) for m in (lines, drawn == 0))
    assert (on > off).float().mean() > 0.95 and f["colour"].min() >= 0.6 * 0.7 - 1e-6
    assert ((f["colour"] * 255 - (f["x"] * lines).sum((2, 3)) / lines.sum((2, 3)).clamp(min=1)).abs().median()) < 12

def test_chalk_splits_share_no_digit(easier):
    ids = [set(s.fields["digit"].tolist()) for s in easier.splits.values()]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2]) and min(map(len, ids)) > 300

def test_no_factor_of_chalk_tells_the_label(easier):
    features = lambda f: torch.cat([f["height"][:, None], f["centre"], f["colour"], F.one_hot(f["photo"], 10)], dim=1)
    train, val = (features(s.fields) for s in (easier, easier.val))
    weights = torch.linalg.lstsq(F.pad(train, (0, 1), value=1.0), F.one_hot(easier.y, 10).float()).solution
    assert ((F.pad(val, (0, 1), value=1.0) @ weights).argmax(1) == easier.val.y).float().mean() < 0.15

# --- a supervised network

def network() -> nn.Module:
    layers, channels = [], 3
    for k, width in enumerate((16, 32, 64, 128)):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), *([nn.MaxPool2d(2)] if k < 3 else [])]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)).to(memory_format=torch.channels_last)

def distorted(x: torch.Tensor) -> torch.Tensor:
    "What does not change a digit: channels in another order, inverted, moved by up to three pixels."
    n, size = len(x), x.shape[-1]
    x = x.gather(1, torch.rand(n, 3).argsort(1)[:, :, None, None].expand_as(x))
    x = F.pad(torch.where(torch.rand(n, 1, 1, 1) < 0.5, 1 - x, x), (3, 3, 3, 3), mode="reflect")
    (dy, dx), a = torch.randint(7, (2, n)), torch.arange(size)
    return x[torch.arange(n)[:, None, None, None], torch.arange(3)[:, None, None], (dy[:, None] + a)[:, None, :, None], (dx[:, None] + a)[:, None, None, :]]

def supervised(data, epochs: int, seed: int = 0, size: int = 64) -> float:
    torch.manual_seed(seed)
    net, x, y = network(), data.fields["x"] / 255 - 0.45, data.y
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * (len(x) // size), pct_start=0.2)
    for _ in range(epochs):
        for i in torch.randperm(len(x))[:len(x) // size * size].view(-1, size):
            F.cross_entropy(net(4 * (distorted(x[i] + 0.45) - 0.45)), y[i]).backward()
            optimizer.step(); optimizer.zero_grad(); schedule.step()
    with torch.no_grad(): return (net.eval()(4 * (data.val.fields["x"] / 255 - 0.45)).argmax(1) == data.val.y).float().mean().item()

@pytest.mark.slow
def test_a_network_with_labels_reaches_95_percent(data): assert supervised(data, epochs=25) >= 0.95
