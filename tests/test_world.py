"sslkit.data.world: factors are there and are not leaked, splits and ties and exclusions are what they say, the cache gives what was made."
import os, warnings
import numpy as np
import pytest
import torch
from sslkit.core.errors import InputError
from sslkit.data import world as w
from sslkit.data.world import BACKDROPS, COLOURS, DOMAINS, MATERIALS, SENSORS, SHAPES, Given, long_tail, render, sample_scenes, scenes_of, world

@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads(); torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKIT_CACHE", str(tmp_path))
    return tmp_path

@pytest.fixture(scope="module")
def pictures():
    "Scenes of all shapes with independent factors, and what the sensors see."
    scenes = sample_scenes(2400, seed=7)
    return scenes, render(scenes, 32, ("rgb", "instances"))

FIELDS = ("shape", "hue", "size", "position_x", "yaw", "backdrop", "camera_azimuth")

# ---- factors

def test_first_ten_of_twenty():
    ten, twenty = sample_scenes(10, seed=3), sample_scenes(20, seed=3)
    for name, v in ten.factors.items(): assert torch.equal(v, twenty.factors[name][:10]), name
    a, b = render(ten, 32)["rgb"].int(), render(twenty, 32)["rgb"][:10].int()
    assert (a - b).abs().max() <= 1 and (a == b).float().mean() > 0.999
    for name, v in sample_scenes(4, seed=3, start=11).factors.items(): assert torch.equal(v, twenty.factors[name][11:15]), name

def test_seeds_differ_and_repeat():
    a, b, c = (sample_scenes(100, seed=s) for s in (1, 1, 2))
    for name in FIELDS:
        assert torch.equal(a.factors[name], b.factors[name]) and not torch.equal(a.factors[name], c.factors[name]), name

def test_factors_are_independent_by_default():
    s = sample_scenes(4000, seed=5)
    columns = torch.stack([(t[:, 0] if t.dim() == 2 else t).float() for t in (s.factors[n] for n in FIELDS)])
    off = torch.corrcoef(columns) - torch.eye(len(FIELDS))
    assert off.abs().max() < 0.07
    assert (torch.bincount(s.shape[:, 0], minlength=12) / 4000 - 1 / 12).abs().max() < 0.03

def test_one_factor_leaves_the_others():
    a, b = sample_scenes(50, seed=2), sample_scenes(50, seed=2, colour="red", domain="night")
    assert {k for k in a.factors if not torch.equal(a.factors[k], b.factors[k])} == {"hue", "domain"}
    assert (b.colour == 0).all()

def test_distributions():
    s = sample_scenes(3000, seed=1, size={0.5: 0.25, (0.8, 0.9): 0.75}, material=["striped", "dotted"], shape=long_tail(["cube", "cone", "egg"], 9))
    size, shape = s.size[:, 0], s.shape[:, 0]
    assert ((size == 0.5) | ((size >= 0.8) & (size <= 0.9))).all() and abs((size == 0.5).float().mean() - 0.25) < 0.03
    assert set(s.material.unique().tolist()) == {1, 3}
    share = [(shape == SHAPES.index(n)).float().mean().item() for n in ("cube", "cone", "egg")]
    assert np.allclose(share, [9 / 13, 3 / 13, 1 / 13], atol=0.03)

@pytest.mark.parametrize("strength", [0.0, 0.6, 1.0])
def test_ties(strength):
    s = sample_scenes(3000, shape=["cube", "cone"], backdrop=Given("shape", {"cube": "wall", "cone": "sky"}, strength, otherwise=["wall", "sky"]))
    agree = ((s.shape[:, 0] == SHAPES.index("cube")) == (s.backdrop == BACKDROPS.index("wall"))).float().mean()
    assert abs(agree - (0.5 + strength / 2)) < 0.03
    by_size = sample_scenes(500, material=Given("size", {(0.0, 0.5): "dotted", (0.5, 9.0): "plain"}))                # of the same object
    assert torch.equal(by_size.material == MATERIALS.index("dotted"), by_size.size < 0.5)

def test_held_out_and_its_complement():
    rule = dict(shape="cube", colour=["red", "blue"])
    match = lambda s: (s.shape == SHAPES.index("cube")) & ((s.colour == COLOURS.index("red")) | (s.colour == COLOURS.index("blue")))
    rest, only = sample_scenes(1500, seed=4, without=[rule]), sample_scenes(60, seed=4, only=[rule])
    assert not (match(rest) & rest.present).any() and match(only)[:, 0].all()
    assert (rest.shape == SHAPES.index("cube")).any() and (rest.colour == COLOURS.index("red")).any()              # each alone is there
    for name, v in sample_scenes(40, seed=4, without=[rule]).factors.items(): assert torch.equal(v, rest.factors[name][:40]), name
    place = sample_scenes(300, without=[dict(backdrop="wall", position_x=(-9.0, 0.0))])
    assert not (((place.position_x < 0) & place.present).any(1) & (place.backdrop == BACKDROPS.index("wall"))).any()

def test_objects_do_not_touch():
    s = sample_scenes(400, seed=6, count=3, position_x=(-2.0, 2.0), position_y=(-2.0, 2.0))
    reach = w._solids(torch.device("cpu"))[3][..., :2].norm(dim=-1).amax(-1)[s.shape] * s.size
    p = torch.stack([s.position_x, s.position_y], -1)
    gap = torch.cdist(p, p) - reach[:, :, None] - reach[:, None] + 99 * torch.eye(3)
    assert (gap.amin((1, 2)) > 0).float().mean() > 0.98

def test_motion_and_replace():
    s = sample_scenes(5, velocity_x=1.0, velocity_z=0.5, spin=90.0)
    later = s.at(2.0)
    assert torch.allclose(later.position_x, s.position_x + 2) and torch.allclose(later.lift, s.lift + 1) and torch.allclose(later.yaw, s.yaw + 180)
    assert torch.equal(s.replace(shape="cube").shape, torch.zeros_like(s.shape) + SHAPES.index("cube"))
    assert s.replace(domain=["night", "plain", "sketch", "noisy", "sepia"]).domain.tolist() == [1, 0, 2, 3, 4]
    assert len(s[2]) == 1 and len(s[[1, 3]]) == 2 and len(s[s.count > 0]) == 5

# ---- what is in the pictures

def features(x, cells: int):
    return torch.nn.functional.adaptive_avg_pool2d(x.float() / 255, cells).flatten(1).numpy()

def test_factors_can_be_found(pictures):
    "Linear probes on coarse pictures find where the main object is, how it is lit; around its place, what colour it has."
    from sklearn.linear_model import LogisticRegression, Ridge
    scenes, seen = pictures
    main = seen["instances"] == 1
    x, m = seen["rgb"].float() / 255, main[:, None].float()
    colour = (x * m).sum((2, 3)) / m.sum((2, 3)).clamp(min=1)
    hue = torch.cat([colour, colour**2, colour[:, [0, 1, 2]] * colour[:, [1, 2, 0]]], 1).numpy()
    plain = (scenes.material[:, 0] == 0).numpy()
    fit = LogisticRegression(max_iter=300, C=100).fit(hue[:1600], scenes.colour[:1600, 0].numpy())
    assert fit.score(hue[1600:][plain[1600:]], scenes.colour[1600:, 0].numpy()[plain[1600:]]) > 0.8
    column = (main.float().sum(1) * torch.arange(32)).sum(1) / main.flatten(1).sum(1).clamp(min=1)
    place, rotation = w.camera(scenes)
    p = ((w.poses(scenes)[0][:, 0] - place)[:, None] @ rotation.mT)[:, 0]
    u = 16 + p[:, 0] / p[:, 2] * w.focal(scenes, 32)
    fully = main[:, :, [0, 31]].sum((1, 2)) == 0
    assert (column + 0.5 - u)[fully].abs().median() < 0.5
    coarse = features(seen["rgb"], 8)
    assert Ridge(3.0).fit(coarse[:1600], u[:1600]).score(coarse[1600:], u[1600:]) > 0.3
    wall = (scenes.backdrop == BACKDROPS.index("wall")).numpy()
    assert LogisticRegression(max_iter=200).fit(coarse[:1600], wall[:1600]).score(coarse[1600:], wall[1600:]) > 0.75

def test_shape_is_not_leaked(pictures):
    "Mean colour, brightness, contrast and the object's number of pixels do not tell the class; the shades that light makes on a shape tell a little."
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    scenes, seen = pictures
    x, y = seen["rgb"].float().flatten(2) / 255, scenes.shape[:, 0].numpy()
    histogram = torch.stack([torch.histc(c, 8, 0, 1) / 1024 for p in x for c in p]).view(len(x), 24)
    area = (seen["instances"] == 1).flatten(1).sum(1, keepdim=True) / 1024
    for name, statistic, margin in (("mean", torch.cat([x.mean(2), x.mean((1, 2))[:, None]], 1), 0.04), ("contrast", x.std(2), 0.06), ("area", area, 0.05),
                                    ("histogram", torch.cat([x.mean(2), histogram], 1), 0.14)):
        z = StandardScaler().fit_transform(statistic.numpy())
        for model in (LogisticRegression(max_iter=200, C=0.1), RandomForestClassifier(40, min_samples_leaf=4, random_state=0)):
            accuracy = model.fit(z[:1600], y[:1600]).score(z[1600:], y[1600:])
            assert accuracy < 1 / 12 + margin, (name, accuracy)

def test_shapes_cover_the_same_area():
    area = []
    for shape in SHAPES:
        s = sample_scenes(80, seed=2, count=1, shape=shape, size=0.8, position_x=0.0, position_y=0.0)
        area.append((render(s, 48, ("instances",))["instances"] > 0).float().mean().item())
    assert max(area) / min(area) < 1.08, dict(zip(SHAPES, area))

def test_rays_agree_with_marching():
    "The polynomial intersection against small steps along every ray, for all shapes, turned and tilted, seen from everywhere."
    s = sample_scenes(36, seed=9, count=1, tilt=(-180.0, 180.0), camera_elevation=(0.0, 90.0), camera_azimuth=(0.0, 360.0)).replace(shape=list(SHAPES) * 3)
    m = w.monomials(w.pixels(24, 24, 1))
    stage = w.Stage.of(s); low, high = stage.seen.inside(m)
    rays = m[list(w.LINEAR[:3])]
    t = torch.linspace(2, 12, 1200)
    planes, quadrics, _, _ = (v[s.shape[:, 0]] for v in w._solids(torch.device("cpu")))
    for n in range(36):
        x = torch.cat([rays[:, :, None] * t, torch.ones(1, rays.shape[1], len(t))]).flatten(1)                    # (4, R T) picture coordinates, w = 1 / t
        q = stage.local[n, 0] @ x
        inside = (planes[n] @ q).amax(0) <= 0
        if quadrics[n].any(): inside &= (q * (quadrics[n] @ q)).sum(0) <= 0
        inside = inside.view(rays.shape[1], -1)
        hit = high[n, 0] > low[n, 0].clamp(min=1e-4)
        thick = inside.sum(1) > 3                                                                                 # else a ray may slip between two steps
        assert (hit | ~thick).all() and (hit & ~inside.any(1)).float().mean() < 0.02, SHAPES[s.shape[n, 0]]
        first = t[inside.float().argmax(1)]
        assert (1 / high[n, 0] - first)[hit & thick].abs().max() < 0.012, SHAPES[s.shape[n, 0]]

def test_shadows_agree_with_marching():
    s = sample_scenes(24, seed=12, count=3, tilt=(-60.0, 60.0), light_elevation=(20.0, 80.0))
    m = w.monomials(w.pixels(20, 20, 1))
    stage = w.Stage.of(s); hits = w.trace(stage, m); lit = w.light_reaches(stage, hits)
    sun = w.light_direction(s)
    local, _ = w._local(s)
    planes, quadrics, _, _ = (v[s.shape] for v in w._solids(torch.device("cpu")))
    found, where = w.points_on_objects(stage, hits), hits.surface == 1
    facing = (found.normal * sun.T[:, found.scene]).sum(0) > 0.2                                                  # the others are dark in any case
    where.view(-1)[found.ray[facing]] = True
    assert facing.sum() > 300 and lit.view(-1)[found.ray[facing]].mean() > 0.8
    wrong = 0
    for n in range(24):
        p = (hits.world[n] / hits.w[n].clamp(min=1e-4))[:, where[n]]
        steps = torch.linspace(0.01, 8, 800)
        x = (p[:, :, None] + sun[n][:, None, None] * steps).flatten(1)
        x = torch.cat([x, torch.ones_like(x[:1])])
        dark = torch.zeros(p.shape[1], dtype=torch.bool)
        for k in range(3):
            q = local[n, k] @ x
            inside = (planes[n, k] @ q).amax(0) <= 0
            if quadrics[n, k].any(): inside &= (q * (quadrics[n, k] @ q)).sum(0) <= 0
            dark |= inside.view(p.shape[1], -1).any(1)
        wrong += (dark != (lit[n, where[n]] == 0)).sum().item()
    assert wrong / where.sum() < 0.006

def test_light_adds_up():
    "What the sun adds to a picture: on matt surfaces Lambert's cosine where its way is free, else nothing but what the floor throws back."
    s = sample_scenes(20, seed=15, gloss=0.0, floor="plain", backdrop="wall", material="plain", light=1.0,
                      light_elevation=(8.0, 30.0), light_azimuth=(-30.0, 30.0))
    stage = w.Stage.of(s[s.count == 3]); dark = w.Stage.of(s[s.count == 3].replace(light=0.0))
    scenes, m = stage.scenes, w.monomials(w.pixels(32, 32, 1))
    hits = w.trace(stage, m); lit = w.light_reaches(stage, hits)
    added = w.light_image(stage, hits) - w.light_image(dark, hits)
    near, sun, warm = hits.w > 1 / 9, w.light_direction(scenes), torch.tensor(w.SUN)
    for surface, colour, cosine in ((1, w.paint(scenes.floor_hue, 0.17, 0.88), sun[:, 2]), (2, w.paint(scenes.backdrop_hue, 0.26, 0.9), -sun[:, 1])):
        expected = (colour * warm * cosine.clamp(min=0)[:, None])[:, :, None] * lit[:, None]
        here = ((hits.surface == surface) & (near | (surface == 2)))[:, None].expand_as(added)
        assert here.any() and (lit[:, None].expand_as(added)[here] == 0).any() and torch.allclose(added[here], expected[here], atol=1e-5)
    found = w.points_on_objects(stage, hits)
    flat = added.movedim(1, 0).flatten(1)[:, found.ray]
    colour = w.paint(scenes.hue, scenes.saturation, scenes.value).flatten(0, 1)[found.object].T
    cosine = (found.normal * sun.T[:, found.scene]).sum(0).clamp(min=0) * lit.view(-1)[found.ray]
    rest = flat - colour * warm[:, None] * cosine
    assert (rest > -1e-5).all() and (rest <= 0.121 * 2 * colour + 1e-5).all() and (cosine == 0).any() and (cosine > 0.5).any()
    matt, glossy = (render(s.replace(gloss=g), 32)["rgb"].int() for g in (0.0, 0.8))
    assert (glossy >= matt).all() and (glossy - matt).max() > 30 and torch.equal(matt, render(s, 32)["rgb"].int())

def test_anti_aliasing_converges():
    s = sample_scenes(6, seed=3)
    one, two, many = (render(s, 32, aa=a)["rgb"].float() for a in (1, 2, 6))
    assert (two - many).abs().mean() < 0.6 * (one - many).abs().mean()

def test_second_view_and_sizes():
    s = sample_scenes(3, seed=1)
    seen = render(s, (24, 40), ("rgb", "second", "classes", "depth"), second=dict(camera_azimuth=0.0))
    assert seen["rgb"].shape == (3, 3, 24, 40) and seen["classes"].shape == (3, 24, 40) and torch.equal(seen["rgb"], seen["second"])
    assert not torch.equal(render(s, 24, ("second",))["second"], render(s, 24)["rgb"])
    wide = render(s, (24, 40), ("instances",))["instances"][:, :, 8:32]
    assert (wide == render(s, 24, ("instances",))["instances"]).float().mean() > 0.999                             # a wider picture shows more, not larger

@pytest.mark.parametrize("domain", DOMAINS)
def test_domains(domain):
    s = sample_scenes(4, seed=2)
    plain, other = render(s, 32)["rgb"].float(), render(s.replace(domain=domain), 32)["rgb"].float()
    assert (plain - other).abs().mean() > 8 or domain == "plain"
    again = render(s[2].replace(domain=domain), 32)["rgb"].float()
    assert (other[2:3] - again).abs().max() <= 1                                                                  # also the noise belongs to the scene
    if domain == "night": assert other.mean() < 0.6 * plain.mean()
    if domain == "shifted": assert (other - plain[:, [2, 0, 1]]).abs().max() <= 1

def test_points_lie_on_surfaces():
    s = sample_scenes(10, seed=4, shape="sphere")
    seen = render(s, 32, ("points",), points=700)
    p, owner = seen["points"], seen["point_instances"]
    assert p.shape == (10, 700, 3) and (p.norm(dim=-1) < w.REACH + 1e-4).all()
    centre = w.poses(s)[0]
    for n in range(10):
        for k in range(int(s.count[n])):
            mine = p[n][owner[n] == k + 1]
            assert ((mine - centre[n, k]).norm(dim=-1) - s.size[n, k]).abs().max() < 1e-3 if len(mine) else True
    assert (p[owner == 0][:, 2].abs() < 1e-3).float().mean() > 0.5 and (owner > 0).float().mean() > 0.05

def test_captions_say_what_is_there():
    s = sample_scenes(200, seed=3, domain=list(DOMAINS))
    for n, text in enumerate(w.captions(s)):
        words = text.replace(",", "").split()
        assert SHAPES[s.shape[n, 0]] in words and COLOURS[s.colour[n, 0]] in words
        assert sum(x in SHAPES for x in words) == s.count[n] and ("night" in words) == (s.domain[n] == DOMAINS.index("night"))
    pair = sample_scenes(1, count=2, position_y=0.0, camera_azimuth=0.0).replace(position_x=torch.tensor([[0.0, 1.5]]))
    assert "to its right" in w.captions(pair)[0] and "to its left" in w.captions(pair.moved(camera_azimuth=180.0))[0]

# ---- data sets

SMALL = dict(train=40, val=10, test=10, size=16)

def test_source(cache):
    data = world(**SMALL, sensors=SENSORS, seed=5)
    assert data[[0, 3]].x.dtype == torch.uint8 and len(data.classes) == 12 and len(data.val) == 10 and data.test.train is data
    assert torch.equal(data.y, data.fields["shape"][:, 0]) and not torch.equal(data.fields["hue"][:10], data.test.fields["hue"])
    again = render(scenes_of(data[[3, 1]]), 16, ("rgb", "caption"))
    assert again["caption"] == data[[3, 1]].caption and (again["rgb"].int() - data[[3, 1]].x.int()).abs().max() <= 1
    keyed = data[[3, 1]].keyed(0, 0)
    assert torch.equal(scenes_of(keyed).seed, data.fields["seed"][[3, 1]])                                        # not the key of the training step

def test_cache(cache):
    fresh = world(**SMALL, sensors=["caption", "depth"], cache=False)
    assert not list(cache.rglob("*.safetensors"))
    first, hit = (world(**SMALL, sensors=["caption", "depth"]) for _ in range(2))
    files = sorted(cache.rglob("*.safetensors"))
    assert len(files) == 3 and fresh.digest == first.digest == hit.digest and fresh.test.digest == hit.test.digest
    assert hit.fields["caption"] == fresh.fields["caption"] and list(hit.fields) and set(hit.fields) == set(fresh.fields)
    for other in (dict(seed=1), dict(aa=1), dict(shape=["cube", "cone"]), dict(without=[dict(shape="cube")])):
        assert world(**{**SMALL, **other}).digest != world(**SMALL).digest
    content = files[0].read_bytes()
    for broken in (content[:100], content[:-9] + b"\0\0\0\0\0\0\0\0\1", b""):
        for f in files: f.write_bytes(broken if f == files[0] else f.read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mended = world(**SMALL, sensors=["caption", "depth"])
        assert mended.digest == fresh.digest and mended.val.digest == fresh.val.digest and mended.test.digest == fresh.test.digest

def test_cached_pictures_are_not_remade(cache, monkeypatch):
    world(**SMALL)
    monkeypatch.setattr(w, "render", lambda *a, **k: pytest.fail("rendered again"))
    world(**SMALL)

def test_splits_can_differ(cache):
    data = world(**SMALL, shape=["cube", "cone"], changes=dict(test=dict(shape=["cube", "egg"]), dark=dict(domain="night")))
    assert data.classes == ["cube", "cone", "egg"] and set(data.splits) == {"train", "val", "test", "dark"}
    assert set(data.y.tolist()) == {0, 1} and set(data.test.y.tolist()) == {0, 2} and set(data.splits["dark"].fields["domain"].tolist()) == {1}
    none = world(**{**SMALL, "val": 0})
    assert set(none.splits) == {"train", "test"}
    styled = world(**SMALL, label=("shape", "domain"), shape="cube", domain=["plain", "night"])
    assert styled.classes == ["plain cube", "night cube"] and torch.equal(styled.y, styled.fields["domain"])

# ---- mistakes

@pytest.mark.parametrize("call, words", [
    (lambda: sample_scenes(5, shap="cube"), "factor 'shap' is unknown; did you mean shape"),
    (lambda: sample_scenes(5, shape="cubes"), "shape 'cubes' is unknown; did you mean cube"),
    (lambda: sample_scenes(5, shape={"cube": 0.5, "cone": 0.4}), "sum to 0.9"),
    (lambda: sample_scenes(5, shape={"cube": 1.5, "cone": -0.5}), "smallest -0.5"),
    (lambda: sample_scenes(5, size=(1.0, 0.5)), "size=(1.0, 0.5) cannot be drawn from"),
    (lambda: sample_scenes(5, size="big"), "size='big' is no number"),
    (lambda: sample_scenes(5, shape=[]), "nothing to choose from"),
    (lambda: sample_scenes(5, count=0), "count=0 cannot be drawn from"),
    (lambda: sample_scenes(5, hue=0.5, colour="red"), "one follows from the other"),
    (lambda: sample_scenes(5, others=dict(backdrop="sky")), "a factor of the scene"),
    (lambda: sample_scenes(0), "n=0"),
    (lambda: sample_scenes(5, shape="cube", without=[dict(shape="cube")]), "almost nothing"),
    (lambda: sample_scenes(5, without=[dict(form="cube")]), "factor 'form' is unknown"),
    (lambda: sample_scenes(5, size=Given("yaw", {0.0: Given("size", {})}), yaw=Given("size", {(0.0, 9.0): 3.0})), "depend on each other"),
    (lambda: sample_scenes(5, size=Given("weight", {1.0: 2.0})), "factor 'weight' is unknown"),
    (lambda: sample_scenes(5).replace(hues=1.0), "factor 'hues' is unknown; did you mean hue"),
    (lambda: sample_scenes(5).replace(light=[1.0, 2.0]), "light has 2 values for 5 scenes"),
    (lambda: sample_scenes(5).moved(shape=1), "numeric factor 'shape' is unknown"),
    (lambda: render(sample_scenes(2), 7), "size=7 is too small"),
    (lambda: render(sample_scenes(2), aa=0), "aa=0"),
    (lambda: render(sample_scenes(2), sensors=("dept",)), "sensor 'dept' is unknown; did you mean depth"),
    (lambda: render(sample_scenes(2), sensors=("second",), second=dict(camera=3)), "numeric factor 'camera'"),
    (lambda: render(sample_scenes(2), sensors=("points",), points=0), "points=0"),
    (lambda: world(10, 5, 5, label="shapes", cache=False), "label 'shapes' is unknown; did you mean shape"),
    (lambda: world(10, 5, 5, sensors=["lidar"], cache=False), "sensor 'lidar' is unknown"),
    (lambda: world(10, -5, 5, cache=False), "no negative numbers"),
    (lambda: world(10, 5, 5, colour="rot", cache=False), "colour 'rot' is unknown"),
])
def test_mistakes(call, words):
    with pytest.raises(InputError) as e: call()
    assert words in str(e.value), str(e.value)

def test_threads_do_not_matter():
    s = sample_scenes(300, seed=1)
    alone = render(s, 16)["rgb"]
    torch.set_num_threads(2)
    assert torch.equal(render(s, 16)["rgb"], alone) and torch.get_num_threads() == 2
