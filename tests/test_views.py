"""core.views: every transform is torchvision's, a row depends on its own key alone, and parameters are drawn as torchvision draws them."""
import copy, importlib.util, math, pickle
from dataclasses import replace
from pathlib import Path
import numpy as np
import pytest
import torch
import torchvision.transforms as TV
import torchvision.transforms.functional as TF
from hypothesis import given, settings, strategies as st
from scipy.stats import ks_2samp, kstest
from sslkit.core.batch import Batch
from sslkit.core.errors import InputError
from sslkit.core.random import Draw, row_keys
from sslkit.core.views import (BRIGHTNESS, CONTRAST, SATURATION, ColorJitter, Cutout, GaussianBlur, Grayscale, HorizontalFlip, Normalize, QuarterTurns,
                               RandomResizedCrop, Rotation, Solarize, VerticalFlip, Views, blend, choose, grey, shift_hue)

STEP = 1 / 255
JITTER = ColorJitter(0.8, 0.8, 0.8, 0.2)
EVERY = [RandomResizedCrop(), RandomResizedCrop(size=(9, 14), scale=(0.2, 0.5)), HorizontalFlip(), VerticalFlip(), Rotation(40), Cutout(0.4), Grayscale(p=0.4),
         JITTER, replace(JITTER, p=0.6), ColorJitter(0.5, 0.5), Solarize(0.4, p=0.5), GaussianBlur(kernel=5), GaussianBlur(p=0.5),
         Normalize((0.5,), (0.2,))]
SIZES = [(32, 32), (17, 23), (31, 12)]

def images(n=6, channels=3, size=(32, 32), seed=0):
    "Noise over coarse blobs: strong edges, all values."
    g = torch.Generator().manual_seed(seed)
    blobs = torch.nn.functional.interpolate(torch.rand(n, channels, 4, 4, generator=g), size=size, mode="bicubic")
    return (blobs + 0.3 * torch.randn(n, channels, *size, generator=g)).clamp(0, 1)

def draw(n, seed=0, step=0): return Draw(row_keys(seed, step, torch.arange(n)))

def gap(ours, theirs): return max((a - b).abs().max().item() for a, b in zip(ours, theirs, strict=True))

# ---- the same as torchvision's functional op, one image at a time, at the same parameters

@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("to", [None, 24, (13, 40)])
def test_resized_crop_is_torchvisions(channels, size, to):
    x, op = images(20, channels, size), RandomResizedCrop(to)
    boxes = op.sample(draw(20), x)
    out = op.apply(x, *boxes)
    want = list(size) if to is None else [to, to] if isinstance(to, int) else list(to)
    theirs = [TF.resized_crop(i, *map(int, box), want, antialias=False) for i, box in zip(x, zip(*boxes))]
    assert out.shape == (20, channels, *want) and gap(out, theirs) < STEP / 4

@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_jitter_is_torchvisions(channels, size, name):
    x = images(12, channels, size)
    low, high, tolerance = (-0.5, 0.5, 2 * STEP) if name == "hue" else (0, 2.5, STEP)
    for value in [low, high, *np.random.default_rng(0).uniform(low, high, 6)]:
        out = ColorJitter(**{name: (value, value)})(x, draw(12))
        assert gap(out, [getattr(TF, f"adjust_{name}")(i, value) for i in x]) < tolerance / 4

def test_jitter_in_every_order_is_torchvisions():
    x = images(200)
    factor, order, shift, before = JITTER.sample(draw(200), x)
    out = JITTER.apply(x, factor, order, shift, before)
    change = {BRIGHTNESS: TF.adjust_brightness, CONTRAST: TF.adjust_contrast, SATURATION: TF.adjust_saturation}
    for i in range(200):
        y = x[i]
        for place, kind in enumerate(order[i].tolist()):
            if before[i] == place: y = TF.adjust_hue(y, shift[i].item())
            y = change[kind](y, factor[i, kind].item())
        if before[i] == 3: y = TF.adjust_hue(y, shift[i].item())
        assert (out[i] - y).abs().max() < STEP, (i, order[i], before[i])

@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", [3, 5, 9])
def test_blur_is_torchvisions(size, kernel):
    x, op = images(10, 3, size), GaussianBlur(kernel)
    sigma, = op.sample(draw(10), x)
    assert gap(op.apply(x, sigma), [TF.gaussian_blur(i, [kernel, kernel], [s.item()] * 2) for i, s in zip(x, sigma)]) < STEP / 4

def test_blur_spans_a_tenth_of_the_shorter_side():
    for size, kernel in [((32, 32), 3), ((224, 224), 23), ((100, 300), 11), ((9, 9), 3)]:
        x = images(1, 1, size)
        assert gap(GaussianBlur().apply(x, torch.tensor([2.0])), TF.gaussian_blur(x, [kernel, kernel], [2.0, 2.0])) < 1e-5

@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_rotation_is_torchvisions(channels, size):
    x, op = images(10, channels, size), Rotation((-180, 180))
    angle, = op.sample(draw(10), x)
    theirs = [TF.rotate(i, a.item(), interpolation=TF.InterpolationMode.BILINEAR) for i, a in zip(x, angle)]
    assert gap(op.apply(x, angle), theirs) < STEP / 4

@pytest.mark.parametrize("channels", [1, 3])
def test_the_others_are_torchvisions(channels):
    x, d = images(8, channels, (15, 21)), lambda: draw(8)
    assert torch.equal(HorizontalFlip(p=1)(x, d()), TF.hflip(x)) and torch.equal(VerticalFlip(p=1)(x, d()), TF.vflip(x))
    assert gap(Grayscale()(x, d()), TF.rgb_to_grayscale(x, channels)) < STEP / 4
    x[:, :, 0] = 0.3
    assert torch.equal(Solarize(0.3)(x, d()), TF.solarize(x, 0.3))
    mean, std = [0.1, 0.5, 0.3][:channels], [0.2, 0.3, 0.7][:channels]
    assert gap(Normalize(mean, std)(x, d()), TF.normalize(x, mean, std)) < 1e-5

def test_solarize_inverts_the_same_bytes_as_pil():
    from PIL import Image, ImageOps
    x = torch.arange(256, dtype=torch.uint8).view(16, 16)
    theirs = torch.from_numpy(np.array(ImageOps.solarize(Image.fromarray(x.numpy()), threshold=128)))
    assert torch.equal((Solarize(0.5).apply(x[None, None] / 255) * 255).round().byte()[0, 0], theirs)

@pytest.mark.parametrize("size, side", [(0.5, 9), (4, 4), (5, 5), (0.0, 0)])
def test_cutout_erases_one_square_that_may_cross_the_border(size, side):
    x, op = images(60, 3, (17, 23)) + 1, Cutout(size)                      # no pixel is zero before
    side = round(size * 17) if isinstance(size, float) else size
    row, column = op.sample(draw(60), x)
    for image, out, r, c in zip(x, op.apply(x, row, column), row.tolist(), column.tolist()):
        top, left = max(r - side // 2, 0), max(c - side // 2, 0)
        height, width = max(min(r - side // 2 + side, 17) - top, 0), max(min(c - side // 2 + side, 23) - left, 0)
        assert torch.equal(out, TF.erase(image, top, left, height, width, torch.tensor(0.0)))
    assert set(row.tolist()) == set(range(17)) and column.max() > 18

def test_quarter_turns():
    x, op = images(40, 3, (16, 16)), QuarterTurns()
    k, = op.sample(draw(40), x)
    assert set(k.tolist()) == {0, 1, 2, 3}
    assert gap(op.apply(x, k), [i.rot90(j, (-2, -1)) for i, j in zip(x, k.tolist())]) == 0
    with pytest.raises(InputError, match="16 x 12"): op(x[..., :12], draw(40))

# ---- drawn as torchvision draws

@pytest.mark.parametrize("size, scale, ratio", [((32, 32), (0.08, 1.0), (3 / 4, 4 / 3)), ((64, 30), (0.3, 0.9), (0.5, 2.0)),
                                                ((10, 90), (0.5, 1.0), (3 / 4, 4 / 3)), ((90, 10), (0.6, 1.0), (3 / 4, 4 / 3)), ((8, 8), (0.01, 0.02), (1, 1))])
def test_boxes_are_distributed_as_torchvisions(size, scale, ratio):
    n, x = 2000, torch.zeros(1, 1, *size)
    torch.manual_seed(0)
    theirs = torch.tensor([TV.RandomResizedCrop.get_params(x[0], list(scale), list(ratio)) for _ in range(n)]).double().T.numpy()
    ours = torch.stack(RandomResizedCrop(scale=scale, ratio=ratio).sample(draw(n), x)).double().numpy()
    assert (ours[2:] >= 1).all() and (ours[:2] >= 0).all() and (ours[0] + ours[2] <= size[0]).all() and (ours[1] + ours[3] <= size[1]).all()
    statistics = dict(top=lambda b: b[0], left=lambda b: b[1], height=lambda b: b[2], width=lambda b: b[3], area=lambda b: b[2] * b[3],
                      ratio=lambda b: np.log(b[3] / b[2]), middle=lambda b: np.abs(2 * b[0] + b[2] - size[0]) + np.abs(2 * b[1] + b[3] - size[1]))
    for name, of in statistics.items(): assert ks_2samp(of(ours), of(theirs)).pvalue > 1e-3, name

def test_a_box_that_cannot_fit_is_the_largest_in_the_middle():
    for size, want in [((10, 90), (0, 38, 10, 13)), ((90, 10), (38, 0, 13, 10))]:
        boxes = RandomResizedCrop(scale=(1, 1)).sample(draw(50), torch.zeros(1, 1, *size))
        assert {tuple(map(int, box)) for box in zip(*boxes)} == {want}
        assert TV.RandomResizedCrop.get_params(torch.zeros(1, *size), [1, 1], [3 / 4, 4 / 3]) == want

def test_factors_are_uniform_in_torchvisions_ranges_and_independent():
    op, n = ColorJitter(0.4, 1.5, (0.5, 0.9), 0.1), 4000
    factor, order, shift, before = op.sample(draw(n), torch.zeros(n, 3, 2, 2))
    theirs = TV.ColorJitter(0.4, 1.5, (0.5, 0.9), 0.1)
    columns = torch.cat([factor, shift[:, None]], dim=1)
    for values, (low, high) in zip(columns.T, [theirs.brightness, theirs.contrast, theirs.saturation, theirs.hue], strict=True):
        assert kstest(values.double().numpy(), "uniform", args=(low, high - low)).pvalue > 1e-3
    for choices in (order[:, 0], order[:, 2], before):
        counts = torch.bincount(choices).double() / n
        assert (counts - 1 / len(counts)).abs().max() < 5 * (0.25 / n) ** 0.5 and len(counts) == (4 if choices is before else 3)
    several = torch.cat([columns, order[:, :1], before[:, None]], dim=1).double()
    assert (torch.corrcoef(several.T) - torch.eye(6)).abs().max() < 5 / n ** 0.5

@pytest.mark.parametrize("op, low, high", [(GaussianBlur(sigma=(0.3, 1.2)), 0.3, 1.2), (Rotation(20), -20, 20), (Rotation((5, 10)), 5, 10)])
def test_the_other_parameters_are_uniform(op, low, high):
    value, = op.sample(draw(4000), torch.zeros(1, 1, 8, 8))
    assert kstest(value.double().numpy(), "uniform", args=(low, high - low)).pvalue > 1e-3

@pytest.mark.parametrize("op", [HorizontalFlip(0.3), VerticalFlip(0.3), JITTER, Grayscale(), Solarize(0.2), GaussianBlur(), Cutout(), Rotation(30)], ids=repr)
def test_p_is_the_share_of_changed_rows(op):
    x = images(1).expand(1500, -1, -1, -1)[:, :, :8, :8]
    changed = (replace(op, p=0.3)(x, draw(1500)) != x).flatten(1).any(1).float().mean().item()
    assert abs(changed - 0.3) < 5 * (0.3 * 0.7 / 1500) ** 0.5
    assert replace(op, p=0)(x, draw(1500)) is x
    assert (replace(op, p=1)(x[:50], draw(50)) != x[:50]).flatten(1).any(1).all()

def test_transforms_of_one_recipe_draw_different_numbers():
    x = images(1).expand(1000, -1, -1, -1)
    both = Views(HorizontalFlip(), HorizontalFlip())(Batch(index=torch.arange(1000), x=x).keyed(0, 0))[0]
    assert abs((both != x).flatten(1).any(1).float().mean() - 0.5) < 0.08              # with the same numbers they would always cancel

# ---- a row depends on its own key alone

@given(data=st.data(), height=st.integers(8, 40), width=st.integers(8, 40), channels=st.sampled_from([1, 3]), seed=st.integers(0, 2**40), step=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_row_depends_on_its_key_alone(data, height, width, channels, seed, step):
    ops = data.draw(st.lists(st.sampled_from(EVERY), min_size=1, max_size=4))
    n = data.draw(st.integers(2, 9))
    batch = Batch(index=torch.randperm(1000, generator=torch.Generator().manual_seed(seed % 2**31))[:n], x=images(n, channels, (height, width)))
    views = Views(*ops, n=2)
    whole = views(batch.keyed(seed, step))
    i = data.draw(st.integers(0, n - 1))
    alone = views(batch.select(torch.tensor([i])).keyed(seed, step))
    shuffled = data.draw(st.permutations(range(n)))
    mixed = views(batch.select(torch.tensor(shuffled)).keyed(seed, step))
    halves = [torch.cat(v) for v in zip(views(batch.select(torch.arange(n // 2)).keyed(seed, step)), views(batch.select(torch.arange(n // 2, n)).keyed(seed, step)))]
    for v in range(2):
        assert torch.allclose(alone[v][0], whole[v][i], atol=1e-6, rtol=0)
        assert torch.allclose(mixed[v], whole[v][shuffled], atol=1e-6, rtol=0) and torch.allclose(halves[v], whole[v], atol=1e-6, rtol=0)

def test_neither_neighbours_nor_batch_size_nor_order_change_a_single_bit():
    batch = Batch(index=torch.arange(64), x=(images(64) * 255).byte()).keyed(3, 7)
    views = Views(RandomResizedCrop(), HorizontalFlip(), replace(JITTER, p=0.8), Grayscale(p=0.2), GaussianBlur(p=0.5), Solarize(p=0.2), n=2)
    whole, order = views(batch), torch.randperm(64)
    for rows in (order, torch.arange(10, 41), torch.tensor([33])):
        for a, b in zip(views(batch.select(rows)), whole, strict=True): assert torch.equal(a, b[rows])

@pytest.mark.parametrize("op", [RandomResizedCrop(), JITTER, GaussianBlur(9), Rotation(30), Cutout(3)], ids=repr)
def test_copies_of_one_image_become_different(op):
    x = images(1).expand(64, -1, -1, -1)
    assert len(torch.unique(op(x, draw(64)).flatten(1), dim=0)) >= (64 if op in (JITTER, GaussianBlur(9), Rotation(30)) else 60)   # whole pixels may coincide

def test_seed_step_and_view_give_other_numbers():
    batch, views = Batch(index=torch.arange(4), x=images(4)), Views(RandomResizedCrop(), n=3)
    of = [v for seed, step in [(0, 0), (0, 1), (1, 0)] for v in views(batch.keyed(seed, step))]
    assert all((a - b).abs().flatten(1).amax(1).min() > 0.1 for i, a in enumerate(of) for b in of[:i])

# ---- what any transform keeps

@given(op=st.sampled_from(EVERY[:-1]), height=st.integers(8, 40), width=st.integers(8, 40), channels=st.sampled_from([1, 3]), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_range_shape_and_input_are_kept(op, height, width, channels, seed):
    x = images(5, channels, (height, width), seed)
    x[0], x[1] = 0, 1
    before = x.clone()
    y = op(x, draw(5, seed))
    assert y.dtype == torch.float32 and torch.isfinite(y).all() and y.min() >= -1e-6 and y.max() <= 1 + 1e-6
    assert y.shape[:2] == x.shape[:2] and (y.shape == x.shape or getattr(op, "size", None) == tuple(y.shape[2:]))
    assert torch.equal(x, before)

@pytest.mark.parametrize("op", EVERY, ids=repr)
def test_gradients_reach_the_images(op):
    g = torch.Generator().manual_seed(0)
    x = (0.3 + 0.4 * torch.rand(4, 3, 20, 20, generator=g, dtype=torch.float64)).requires_grad_()
    if isinstance(op, ColorJitter): op = replace(op, brightness=0.1, contrast=0.1, saturation=0.1)     # stays within (0, 1), where there are no kinks
    op(x, draw(4)).square().sum().backward()
    assert torch.isfinite(x.grad).all() and (x.grad != 0).flatten(1).any(1).all()
    direction, e = torch.randn(x.shape, generator=g, dtype=torch.float64), 1e-7
    with torch.no_grad():
        slope = (op(x + e * direction, draw(4)).square().sum() - op(x - e * direction, draw(4)).square().sum()) / (2 * e)
    assert math.isclose(slope.item(), (x.grad * direction).sum().item(), rel_tol=1e-4, abs_tol=1e-2)

def test_gradients_are_finite_where_colours_are_flat_or_saturated():
    x = torch.cat([torch.zeros(2, 3, 6, 6), torch.ones(2, 3, 6, 6), torch.full((2, 3, 6, 6), 0.5)]).requires_grad_()
    JITTER(x, draw(6)).sum().backward()
    assert torch.isfinite(x.grad).all()

def test_limits_are_the_identity():
    x = images(6, 3, (20, 20))
    same = [RandomResizedCrop(scale=(1, 1), ratio=(1, 1)), ColorJitter(), ColorJitter((1, 1), (1, 1), (1, 1), (0, 0)), ColorJitter(hue=(1e-9, 1e-9)),
            Rotation(0), Cutout(0), Solarize(1.0), GaussianBlur(sigma=(0.01, 0.02)), Normalize((0,), (1,))]
    for op in same: assert torch.allclose(op(x * 0.99, draw(6)), x * 0.99, atol=1e-5), op
    assert torch.allclose(shift_hue(x, torch.ones(6)), x, atol=1e-5)                                    # once round
    twice = shift_hue(shift_hue(x, torch.full((6,), 0.15)), torch.full((6,), -0.15))
    assert torch.allclose(twice, x, atol=1e-5)

def test_blend_leaves_its_input_alone_and_grey_stays_grey():
    x = images(3); before = x.clone()
    blend(x, torch.tensor([0, 1, 2]), torch.tensor([0.5, 0.5, 0.5]))
    assert torch.equal(x, before)
    flat = grey(x).expand_as(x)
    assert torch.allclose(blend(flat, torch.full((3,), SATURATION), torch.full((3,), 1.7)), flat, atol=1e-6) and torch.allclose(shift_hue(flat, torch.full((3,), 0.3)), flat)

def test_choose_changes_the_chosen_rows_with_their_own_parameters():
    x, chosen = torch.zeros(5, 1, 2, 2), torch.tensor([True, False, True, False, True])
    out = choose(chosen, lambda x, q: x + q.view(-1, 1, 1, 1), x, torch.arange(5.0) + 1)
    assert out[:, 0, 0, 0].tolist() == [1, 0, 3, 0, 5]

# ---- Views

def test_bytes_become_floats_once_and_floats_stay():
    x = (images(3) * 255).byte()
    batch = Batch(index=torch.arange(3), x=x).keyed(0, 0)
    seen = []
    watch = lambda x, draw: seen.append(x) or x
    (Views(watch) + Views(watch) + Views(watch, n=2))(batch)                                              # the last two are made together
    assert len(seen) == 3 and seen[0] is seen[1] and seen[0].dtype == torch.float32
    assert torch.equal(seen[0], x / 255) and torch.equal(seen[2], torch.cat([seen[0]] * 2))
    assert torch.equal(Views()(batch.replace(x=x / 255))[0], x / 255)

def test_a_sum_makes_the_views_of_both_in_order():
    batch = Batch(index=torch.arange(4), x=images(4)).keyed(0, 0)
    a, b = Views(RandomResizedCrop(20), n=2), Views(RandomResizedCrop(12), n=3)
    both = a + b
    assert len(both) == 5 and [v.shape[-1] for v in both(batch)] == [20, 20, 12, 12, 12] and len(a) == 2
    assert all(torch.equal(p, q) for p, q in zip(both(batch), a(batch)))
    assert not torch.equal(both(batch)[2], b(batch)[0])                                                 # view 2, not view 0 again
    assert len(torch.unique(torch.cat((a + a + a)(batch)).flatten(1), dim=0)) == 24
    with pytest.raises(TypeError): a + 1

def test_repr_is_the_recipe():
    views = Views(RandomResizedCrop(32, scale=(0.2, 1.0)), replace(JITTER, p=0.8), GaussianBlur(p=0.5), n=2) + Views(Solarize(), Normalize((0.5,), (0.2,)))
    assert repr(eval(repr(views))) == repr(views) and eval(repr(views)).parts == views.parts
    assert repr(Views(HorizontalFlip(), n=2)) == "Views(HorizontalFlip(p=0.5), n=2)"

def test_copies_and_pickles_make_the_same_views():
    batch, views = Batch(index=torch.arange(4), x=images(4)).keyed(0, 0), Views(*EVERY[:5], n=2)
    for twin in (copy.deepcopy(views), pickle.loads(pickle.dumps(views))):
        for a, b in zip(twin(batch), views(batch), strict=True): assert torch.equal(a, b)

def test_mixed_precision_does_not_reach_the_views():
    batch = Batch(index=torch.arange(4), x=images(4)).keyed(0, 0)
    views = Views(RandomResizedCrop(), JITTER, GaussianBlur(), lambda x, draw: x @ torch.eye(32) * 0.3)
    plain = views(batch)[0]
    with torch.autocast("cpu", torch.bfloat16): assert torch.equal(views(batch)[0], plain) and plain.dtype == torch.float32

def test_constants_made_in_inference_mode_serve_training():
    op, x = Normalize((0.123,), (0.456,)), images(2)
    with torch.inference_mode(): op(x, draw(2))
    x.requires_grad_(); op(x, draw(2)).sum().backward()
    assert torch.allclose(x.grad, torch.full_like(x, 1 / 0.456))

def test_an_accelerator_never_waits_for_the_host():
    "On the meta device every operation that needs a value (item, nonzero, boolean indexing) fails; the CPU's results are those of this path."
    x, key = images(6, 3, (20, 20)).to("meta"), row_keys(0, 0, torch.arange(6)).to("meta")
    for op in [*EVERY, QuarterTurns()]: assert op(x, Draw(key)).device.type == "meta"
    assert Views._images(Batch(index=key, key=key, x=x.byte())).dtype == torch.float32

@pytest.mark.parametrize("op", [op for op in EVERY if op.p < 1], ids=repr)
def test_an_accelerators_path_gives_the_same(op, monkeypatch):
    x = images(8)
    want = op(x, draw(8))
    monkeypatch.setattr("sslkit.core.views.choose", lambda chosen, change, x, *q: torch.where(chosen.view(-1, 1, 1, 1), change(x, *q), x))
    assert torch.equal(op(x, draw(8)), want)

# ---- mistakes

BATCH = Batch(index=torch.arange(3), x=images(3)).keyed(0, 0)

@pytest.mark.parametrize("wrong, words", [
    (lambda: Views()(Batch(index=torch.arange(3), x=images(3))), "has no key.*keyed"),
    (lambda: Views()(Batch(index=torch.arange(3), text=["a"] * 3).keyed(0, 0)), "no images x.*index, text, key"),
    (lambda: Views()(BATCH.replace(x=["a"] * 3)), "batch.x is list"),
    (lambda: Views()(BATCH.replace(x=images(3)[:, 0])), r"shape \(3, 32, 32\)"),
    (lambda: Views()(BATCH.replace(x=torch.zeros(3, 3, 8, 8, dtype=torch.int64))), "torch.int64"),
    (lambda: Views(n=0), "n=0"),
    (lambda: HorizontalFlip()(torch.zeros(3, 3, 8, 8, dtype=torch.uint8), draw(3)), "HorizontalFlip got torch.uint8"),
    (lambda: JITTER(images(3, 2), draw(3)), "2 channels"),
    (lambda: Grayscale()(images(3, 4), draw(3)), "4 channels"),
    (lambda: HorizontalFlip(-0.1), "p=-0.1"),
    (lambda: ColorJitter(p=2), "p=2"),
    (lambda: ColorJitter(brightness=-1), "brightness=-1"),
    (lambda: ColorJitter(contrast=(1.2, 0.8)), r"contrast=\(1.2, 0.8\)"),
    (lambda: ColorJitter(saturation=(-0.5, 1)), "saturation"),
    (lambda: ColorJitter(hue=0.7), "hue=0.7"),
    (lambda: RandomResizedCrop(scale=(0.5, 0.1)), "scale"),
    (lambda: RandomResizedCrop(scale=(0, 1)), "scale"),
    (lambda: RandomResizedCrop(scale=(0.5, 1.1)), "scale"),
    (lambda: RandomResizedCrop(ratio=(2, 1)), "ratio"),
    (lambda: RandomResizedCrop(size=0), "size=0"),
    (lambda: Rotation((10, 5)), "degrees"),
    (lambda: Cutout(1.5), "size=1.5"),
    (lambda: Cutout(-1), "size=-1"),
    (lambda: Solarize(128), "threshold=128"),
    (lambda: GaussianBlur(kernel=4), "kernel=4"),
    (lambda: GaussianBlur(sigma=(0, 1)), "sigma"),
    (lambda: GaussianBlur(sigma=(2, 1)), "sigma"),
    (lambda: GaussianBlur(kernel=21)(images(3, 3, (10, 30)), draw(3)), "kernel=21 is too wide"),
    (lambda: Normalize((0.5,), (0.0,)), "std"),
    (lambda: Normalize((0.5, 0.5), (1, 1))(images(3), draw(3)), "3 channels")])
def test_mistakes_are_one_sentence(wrong, words):
    with pytest.raises(InputError, match=words) as e: wrong()
    assert "\n" not in str(e.value) and str(e.value).endswith(".")

# ---- the benchmark compares like with like

def test_benchmark_does_what_lightly_does():
    from lightly.transforms import SimCLRTransform
    from PIL import Image, ImageFilter
    spec = importlib.util.spec_from_file_location("bench_views", Path(__file__).parent / "bench" / "bench_views.py")
    bench = importlib.util.module_from_spec(spec); spec.loader.exec_module(bench)
    theirs = SimCLRTransform(input_size=32)
    assert len(theirs.transforms) == len(bench.VIEWS) == 2
    crop, flip, up_down, rotate, jitter, grey_, blur, _, norm = theirs.transforms[0].transform.transforms
    (ops, n), = bench.VIEWS.parts
    assert up_down.p == rotate.prob == 0 and len(ops) == 6
    assert tuple(crop.size) == (32, 32) and ops[0] == RandomResizedCrop(32, scale=tuple(crop.scale), ratio=tuple(crop.ratio))
    colour = jitter.transforms[0]
    assert [tuple(colour.brightness), tuple(colour.contrast), tuple(colour.saturation), tuple(colour.hue)] == pytest.approx(np.array(ops[2]._ranges()))
    assert [op.p for op in ops] == [1, flip.p, jitter.p, grey_.p, blur.prob, 1] and ops[4].sigma == tuple(blur.sigmas)
    assert (ops[5].mean, ops[5].std) == (tuple(norm.mean), tuple(norm.std))
    patch = bench.photo_patches(8)
    for sigma in (0.5, 1.0, 2.0):                                # PIL's blur is three box blurs: near a Gaussian, not one
        pil = [np.array(Image.fromarray(p.permute(1, 2, 0).numpy()).filter(ImageFilter.GaussianBlur(sigma))) for p in patch]
        inside = (slice(None), slice(None), slice(7, -7), slice(7, -7))                              # PIL repeats the border, torchvision mirrors
        ours = ops[4].apply(patch / 255, torch.full((8,), sigma))[inside]
        assert (ours - torch.from_numpy(np.stack(pil)).permute(0, 3, 1, 2)[inside] / 255).abs().mean() < 1.5 * STEP

class _Place(str): type = "accelerator"

class Elsewhere(torch.Tensor):
    "A tensor that takes itself for one of an accelerator, so that its code path is run."
    device = property(lambda self: _Place("cpu"))

def test_an_accelerator_computes_the_same_without_being_asked_how_many():
    x, draw = images(40), Draw(row_keys(0, 0, torch.arange(40)))
    far = x.clone().as_subclass(Elsewhere)
    assert far.device.type == "accelerator" and torch.arange(3, device=far.device).tolist() == [0, 1, 2]
    jitter = JITTER.sample(draw, x)
    near, there = JITTER.apply(x, *jitter), JITTER.apply(far, *jitter).as_subclass(torch.Tensor)
    assert torch.allclose(near, there, atol=1e-6) and not torch.allclose(near, x, atol=1e-2)
    chosen, shade = torch.arange(40) % 3 == 0, torch.rand(40)
    darker = lambda x, s: x * s.view(-1, 1, 1, 1)
    assert torch.equal(choose(chosen, darker, x, shade), choose(chosen, darker, far, shade).as_subclass(torch.Tensor))
