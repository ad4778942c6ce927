"Folders as people have them: what can be read is read as RGB, what cannot is named, and every mistake ends in one sentence."
import contextlib, cProfile, gc, io, itertools, multiprocessing, os, pstats, signal, struct, warnings, zlib
from pathlib import Path
import numpy as np
import pytest, torch
from PIL import Image
from sslkit.core.errors import InputError
from sslkit.core.probes import Monitor, evaluate, features, knn
from sslkit.data import source as module
from sslkit.data.pictures import Unreadable, picture_size, read_all, read_picture
from sslkit.data.source import ImageFiles, source
from sslkit.parts.convnet import ConvNet

@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    "An empty cache of its own for every test."
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SSLKIT_CACHE", str(folder))
    return folder

COLOUR = (200, 100, 40)

def flat(size=(12, 12), colour=COLOUR, mode="RGB"): return Image.new("RGB", size, colour).convert(mode)

def bomb(path: Path, side: int):
    "A PNG of 100 bytes that claims `side` x `side` pixels."
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b""))

def noise(seed, size=(12, 12)): return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8))

GOOD = ("a.jpg", "alpha.png", "bilevel.png", "cmyk.jpg", "cmyk.tif", "deep.png", "deep.tif", "dot.png", "float.tif", "grey.png", "greyalpha.png", "lying.jpg", "palette.gif", "palette.png",
        "rgb.webp", "tall.png", "upper.PNG", "wide.jpg")
BAD = {"bomb.png": "claims", "cut.jpg": "cut off or damaged", "cut.png": "cut off or damaged", "empty.png": "is empty", "header.png": "is no picture", "text.jpg": "is no picture"}

@pytest.fixture
def folder(tmp_path):
    "Every kind of file that has caused trouble."
    f = tmp_path / "photos"; f.mkdir()
    flat().save(f / "a.jpg", quality=95); flat().save(f / "upper.PNG"); flat().save(f / "rgb.webp", lossless=True); flat(mode="L").save(f / "grey.png")
    flat(mode="CMYK").save(f / "cmyk.jpg", quality=95); flat(mode="CMYK").save(f / "cmyk.tif")
    deep = np.linspace(0, 65535, 144).reshape(12, 12)
    Image.fromarray(deep.astype(np.uint16)).save(f / "deep.png"); Image.fromarray(deep.astype(np.uint16)).save(f / "deep.tif")
    Image.fromarray((deep / 65535).astype(np.float32)).save(f / "float.tif")
    rgba = np.zeros((12, 12, 4), np.uint8); rgba[:6] = (*COLOUR, 255); rgba[6:] = (0, 0, 0, 0)
    Image.fromarray(rgba).save(f / "alpha.png"); Image.fromarray(rgba).convert("LA").save(f / "greyalpha.png")
    flat().quantize(4).save(f / "palette.gif"); half = Image.new("P", (12, 12), 0); half.putpalette([*COLOUR, 0, 0, 0]); half.paste(1, (0, 6, 12, 12)); half.save(f / "palette.png", transparency=1); flat(mode="1").save(f / "bilevel.png")
    flat((1, 1)).save(f / "dot.png"); flat((1000, 3)).save(f / "wide.jpg", quality=95); flat((2, 900)).save(f / "tall.png")
    half = np.zeros((12, 20, 3), np.uint8); half[:, :10] = 255
    exif = Image.Exif(); exif[0x0112] = 6
    Image.fromarray(half).save(f / "lying.jpg", exif=exif, quality=95)
    whole = io.BytesIO(); noise(0, (64, 64)).save(whole, "JPEG"); (f / "cut.jpg").write_bytes(whole.getvalue()[:len(whole.getvalue()) // 2])
    whole = io.BytesIO(); noise(0, (64, 64)).save(whole, "PNG"); (f / "cut.png").write_bytes(whole.getvalue()[:len(whole.getvalue()) // 2])
    (f / "header.png").write_bytes(whole.getvalue()[:10]); (f / "empty.png").write_bytes(b""); (f / "text.jpg").write_text("<html>404</html>"); bomb(f / "bomb.png", 60_000)
    (f / "notes.txt").write_text("no picture, and does not claim to be one"); (f / "._a.jpg").write_bytes(b"what macOS leaves behind")
    return f

def test_reads_what_it_can_and_names_the_rest(folder):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = source(f"folder:{folder}")
    paths = [p for s in data.splits.values() for p in s.fields["path"]]
    assert sorted(paths) == sorted(GOOD)
    assert len(data.unreadable) == len(BAD) and data.val.unreadable == data.unreadable
    for line, (name, words) in zip(sorted(data.unreadable), BAD.items()): assert line.startswith(str(folder / name)) and words in line, line
    ours = [w for w in caught if issubclass(w.category, UserWarning) and "pictures cannot be read" in str(w.message)]
    assert len(ours) == 1 and "bomb.png" in str(ours[0].message) and "6 pictures" in str(ours[0].message) and ours[0].filename == __file__

@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_every_kind_has_the_right_colours(folder):
    data = source(f"folder:{folder}", size=12)
    x = {p: s.fields["x"][k].float() for s in data.splits.values() for k, p in enumerate(s.fields["path"])}
    near = lambda name, colour, band: (x[name] - torch.tensor(colour, dtype=torch.float)[:, None, None]).abs().max() <= band
    for name in ("a.jpg", "upper.PNG", "rgb.webp", "dot.png", "wide.jpg", "tall.png"): assert near(name, COLOUR, 4), name
    assert near("cmyk.jpg", COLOUR, 8) and near("cmyk.tif", COLOUR, 8) and near("palette.gif", COLOUR, 8)
    assert near("grey.png", (123,) * 3, 1)
    ramp = torch.linspace(0, 255, 144).view(12, 12)
    for name in ("deep.png", "deep.tif", "float.tif"): assert (x[name] - ramp).abs().max() <= 1, name                           # not white from 1/256 upwards
    for name in ("alpha.png", "palette.png"):
        assert (x[name][:, 7:] == 255).all() and (x[name][:, :5] - torch.tensor(COLOUR).view(3, 1, 1)).abs().max() <= 8         # white paper
    assert (x["greyalpha.png"][:, 7:] == 255).all() and set(x["bilevel.png"].unique().tolist()) <= {0.0, 255.0}
    assert x["lying.jpg"][:, 1].mean() > 200 and x["lying.jpg"][:, -2].mean() < 50                                               # upright: white above

def test_strict_names_the_first(folder):
    with pytest.raises(InputError, match="6 pictures cannot be read: .*bomb.png.*cut.jpg.*cut.png.*; .*leave out strict") as e: source(f"folder:{folder}", strict=True)
    assert "\n" not in str(e.value)
    for name in BAD: (folder / name).unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error"); assert source(f"folder:{folder}", strict=True).unreadable == []

def test_what_is_kept_is_what_was_decoded(folder, cache, monkeypatch):
    with pytest.warns(UserWarning, match="6 pictures"): first = source(f"folder:{folder}", size=8)
    monkeypatch.setattr(module, "decoded", lambda *a: pytest.fail("decoded again"))
    with pytest.warns(UserWarning, match="6 pictures"): again = source(f"folder:{folder}", size=8)       # said every time
    with pytest.raises(InputError, match="leave out strict"): source(f"folder:{folder}", size=8, strict=True)
    assert again.digest == first.digest and again.unreadable == first.unreadable
    monkeypatch.undo(); monkeypatch.setenv("SSLKIT_CACHE", str(cache))
    flat(colour=(0, 0, 0)).save(folder / "a.jpg"); (folder / "cut.png").unlink()
    with pytest.warns(UserWarning, match="5 pictures"): changed = source(f"folder:{folder}", size=8)     # a file changed: decoded again
    pixel = {p: s.fields["x"][k] for s in changed.splits.values() for k, p in enumerate(s.fields["path"])}
    assert pixel["a.jpg"].max() < 5 and len(list(cache.rglob("*.safetensors"))) == 1                     # in place of the old

@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_a_damaged_or_read_only_cache_costs_a_warning(folder, cache, monkeypatch):
    first = source(f"folder:{folder}", size=8)
    file, = cache.rglob("*.safetensors"); file.write_bytes(file.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="made again"): assert source(f"folder:{folder}", size=8).digest == first.digest
    (cache / "a file").write_text(""); monkeypatch.setenv("SSLKIT_CACHE", str(cache / "a file"))
    with pytest.warns(UserWarning, match="not cached"): assert source(f"folder:{folder}", size=8).digest == first.digest

def test_bombs_are_refused_by_name(tmp_path):
    for side, words in ((12_000, "claims 12000 x 12000 pixels"), (60_000, "claims")):                      # below and above PIL's own limit
        bomb(tmp_path / "bomb.png", side)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            for read in (read_picture, picture_size):
                with pytest.raises(Unreadable, match=words): read(tmp_path / "bomb.png")

def test_whatever_a_decoder_raises_is_unreadable(tmp_path, monkeypatch):
    noise(0).save(tmp_path / "a.png")
    for error in (OSError("broken"), SyntaxError("bad chunk"), ValueError("x"), KeyError("x"), IndexError(), TypeError("x"), ZeroDivisionError(), struct.error("x"), MemoryError()):
        monkeypatch.setattr(Image.Image, "convert", lambda *a, error=error, **k: (_ for _ in ()).throw(error))
        with pytest.raises(Unreadable, match="cut off or damaged"): read_picture(tmp_path / "a.png")
    monkeypatch.undo()
    whole = bytearray((tmp_path / "a.png").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(200):                                                                                  # any damage: a picture, or Unreadable
        hurt = bytearray(whole); hurt[rng.integers(len(hurt))] ^= 1 << rng.integers(8)
        result, = read_all([bytes(hurt)], 8)
        assert isinstance(result, Unreadable) or result.shape == (3, 8, 8)

def test_the_middle_is_cut_out(tmp_path):
    a = np.zeros((20, 60, 3), np.uint8); a[:, 20:40] = 255
    Image.fromarray(a).save(tmp_path / "wide.png"); Image.fromarray(a.transpose(1, 0, 2).copy()).save(tmp_path / "tall.png")
    for name in ("wide.png", "tall.png"):
        x = read_picture(tmp_path / name, 10)
        assert x.shape == (3, 10, 10) and (x[:, 1:-1, 1:-1] == 255).all() and x.min() > 200           # the edge is smoothed with what is cut away

# --- classes and splits

def tree(root: Path, *folders: str, n: int = 6, start: int = 0, size=(10, 10)):
    for k, name in enumerate(folders):
        (root / name).mkdir(parents=True, exist_ok=True)
        for j in range(n): noise(1000 * (start + k) + j, size).save(root / name / f"{j}.png")

def test_subfolders_are_classes_and_labels_stay_with_their_pictures(tmp_path):
    tree(tmp_path, "cat", "ant", "bee", n=20)
    before = source(f"folder:{tmp_path}")
    (tmp_path / "bee" / "3.png").write_bytes(b"")                                    # one that is left out must not shift the others
    with pytest.warns(UserWarning, match="1 picture cannot be read: .*left out"): data = source(f"folder:{tmp_path}")
    assert data.classes == ["ant", "bee", "cat"] and sum(map(len, data.splits.values())) == 59 and data.fields["x"].shape[1:] == (3, 10, 10)
    for name, s in data.splits.items():
        assert s.fields["path"] == [p for p in before.splits[name].fields["path"] if p != "bee/3.png"]
        for path, y, x in zip(s.fields["path"], s.y.tolist(), s.fields["x"]):
            assert path.split("/")[0] == data.classes[y] and torch.equal(x, read_picture(tmp_path / path))

def test_without_subfolders_there_are_no_labels(tmp_path):
    tree(tmp_path, ".", n=30)
    data = source(f"folder:{tmp_path}")
    assert "y" not in data.fields and data.classes is None
    with pytest.raises(InputError, match="has no labels"): data.y
    with pytest.raises(InputError, match="needs labels"): evaluate(ConvNet(), data, probes=[knn(k=1)])
    tree(tmp_path, "one", n=3)
    assert "y" not in source(f"folder:{tmp_path}").fields                            # some have a class and some have none

def test_official_splits(tmp_path):
    tree(tmp_path / "train", "a", "b", n=40); tree(tmp_path / "valid", "a", "b", n=3, start=2); tree(tmp_path / "Test", "a", "b", n=4, start=4)
    data = source(f"folder:{tmp_path}")
    assert {s: len(d) for s, d in data.splits.items()} == dict(train=80, val=6, test=8) and data.classes == ["a", "b"]
    assert all(p.startswith("valid/") for p in data.val.fields["path"]) and data.test.y.tolist() == [0] * 4 + [1] * 4
    for f in (tmp_path / "valid").rglob("*.png"): f.unlink()
    carved = source(f"folder:{tmp_path}")                                             # val is set aside from train, test stays as it is
    assert carved.test.digest == data.test.digest and len(carved) + len(carved.val) == 80 and 2 <= len(carved.val) <= 16
    assert all(p.startswith("train/") for p in carved.val.fields["path"])

def test_the_split_is_by_name_and_about_a_tenth(tmp_path):
    tree(tmp_path, "a", "b", n=150, size=(2, 2))
    data = source(f"folder:{tmp_path}", size=2)
    sizes = {s: len(d) for s, d in data.splits.items()}
    assert 210 <= sizes["train"] <= 265 and 14 <= sizes["val"] <= 48 and 14 <= sizes["test"] <= 48
    assert [module._split_of(n) for n in ["a/0.png", "a/6.png", "a/4.png"]] == ["train", "val", "test"]                             # the split of a picture never changes
    for f in list((tmp_path / "a").iterdir())[::2]: f.unlink()                        # others go, nobody moves
    fewer = source(f"folder:{tmp_path}", size=2)
    for s in data.splits: assert set(fewer.splits[s].fields["path"]) <= set(data.splits[s].fields["path"])

def test_two_pictures_are_a_source(tmp_path):
    tree(tmp_path, ".", n=2)
    data = source(f"folder:{tmp_path}")
    assert len(data) >= 1 and data.split == "train"

def test_sizes(tmp_path):
    tree(tmp_path / "same", "a", size=(20, 20)); tree(tmp_path / "mixed", "a", size=(20, 20)); noise(1, (30, 30)).save(tmp_path / "mixed/a/odd.png"); noise(1, (20, 30)).save(tmp_path / "mixed/a/wide.png"); tree(tmp_path / "large", "a", n=2, size=(300, 300))
    side = lambda spec, **k: source(f"folder:{tmp_path / spec}", **k).fields["x"].shape[2:]
    assert side("same") == (20, 20) and side("mixed") == (64, 64) and side("large") == (64, 64) and side("mixed", size=7) == (7, 7)

def test_limit_and_digest(tmp_path):
    tree(tmp_path / "here", "a", "b", n=40); tree(tmp_path / "there", "a", "b", n=40)
    here, there = (source(f"folder:{tmp_path / n}", limit=5) for n in ("here", "there"))
    assert all(len(s) <= 5 for s in here.splits.values()) and len(here) == 5
    assert here.digest == there.digest                                                 # of the content, not of the place
    tree(tmp_path / "there", "a", n=40, start=9)
    assert source(f"folder:{tmp_path / 'there'}", limit=5).digest != here.digest

def test_links_are_followed_but_not_in_circles(tmp_path):
    tree(tmp_path / "elsewhere", "a", n=3); tree(tmp_path / "data", "b", n=3)
    try: os.symlink(tmp_path / "elsewhere" / "a", tmp_path / "data" / "a"); os.symlink(tmp_path / "data", tmp_path / "data" / "b" / "loop")
    except OSError: pytest.skip("no links here")
    assert sum(map(len, source(f"folder:{tmp_path / 'data'}").splits.values())) == 6

def test_links_that_lead_nowhere_are_named(tmp_path, monkeypatch):
    tree(tmp_path, "a", "b", n=9)
    try: os.symlink(tmp_path / "gone.png", tmp_path / "a" / "link.png")
    except OSError: pytest.skip("no links here")
    with pytest.warns(UserWarning, match="1 picture cannot be read: .*link.png is not there"): assert sum(map(len, source(f"folder:{tmp_path}").splits.values())) == 18
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    data = source(f"folder:{tmp_path}"); assert len(data.digest) == 16
    with pytest.warns(UserWarning, match="link.png is not there"): assert sum(len(b) for s in data.splits.values() for b in s.in_order()) == 18

def test_names_that_are_no_text(tmp_path, monkeypatch):
    try: noise(0).save(tmp_path / os.fsdecode(b"caf\xe9.png"))
    except (OSError, UnicodeError): pytest.skip("this file system has no such names")
    tree(tmp_path, ".", n=5)
    held = source(f"folder:{tmp_path}")
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    assert source(f"folder:{tmp_path}").held().digest == held.digest and len(source(f"folder:{tmp_path}").digest) == 16

# --- mistakes

@pytest.mark.parametrize("make, words", [
    (lambda p: None, "there is no folder"),
    (lambda p: p.mkdir(), "there is no picture in"),
    (lambda p: p.write_text("x"), "is a file; give the folder"),
    (lambda p: (p.mkdir(), (p / "a.png").write_bytes(b"")), "none of the 1 pictures can be read; the first: .*a.png is empty"),
    (lambda p: (p.mkdir(), (p / "a.txt").write_text("x")), "there is no picture in")])
def test_mistakes_are_one_sentence(tmp_path, make, words):
    make(tmp_path / "data")
    with pytest.raises(InputError, match=words) as e: source(f"folder:{tmp_path / 'data'}")
    assert "\n" not in str(e.value) and str(tmp_path / "data") in str(e.value)

def test_no_permission(tmp_path, monkeypatch):
    tree(tmp_path, "a", "b", n=3)
    real = os.scandir
    def scandir(path):
        if str(path).endswith("b"): raise PermissionError(13, "Permission denied", str(path))
        return real(path)
    with monkeypatch.context() as m:
        m.setattr(os, "scandir", scandir)
        with pytest.raises(InputError, match=r"the folder .*b may not be read: no permission"): source(f"folder:{tmp_path}")
    opened = Image.open
    def refuse(f, *a, **k):
        if str(f).endswith("1.png"): raise PermissionError(13, "Permission denied", str(f))
        return opened(f, *a, **k)
    monkeypatch.setattr(Image, "open", refuse)
    with pytest.warns(UserWarning, match="2 pictures cannot be read: .*may not be read: no permission"): assert sum(map(len, source(f"folder:{tmp_path}", size=8).splits.values())) == 4

@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission_for_real(tmp_path):
    tree(tmp_path, "a", n=3); os.chmod(tmp_path / "a", 0)
    try:
        with pytest.raises(InputError, match="no permission"): source(f"folder:{tmp_path}")
    finally: os.chmod(tmp_path / "a", 0o755)

# --- streams

@pytest.fixture
def streams(folder, monkeypatch):
    "The same folder with classes, in memory and streamed."
    tree(folder, "x", "y", n=20)
    for f in (*GOOD, *BAD): (folder / f).rename(folder / "x" / f)
    with pytest.warns(UserWarning, match="6 pictures"): held = source(f"folder:{folder}", size=16)
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error"); streamed = source(f"folder:{folder}", size=16)                     # nobody looks ahead
    assert type(streamed) is ImageFiles and streamed.streamed and type(held) is not ImageFiles
    return held, streamed

is_bad = lambda path: Path(path).name in BAD
quietly = pytest.mark.filterwarnings("ignore:.*left out, and named")

@quietly
def test_streamed_equals_held(streams):
    held, streamed = streams
    assert sum(map(len, streamed.splits.values())) == sum(map(len, held.splits.values())) + len(BAD)
    for s in held.splits:
        a, b, parts = held.splits[s], streamed.splits[s], list(streamed.splits[s].in_order(7))
        assert a.fields["path"] == [p for part in parts for p in part.path] and torch.equal(a.y, torch.cat([p.y for p in parts])) and torch.equal(a[:].x, torch.cat([p.x for p in parts]))
        assert all([b.fields["path"][i] for i in p.index] == p.path for p in parts) and b.held().digest == a.digest
    assert sorted(streamed.unreadable) == sorted(held.unreadable) and streamed.classes == held.classes
    torch.manual_seed(0); net = ConvNet()
    a, b = features(net, held), features(net, streamed)
    assert torch.equal(a.z, b.z) and torch.equal(a.y, b.y)
    few = streamed.limit(4)
    assert len(few) == 4 and type(few) is ImageFiles and few.held().val is few.val and few.held().name == few.name and few.held().classes == few.classes
    assert next(source(streamed, size=5).val.in_order()).x.shape[1:] == (3, 5, 5) and source(streamed, size=5).digest != streamed.digest

def stands_in(data: ImageFiles, i: int) -> int:
    "The row that is shown in place of row i, one step after the other."
    while is_bad(data.fields["path"][i]): i = (i + 1) % len(data)
    return i

@quietly
@pytest.mark.parametrize("workers", [0, 2])
def test_the_next_readable_picture_stands_in(streams, folder, workers):
    paths = [p for s in streams[1].splits.values() for p in s.fields["path"]]
    bad, good = sorted(filter(is_bad, paths)), sorted(p for p in paths if not is_bad(p))
    names = [good[0], bad[0], bad[1], good[-1], bad[2], bad[3]]                                            # runs of bad ones; the last has its successor at the beginning
    data = ImageFiles(names, dict(y=torch.arange(6)), 16, folder, workers=workers)
    batches = list(data.batches(iter([torch.tensor([5, 1, 4, 3]), torch.tensor([2, 2, 0, 4])])))
    assert [b.index.tolist() for b in batches] == [[0, 3, 0, 3], [3, 3, 0, 0]] == [[stands_in(data, i) for i in o] for o in ([5, 1, 4, 3], [2, 2, 0, 4])]
    for b in batches: assert torch.equal(b.x, data[b.index].x) and torch.equal(b.y, b.index) and b.path == [names[i] for i in b.index]
    assert [b.index.tolist() for b in data.in_order(3)] == [[0], [3]] and len(data.unreadable) == 4
    last = data.take(torch.tensor([1, 0, 2]))                                                              # what is known by now is known to its parts
    assert next(iter(last.batches([torch.tensor([2, 0])]))).index.tolist() == [1, 1] and [len(b) for b in last.in_order(1)] == [1]

@quietly
def test_workers_change_nothing(streams):
    streamed = streams[1]
    assert any(map(is_bad, streamed.fields["path"]))
    order = [*torch.randperm(len(streamed)).split(5), torch.tensor([0])] * 2
    found = []
    for workers in (0, 2):
        streamed.workers = workers; streamed._bad.clear()
        torch.manual_seed(5); batches = list(streamed.batches(iter(order))); measured = list(streamed.in_order(4))
        found.append((batches, measured, torch.rand(3)))                             # the global generator was left alone
    for one, two in zip(found[0][:2], found[1][:2]):
        assert len(one) == len(two)
        for a, b in zip(one, two): assert torch.equal(a.x, b.x) and torch.equal(a.y, b.y) and a.path == b.path and torch.equal(a.index, b.index)
    assert all(b.index.tolist() == [stands_in(streamed, i) for i in o.tolist()] for b, o in zip(found[1][0], order))
    assert len(found[1][0]) == len(order) and torch.equal(found[0][2], found[1][2])

@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_is_reported_once(streams, folder, workers):
    for s in streams[1].splits.values(): s.workers = workers
    assert streams[1].unreadable == []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            for s in streams[1].splits.values():
                for b in s.batches([torch.arange(len(s))] * 2): pass                                      # each of two workers meets them all
                for b in s.in_order(5): pass
    texts = [str(w.message) for w in caught]
    assert len(texts) == len(BAD) and all(w.filename == __file__ for w in caught)
    for name, words in BAD.items():
        line, = (t for t in texts if t.startswith(str(folder / "x" / name)))
        assert words in line and line.endswith("; it is left out, and named in .unreadable.") and "\n" not in line
    assert all(s.unreadable == [t.removesuffix("; it is left out, and named in .unreadable.") for t in texts] for s in streams[1].splits.values())

@pytest.mark.parametrize("workers", [0, 2])
def test_strict_streams_name_the_first(streams, folder, workers):
    strict = source(f"folder:{folder}", size=16, strict=True)
    for s in strict.splits.values(): s.workers = workers
    good = [i for i, p in enumerate(strict.fields["path"]) if not is_bad(p)]
    bad = next(i for i, p in enumerate(strict.fields["path"]) if is_bad(p))
    for read in (lambda: strict.batches([torch.tensor([good[0], bad])]), lambda: strict.in_order(), lambda: strict.limit(len(strict)).in_order(), lambda: source(strict, size=8).in_order(), lambda: [strict[[bad]]]):
        with pytest.raises(InputError, match=rf"x/{Path(strict.fields['path'][bad]).name} (is|claims) .*; mend or remove it.$") as e: list(read())
        assert "\n" not in str(e.value)
    assert [len(b) for b in strict.batches([torch.tensor(good)])] == [len(good)] and strict.unreadable == []

@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_breaks_later_is_named(streams, folder, workers):
    streamed = streams[1]; streamed.workers = workers
    i = next(i for i, p in enumerate(streamed.fields["path"]) if not is_bad(p))
    broken = folder / streamed.fields["path"][i]; broken.write_bytes(broken.read_bytes()[:20])
    with pytest.raises(InputError, match=rf"{broken.name} is .*; mend or remove it"): streamed[[i]]
    with pytest.warns(UserWarning, match=rf"{broken.name} is .*; it is left out"): batch, = streamed.batches([torch.tensor([i])])
    assert batch.index.tolist() != [i] and len(batch) == 1

@quietly
@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_that_can_be_read(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    for k in range(20): (tmp_path / f"{k:02}.jpg").write_text("no picture")
    data = source(f"folder:{tmp_path}"); data.workers = workers
    for read in (lambda: data.batches([torch.tensor([1, 0])] * 3), lambda: data.in_order(2), data.held):
        with pytest.raises(InputError, match=rf"none of the {len(data)} pictures of .*/train can be read; the first: .*{data.fields['path'][0]} is no picture") as e: list(read())
        assert "\n" not in str(e.value)

@quietly
def test_streams_train_and_are_measured(streams):
    from sslkit.core.train import fit
    from sslkit.contrastive.simclr import SimCLR
    from sslkit.parts.image_views import simclr_views
    held, streamed = streams
    losses, kept = [], torch.cat([b.index for b in streamed.in_order()])
    for data in (streamed.take(kept), streamed.take(kept).held()):
        torch.manual_seed(0)
        losses.append(fit(SimCLR(ConvNet((4, 8)), simclr_views(0.5, blur=0), 4), data, steps=3, batch_size=8, lr=1e-3, seed=1)["loss"])
    assert np.allclose(losses[0], losses[1], atol=1e-6)
    history = fit(SimCLR(ConvNet((4, 8)), simclr_views(0.5, blur=0), 4), streamed, epochs=2, batch_size=16, lr=1e-3, monitor=Monitor(streamed, knn(k=3)))
    assert np.isfinite(history["loss"]).all() and len(history.monitored["knn"][1]) == 2

@quietly
def test_what_is_monitored_is_decoded_once(streams, monkeypatch):
    held, streamed = streams
    monitor = Monitor(streamed)
    assert not any(s.streamed for s in monitor.splits.values()) and {k: s.digest for k, s in monitor.splits.items()} == {k: held.splits[k].digest for k in ("train", "val")}
    monkeypatch.setattr(module, "read_all", lambda *a: pytest.fail("decoded again"))
    net = ConvNet(); assert len(monitor(net)) >= 2 and monitor(net) == monitor(net)

# --- many files

def many(root: Path, n: int) -> Path:
    "`n` files in nested folders, links to twelve pictures."
    root.mkdir()
    for k in range(12): noise(k, (8, 9)).save(root.parent / f"{k}.png")
    for k in range(n):
        folder = root / f"{k % 7}" / f"{k % 3}"
        if k < 21: folder.mkdir(parents=True, exist_ok=True)
        try: os.link(root.parent / f"{k % 12}.png", folder / f"{k}.png")
        except OSError: (folder / f"{k}.png").write_bytes((root.parent / f"{k % 12}.png").read_bytes())
    return root

def test_many_files_start_without_being_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    calls, opened = {}, []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda f, *a, **k: opened.append(f) or real(f, *a, **k))
    for n in (1500, 3000):
        folder, profile = many(tmp_path / f"{n}", n), cProfile.Profile()
        data = profile.runcall(source, f"folder:{folder}", size=8)
        assert sum(map(len, data.splits.values())) == n and len(data.classes) == 7 and not opened
        calls[n] = pstats.Stats(profile).total_calls
    assert calls[3000] < 2.5 * calls[1500] and calls[3000] < 40 * 3000, calls                              # linear, with few calls a file
    data = source(f"folder:{folder}"); assert 50 <= len(opened) <= 100 and data.size == 64                # those that `_common_side` looks at
    opened.clear(); data.workers = 0; next(data.batches(torch.arange(len(data)).split(32))); assert len(opened) == 32

@pytest.mark.parametrize("workers", [0, 2])
def test_few_batches_are_drawn_ahead(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    data = source(f"folder:{many(tmp_path / 'many', 300)}", size=8); data.workers = workers
    drawn = itertools.count()
    order = (torch.tensor([next(drawn) % 200]) for _ in range(100))
    ahead = []
    for received, b in enumerate(data.batches(order), 1): ahead.append(int(repr(drawn)[6:-1]) - received)
    assert len(ahead) == 100 and max(ahead) <= 2 * workers

@pytest.mark.parametrize("end", ["break", "error", "interrupt"])
def test_workers_end_with_the_loop(streams, end):
    streamed, before = streams[1], set(multiprocessing.active_children())
    streamed.workers = 2
    good = torch.tensor([i for i, p in enumerate(streamed.fields["path"]) if not is_bad(p)])
    def loop():
        for b in streamed.batches(good.split(1)):
            assert len(set(multiprocessing.active_children()) - before) == 2
            if end == "break": break
            if end == "error": raise ValueError
            signal.raise_signal(signal.SIGINT)
    with contextlib.suppress(ValueError, KeyboardInterrupt): loop()
    gc.collect()
    assert not set(multiprocessing.active_children()) - before
