"The figures: what is drawn is what was given; the session is left as it was; the same figure gives the same bytes."
import io, re, subprocess, sys
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from sslkit.core import plots
from sslkit.core.errors import InputError
from sslkit.core.plots import (PALETTE, plot_arms, plot_curves, plot_embedding, plot_matrix, plot_spectrum, save_figure, show_images, show_views, style)

rng = np.random.default_rng(0)
X, Y, IMAGES = rng.normal(size=(60, 8)), np.arange(60) % 3, rng.random((5, 3, 12, 12)).astype(np.float32)
ARMS = {"ours": [0.4, 0.5], "without": [0.2, 0.3], "random_encoder": [0.25, 0.35]}
FIGURES = dict(images=lambda **k: show_images(IMAGES, titles="abcde", **k), views=lambda **k: show_views((IMAGES, IMAGES[:, :, :6, :6]), **k),
               embedding=lambda **k: plot_embedding(X, Y, **k), many=lambda **k: plot_embedding(np.repeat(X, 8, 0), **k), curves=lambda **k: plot_curves({"a": X[:, 0], "b": X.T[:3]}, smooth=0.5, **k),
               arms=lambda **k: plot_arms(ARMS, "accuracy", floors=["random_encoder"], margin=("without", 0.05), **k), matrix=lambda **k: plot_matrix(X[:4] @ X[:4].T, labels="abcd", **k),
               spectrum=lambda **k: plot_spectrum({"x": X, "half": X[:, :4]}, **k))
each = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)

@pytest.fixture(autouse=True)
def no_figures():
    plt.close("all"); yield; plt.close("all")

@each
def test_one_figure_and_the_session_as_it_was(draw):
    with matplotlib.rc_context({"axes.facecolor": "black", "text.color": "white", "font.size": 20}):
        before = dict(matplotlib.rcParams); ax = draw()
        assert dict(matplotlib.rcParams) == before
    assert isinstance(ax, plt.Axes) and plt.get_fignums() == [ax.figure.number]
    assert ax.get_facecolor() == (1, 1, 1, 1) and all(t.get_fontsize() < 12 for t in ax.texts + ax.get_xticklabels() + ax.get_yticklabels())
    assert all(t.get_color() not in ("white", (1, 1, 1, 1)) for t in [ax.xaxis.label, ax.title] + ax.get_xticklabels() + ax.get_yticklabels())

@each
def test_draws_into_the_axes_it_is_given(draw):
    with matplotlib.rc_context({"xtick.labelsize": 20, "ytick.labelsize": 20}): figure, axes = plt.subplots(1, 2)
    assert draw(ax=axes[1]) is axes[1] and plt.get_fignums() == [figure.number] and not axes[0].has_data()
    assert all(t.get_fontsize() < 12 for t in axes[1].get_xticklabels() + axes[1].get_yticklabels())

@each
@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_same_figure_same_bytes(draw, suffix, tmp_path):
    first = save_figure(draw(), tmp_path/f"a.{suffix}", "A title").read_bytes(); plt.close("all")
    ax = draw(); ax.figure.savefig(io.BytesIO()); ax.figure.savefig(io.BytesIO(), bbox_inches="tight", dpi=50)    # shown before it is saved
    with matplotlib.rc_context({"svg.hashsalt": "other", "savefig.dpi": 300, "svg.fonttype": "path", "axes.grid": True, "lines.linestyle": ":", "font.family": "monospace"}):
        assert save_figure(ax.figure, tmp_path/f"b.{suffix}", "A title").read_bytes() == first
        plt.close("all"); assert save_figure(draw(), tmp_path/f"c.{suffix}", "A title").read_bytes() == first
    assert len(first) < 60_000 and not re.search(rb"20\d\d-\d\d-\d\d|[Mm]atplotlib v|matplotlib version", first) and b"A title" in first

def test_the_same_bytes_from_another_process(tmp_path):
    code = f"import matplotlib; matplotlib.use('agg'); from sslkit.core.plots import *; save_figure(plot_curves([3, 2, 1]), {str(tmp_path/'b.svg')!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert save_figure(plot_curves([3, 2, 1]), tmp_path/"a.svg").read_bytes() == (tmp_path/"b.svg").read_bytes()

def test_a_file_that_would_not_change_is_not_touched(tmp_path):
    path = save_figure(plot_curves([3, 2, 1]), tmp_path/"a.svg"); path.chmod(0o444); stamp = path.stat().st_mtime_ns
    save_figure(plot_curves([3, 2, 1]), path); assert path.stat().st_mtime_ns == stamp
    path.chmod(0o644); save_figure(plot_curves([1, 2, 3]), path); assert path.stat().st_mtime_ns > stamp

def test_large_figures(tmp_path):
    noise = show_images(rng.random((36, 3, 64, 64)))
    with pytest.raises(InputError, match=r"a.svg would have [\d,]+ bytes, more than 60,000; show less"): save_figure(noise, tmp_path/"a.svg")
    with pytest.raises(InputError, match="a.png would have"): save_figure(noise, tmp_path/"a.png")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="neither .svg nor .png"): save_figure(noise, tmp_path/"a.pdf")
    cloud = plot_embedding(rng.normal(size=(1000, 5)), np.arange(1000) % 10)
    for suffix in ("svg", "png"):                                            # too large as it is, small enough in 256 colours
        full = save_figure(cloud, tmp_path/f"full.{suffix}", most=10**7).read_bytes(); small = save_figure(cloud, tmp_path/f"small.{suffix}", "cloud").read_bytes()
        assert len(small) <= 60_000 < len(full) and b"cloud" in small
    a, b = (np.asarray(Image.open(tmp_path/f"{n}.png").convert("RGBA").convert("RGB"), float) for n in ("full", "small"))
    assert a.shape == b.shape and np.abs(a - b).mean() < 2

@pytest.mark.parametrize("form", [lambda x: x, torch.tensor, lambda x: torch.tensor(x).bfloat16(), lambda x: list(torch.tensor(x)), lambda x: x.transpose(0, 2, 3, 1), lambda x: (x * 255).round().astype(np.uint8),
                                  lambda x: torch.tensor(x).requires_grad_(), lambda x: list(x.transpose(0, 2, 3, 1)), lambda x: torch.tensor((x * 255).round().astype(np.int64))])
def test_images_in_all_forms(form):
    shown = show_images(form(IMAGES), ncol=3).images[0].get_array().astype(int)
    expected = (IMAGES * 255).round()
    for k in range(5):
        i, j = divmod(k, 3)
        assert np.abs(shown[13 * i:13 * i + 12, 13 * j:13 * j + 12] - expected[k].transpose(1, 2, 0)).max() <= 1
    assert (shown[12] == 255).all() and (shown[:, 12] == 255).all() and (shown[13:, 26:] == 255).all()      # gaps and the place of no image are white

def test_grey_and_boolean_images_and_limits():
    grey = IMAGES[:, 0]
    shown = show_images(grey).images[0].get_array(); assert (shown[..., 0] == shown[..., 2]).all()
    assert set(np.unique(show_images(grey > 0.5).images[0].get_array())) == {0, 255}
    assert np.array_equal(show_images(grey * 4 - 2, limits=(-2, 2)).images[0].get_array(), shown)
    assert np.array_equal(show_images(grey[:, None]).images[0].get_array(), shown) and np.array_equal(show_images(grey[..., None]).images[0].get_array(), shown)

def test_titles_stand_above_their_images():
    ax = show_images(IMAGES, titles=[1, 2, 3, 4, 5], ncol=2); assert [t.get_text() for t in ax.texts] == list("12345")
    place = [t.get_position() for t in ax.texts]; shown = ax.images[0].get_array()
    assert place[0][0] == place[2][0] < place[1][0] and place[0][1] == place[1][1] < place[2][1]
    for (x, y), im in zip(place, IMAGES):
        x, y = round(x - 5.5), round(y + 1)
        assert np.abs(shown[y:y + 12, x:x + 12] - (im * 255).transpose(1, 2, 0)).max() <= 1
    assert len(show_images(IMAGES, titles="abcde", n=2).texts) == 2

def test_views_small_ones_in_the_middle():
    ax = show_views((IMAGES, np.zeros((5, 3, 6, 6), np.float32)), n=4); shown = ax.images[0].get_array()
    assert shown.shape == (4 * 13 - 1, 25, 3) and [t.get_text() for t in ax.texts] == ["view 1", "view 2"]
    assert np.abs(shown[13:25, :12] - (IMAGES[1] * 255).transpose(1, 2, 0)).max() <= 1
    place = shown[13:25, 13:25]; assert (place[3:9, 3:9] == 0).all() and place.astype(int).sum() == 3 * 255 * (144 - 36)

def test_embedding_keeps_distances_shares_and_order():
    flat = rng.normal(size=(50, 2)) * [3, 1] @ np.linalg.qr(rng.normal(size=(7, 7)))[0][:2]
    ax = plot_embedding(flat + 5); points = np.asarray(ax.collections[0].get_offsets())
    far = lambda p: np.linalg.norm(p[:, None] - p[None], axis=-1)
    assert np.allclose(far(points), far(flat)) and points.var(0)[0] > points.var(0)[1] and ax.get_legend() is None
    shares = [int(re.search(r"\((\d+)%", s)[1]) for s in (ax.get_xlabel(), ax.get_ylabel())]
    assert abs(sum(shares) - 100) <= 1 and abs(shares[0] - 100 * points.var(0)[0] / points.var(0).sum()) <= 1
    assert plot_embedding(torch.tensor(flat), n=10).collections[0].get_offsets().shape == (10, 2)
    for sign in (1, -1):                                                     # the sign of a component does not depend on the solver
        x = rng.normal(size=(40, 3)) * [0.1, 5, 1] * sign; points = plot_embedding(x).collections[0].get_offsets()
        assert np.corrcoef(points[:, 0], x[:, 1])[0, 1] > 0.9

def test_embedding_colours_and_legend_agree():
    ax = plot_embedding(X, torch.tensor(Y) + 4, classes=[f"c{i}" for i in range(9)]); legend = ax.get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["c4", "c5", "c6"]
    keys = [matplotlib.colors.to_hex(h.get_color()) for h in legend.legend_handles]; assert keys == list(PALETTE[:3])
    assert [matplotlib.colors.to_hex(c) for c in ax.collections[0].get_facecolors()] == [keys[i] for i in Y]
    fifteen = plot_embedding(X, np.arange(60) % 15); assert len(fifteen.collections) == 2 and len(fifteen.get_legend().get_texts()) == 15
    assert [len(c.get_offsets()) for c in fifteen.collections] == [40, 20]
    looks = {(h.get_color(), h.get_marker()) for h in fifteen.get_legend().legend_handles}; assert len(looks) == 15
    assert plot_embedding(X, np.arange(60)).get_legend() is None

def test_tsne_is_seeded_and_keeps_neighbours():
    x = X[:45] + 20 * np.eye(8)[Y[:45]]
    a, b = (np.asarray(plot_embedding(x, Y[:45], method="tsne").collections[0].get_offsets()) for _ in range(2))
    assert np.array_equal(a, b)
    nearest = (np.linalg.norm(a[:, None] - a[None], axis=-1) + 1e9 * np.eye(45)).argmin(1); assert (Y[nearest] == Y[:45]).mean() > 0.9

def test_curves_in_all_forms():
    history = dict(step=[0, 10, 20], loss=[3.0, 2.0, 1.0], term=[1.0, 1.5, 2.0])
    line = lambda ax, i=0: (ax.lines[i].get_xdata().tolist(), ax.lines[i].get_ydata().tolist())
    assert line(plot_curves(history)) == line(plot_curves({"a": history})) == line(plot_curves(([0, 10, 20], torch.tensor([3.0, 2, 1])))) == ([0, 10, 20], [3, 2, 1])
    assert line(plot_curves([3, 2, 1])) == line(plot_curves({"a": torch.tensor([3, 2, 1])})) == ([0, 1, 2], [3, 2, 1])
    both = plot_curves(history, y=["loss", "term"]); assert [t.get_text() for t in both.get_legend().get_texts()] == ["loss", "term"] and line(both, 1)[1] == [1, 1.5, 2]
    named = plot_curves({"a": history, "b": history}, y="term", log=True); assert named.get_ylabel() == "term" and named.get_yscale() == "log" and named.get_xlabel() == "step"
    runs = plot_curves({"a": [history, dict(history, loss=[1, 0, 0])]}); assert len(runs.lines) == 3 and line(runs, 2) == ([0, 10, 20], [2, 1, 0.5])
    unequal = plot_curves({"a": [history, dict(step=[0, 5], loss=[1, 0])]}); assert [len(l.get_xdata()) for l in unequal.lines] == [3, 2] and unequal.get_legend() is None

def test_smoothing_is_unbiased_and_the_raw_run_stays():
    y = rng.normal(size=50); ax = plot_curves(y, smooth=0.8); raw, smooth = (l.get_ydata() for l in ax.lines)
    assert np.array_equal(raw, y) and ax.lines[0].get_alpha() < 1 and smooth[0] == pytest.approx(y[0])
    weights = 0.8 ** np.arange(50)[::-1]; assert smooth[-1] == pytest.approx((weights * y).sum() / weights.sum())
    assert len(plot_curves(y).lines) == 1
    *each, mean = (l.get_ydata() for l in plot_curves({"a": rng.normal(size=(3, 50))}, smooth=0.8).lines); assert len(each) == 3 and np.allclose(np.mean(each, 0), mean)

def test_arms_show_every_seed_at_its_own_height():
    rows = [dict(arm=a, seed=s, metrics=dict(knn=v, linear=v + 0.1)) for a, vs in ARMS.items() for s, v in enumerate(vs)]
    ax = plot_arms(rows, "linear", floors=["random_encoder"], margin=("without", 0.05))
    assert ax.get_xlabel() == "linear" and [t.get_text() for t in ax.get_yticklabels()] == ["without", "ours"]
    ours, without = (np.asarray(c.get_offsets()) for c in ax.collections)
    assert np.allclose(ours[:, 0], [0.5, 0.6]) and np.allclose(without[:, 0], [0.3, 0.4]) and np.allclose(ours[:, 1] - without[:, 1], 1) and ours[0, 1] > ours[1, 1]
    floor, *means = ax.lines; assert np.allclose(floor.get_xdata(), 0.4) and [m.get_xdata()[0] for m in means] == pytest.approx([0.55, 0.35])
    shade = ax.patches[0].get_window_extent().transformed(ax.transData.inverted()); assert (shade.x0, shade.x1) == pytest.approx((0.35, 0.4))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["without +0.05", "random encoder"]

def test_arms_pair_by_seed_also_where_one_is_missing():
    a, b = (np.asarray(c.get_offsets()) for c in plot_arms({"a": {0: 1.0, 7: 2.0, 9: 3.0}, "b": {7: 5.0}}, "m").collections)
    assert b[0, 1] + 1 == a[1, 1] and plot_arms({"a": 0.5}).get_legend() is None
    assert [len(c.get_offsets()) for c in plot_arms([dict(arm="a", acc=1), dict(arm="a", acc=2)], "acc").collections] == [2]

def test_matrix_is_white_at_zero():
    image = plot_matrix(np.array([[0.0, 2.0], [-0.5, 1.0]])).images[0]; assert image.get_clim() == (-2, 2)
    assert np.allclose(image.cmap(image.norm(0.0))[:3], 1, atol=0.05) and image.cmap(image.norm(2.0))[0] > image.cmap(image.norm(2.0))[2]    # positive is red
    assert plot_matrix(np.eye(3) * 0.1, limit=1).images[0].get_clim() == (-1, 1) and plot_matrix(np.zeros((2, 2))).images[0].get_clim() == (-1, 1)
    assert len(plot_matrix(np.eye(9)).texts) == 0 and len(plot_matrix(np.eye(9), numbers=True).texts) == 81 and len(plot_matrix(np.eye(2), numbers=False).texts) == 0
    wide = plot_matrix(np.arange(6).reshape(2, 3), labels="ab"); assert [t.get_text() for t in wide.get_yticklabels()] == ["a", "b"] and [t.get_text() for t in wide.texts] == list("012345")
    assert [t.get_text() for t in plot_matrix([[1, -0.9149], [-0.001, 0.5]]).texts] == ["1", "-0.91", "0", "0.5"] and [t.get_text() for t in plot_matrix([[0.0123, -4e-4]]).texts] == ["0.0123", "-0.0004"]

def test_spectrum_is_that_of_the_features():
    s = np.array([4.0, 2.0, 1.0, 0.0]); f = np.linalg.qr(rng.normal(size=(9, 4)))[0] * s @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    drawn = plot_spectrum(torch.tensor(f)).lines[0]; assert np.allclose(drawn.get_ydata(), [4 / 7, 2 / 7, 1 / 7, 4e-7 / 7]) and drawn.get_xdata().tolist() == [1, 2, 3, 4]

@pytest.mark.parametrize("draw, words", [
    (lambda: show_images([]), "images is empty"), (lambda: show_images(np.zeros((2, 5, 9, 9))), "shape (5, 9, 9)"), (lambda: show_images(IMAGES * 2), "limits=(low, high)"), (lambda: show_images(IMAGES - 0.5), "undo the normalisation"),
    (lambda: show_images(IMAGES * np.nan), "values from nan"), (lambda: show_images(IMAGES, titles="ab"), "2 entries for 5 images"), (lambda: show_images(np.zeros(4)), "shape ()"),
    (lambda: show_views(()), "0 entries"), (lambda: show_views((IMAGES, IMAGES[:2])), "[5, 2]"), (lambda: show_views((IMAGES,), titles="ab"), "2 entries for 1 views"),
    (lambda: plot_embedding(X[0]), "shape (8,)"), (lambda: plot_embedding(X[:, :1]), "two or more"), (lambda: plot_embedding(X * np.inf), "not finite"), (lambda: plot_embedding(X, Y[:4]), "shape (4,)"),
    (lambda: plot_embedding(X, method="umap"), "choose one of pca, tsne"), (lambda: plot_curves([1, 2], smooth=1), "smooth=1"), (lambda: plot_curves(dict(step=[1], loss=[2]), y="los"), "did you mean loss"),
    (lambda: plot_curves({"a": dict(loss=[1])}), "column 'step'"), (lambda: plot_curves({"a": [1]}, y=["b", "c"]), "give one of them"), (lambda: plot_curves({"a": []}), "the curve a"), (lambda: plot_curves(([0, 1], [1])), "same length"),
    (lambda: plot_arms({}), "no arm"), (lambda: plot_arms({"a": []}), "without a value"), (lambda: plot_arms(ARMS, floors=["random"]), "did you mean random_encoder"), (lambda: plot_arms(ARMS, margin=("with", 1)), "did you mean without"),
    (lambda: plot_arms([dict(arm="a", seed=0, metrics=dict(linear=1))], "linaer"), "did you mean linear"), (lambda: plot_matrix([1, 2]), "shape (2,)"), (lambda: plot_matrix([[np.nan]]), "not finite"),
    (lambda: plot_matrix(np.eye(3), labels="ab"), "2 entries for 3 rows"), (lambda: plot_spectrum(X[0]), "shape (8,)"), (lambda: plot_spectrum({"zero": X * 0}), "zero everywhere")])
def test_errors_are_one_sentence_and_leave_no_figure(draw, words):
    with pytest.raises(InputError) as e: draw()
    assert words in str(e.value) and "\n" not in str(e.value) and plt.get_fignums() == []

def test_a_figure_whose_drawing_fails_is_closed():
    with pytest.raises(IndexError): plot_embedding(X, Y, classes=["only one"])
    assert plt.get_fignums() == []

def test_importing_needs_no_matplotlib():
    code = "import sys, sslkit.core.plots; assert not {'matplotlib', 'sklearn', 'torch', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

def test_colours_can_be_told_apart_by_the_colour_blind():
    "Simulated after Machado et al. 2009 (severity 1); distances in CIE Lab."
    blind = dict(protan=[[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
                 deutan=[[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])
    srgb = np.array([matplotlib.colors.to_rgb(c) for c in PALETTE]); linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    for m in (np.eye(3), *map(np.array, blind.values())):
        f = np.cbrt((linear @ m.T).clip(1e-4, 1) @ to_xyz.T / to_xyz.sum(1)); lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)
        apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1e9 * np.eye(len(lab)); assert apart.min() > 8, (apart.min(), divmod(int(apart.argmin()), 10))
        assert apart[:6, :6].min() > 15
