"Data by name, from files and from other libraries: found, read, split and described, or one sentence."
import io, json, os, sys, time, types, warnings
from pathlib import Path
import numpy as np
import pyarrow as pa, pyarrow.parquet as pq
import pytest, torch, torchvision
from PIL import Image
from sslkit.core.batch import Source
from sslkit.core.errors import InputError, MissingExtra
from sslkit.core.probes import evaluate, knn
from sslkit.data.source import EMBEDDED, available, data_folder, source

REAL = data_folder()

@pytest.fixture
def cache(tmp_path, monkeypatch):
    "An empty cache, and no $SSLKIT_DATA."
    monkeypatch.setenv("SSLKIT_CACHE", str(tmp_path / "cache")); monkeypatch.delenv("SSLKIT_DATA", raising=False)
    return tmp_path / "cache"

def encoded(seed: int, kind: str = "PNG", size=(6, 6)) -> bytes:
    out = io.BytesIO(); Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)).save(out, kind)
    return out.getvalue()

def pixels(data: bytes) -> torch.Tensor: return torch.from_numpy(np.array(Image.open(io.BytesIO(data)))).permute(2, 0, 1)

def whole(data: Source, field: str = "x"): return [v for s in data.splits.values() for v in s.fields[field]]

# --- embedded

def test_embedded_names(cache):
    for name in ("digits", "digits_on_photos", "chalk_on_photos", "chalk_on_turned_photos"):
        data = source(name, limit=7)
        assert data.name == name and [len(s) for s in data.splits.values()] == [7, 7, 7] and data.licence and data.origin and data.unreadable == []
    assert source("digits", size=12)[[0]].x.shape == (1, 1, 12, 12) and source("digits_on_photos", size=20, limit=2)[[0]].x.shape == (1, 3, 20, 20)
    assert source("digits", limit=5).digest == source("digits", limit=5).digest != source("digits").digest

def test_a_source_passes_through(cache):
    data = source("digits")
    assert source(data) is data and source(data, limit=3).digest == source("digits", limit=3).digest and source(data, size=4).test.fields["x"].shape == (359, 1, 4, 4)

@pytest.mark.parametrize("call, words", [
    (lambda: source("digit"), "did you mean digits"), (lambda: source("ciphar10"), "did you mean cifar10"), (lambda: source("qqqqqqqq"), "choose one of .*cifar10.*folder:"),
    (lambda: source("digits", size=0), "size=0 is no side"), (lambda: source("digits", size=10_000), "size=10000"), (lambda: source("digits", limit=0), "limit=0"),
    (lambda: source("folder:"), "unknown"), (lambda: source(3), "data is a int; give a name"), (lambda: source(torch.zeros(3)), "data is a Tensor"), (lambda: source({}), "data is a dict")])
def test_mistakes(cache, call, words):
    with pytest.raises(InputError, match=words) as e: call()
    assert "\n" not in str(e.value)

def test_a_bare_path_is_explained_and_a_path_object_is_taken(cache, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 4, 4), np.uint8))
    with pytest.raises(InputError, match=r"is a path; write npz:.*a.npz"): source(str(tmp_path / "a.npz"))
    with pytest.raises(InputError, match="is a path; write folder:"): source(str(tmp_path))
    assert len(source(tmp_path / "a.npz")) == 16

# --- splits

def test_val_and_test_are_set_aside_once(cache, tmp_path):
    x = np.arange(1000, dtype=np.uint16).view(np.uint8).reshape(1000, 2, 1, 1).repeat(3, axis=3)[:, :, :, :].transpose(0, 3, 1, 2)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(1000)); np.savez(tmp_path / "b.npz", x_train=x, y_train=np.arange(1000), x_test=x[:5], y_test=np.arange(5))
    a, b = source(f"npz:{tmp_path / 'a.npz'}"), source(f"npz:{tmp_path / 'b.npz'}")
    assert {k: len(s) for k, s in a.splits.items()} == dict(train=800, val=100, test=100) and {k: len(s) for k, s in b.splits.items()} == dict(train=900, val=100, test=5)
    for d in (a, b): assert not set(d.y.tolist()) & set(d.val.y.tolist())
    assert sorted(int(y) for y in whole(a, "y")) == list(range(1000)) and torch.equal(a.val.y, b.val.y)         # the same draw
    assert source(f"npz:{tmp_path / 'a.npz'}").val.digest == a.val.digest
    assert 350 < a.val.y.float().mean() < 650 and a.val.y.diff().unique().numel() > 10                            # drawn, not cut off

# --- parquet

def table(path: Path, rows: dict, metadata: dict | None = None):
    t = pa.table(rows); path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(t.replace_schema_metadata({**(t.schema.metadata or {}), **(metadata or {})}), path)

@pytest.mark.parametrize("column", ["img", "image"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_parquet_layouts(cache, tmp_path, column, wrapped):
    cells = [encoded(k, "PNG") for k in range(40)]
    wrap = (lambda c: dict(bytes=c, path=None)) if wrapped else (lambda c: c)
    for split, part in dict(train=cells[:30], test=cells[30:]).items(): table(tmp_path / f"{split}.parquet", {column: [wrap(c) for c in part], "label": [len(c) % 2 for c in part]})
    data = source(f"parquet:{tmp_path}")
    assert {k: len(s) for k, s in data.splits.items()} == dict(train=27, val=3, test=10) and "JPEG" not in data.origin
    known = {pixels(c).numpy().tobytes(): len(c) % 2 for c in cells}
    for s in data.splits.values():
        for x, y in zip(s.fields["x"], s.y.tolist()): assert known.pop(x.numpy().tobytes()) == y
    assert not known and torch.equal(data.test.fields["x"][0], pixels(cells[30]))

def test_parquet_shards_and_names_as_the_hub_has_them(cache, tmp_path):
    names = {b"huggingface": json.dumps(dict(info=dict(features=dict(label=dict(names=["cat", "dog"]))))).encode()}
    for k, (split, i, n) in enumerate([("train", 0, 2), ("train", 1, 2), ("validation", 0, 1), ("test", 0, 1)]):
        table(tmp_path / f"{split}-0000{i}-of-0000{n}.parquet", dict(image=[dict(bytes=encoded(10 * k + j), path="") for j in range(4)], label=[k % 2] * 4), names)
    data = source(f"parquet:{tmp_path}")
    assert {k: len(s) for k, s in data.splits.items()} == dict(train=8, val=4, test=4) and data.classes == ["cat", "dog"]
    assert data.y.tolist() == [0] * 4 + [1] * 4 and torch.equal(data.fields["x"][5], pixels(encoded(11)))

def test_parquet_labels(cache, tmp_path):
    cells = [encoded(k) for k in range(6)]
    label = lambda values: (table(tmp_path / "a.parquet", dict(image=cells, label=values)), source(f"parquet:{tmp_path / 'a.parquet'}"))[1]
    ordered = lambda data: [int(data.splits[s].y[k]) for c in cells for s in data.splits for k, x in enumerate(data.splits[s].fields["x"]) if torch.equal(x, pixels(c))]
    data = label(["b", "a", None, "b", "c", "a"]); assert ordered(data) == [1, 0, -1, 1, 2, 0] and data.classes == ["a", "b", "c"]
    data = label([3.0, 1.0, 2.0, 0.0, 0.0, 1.0]); assert ordered(data) == [3, 1, 2, 0, 0, 1] and data.classes is None
    assert "y" not in label(pa.array([None] * 6, pa.int64())).fields
    for wrong in ([0.5, 1, 2, 3, 4, 5], [[1, 2]] * 6):
        with pytest.raises(InputError, match="neither whole numbers nor words"): label(wrong)
    (tmp_path / "classes.txt").write_text("ant\nbee\n"); assert label([0, 1, 0, 1, 0, 1]).classes == ["ant", "bee"]
    table(tmp_path / "a.parquet", dict(image=cells)); data = source(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="a has no labels; choose data with labels"): data.y
    with pytest.raises(InputError, match="needs labels"): evaluate(lambda x: x.flatten(1).float(), data, probes=[knn(k=1)], floors=False)

def test_parquet_rows_that_cannot_be_read(cache, tmp_path):
    cells = [encoded(k, "JPEG", (40, 40)) for k in range(9)]; cells[2] = None; cells[5] = cells[5][:200]; cells[7] = b"text"
    table(tmp_path / "a.parquet", dict(image=[dict(bytes=c, path="") for c in cells], label=list(range(9))))
    for _ in range(2):                                                                    # decoded, and from the cache
        with pytest.warns(UserWarning, match="3 pictures cannot be read: row 2 of .*is empty; row 5 of .*cut off.*; row 7 of .*is no picture") as caught: data = source(f"parquet:{tmp_path / 'a.parquet'}", size=8)
        assert len(caught) == 1 and len(data.unreadable) == 3
        assert sorted(int(y) for y in whole(data, "y")) == [0, 1, 3, 4, 6, 8]              # labels stay with their pictures
    with pytest.raises(InputError, match="3 pictures.*leave out strict"): source(f"parquet:{tmp_path / 'a.parquet'}", size=8, strict=True)

@pytest.mark.parametrize("make, words", [
    (lambda p: None, "there is no parquet file"), (lambda p: p.write_bytes(b"PAR1 not really"), "cannot be read as parquet"),
    (lambda p: table(p, dict(picture=[b"x"], label=[1])), "has no column img or image; it has picture, label"), (lambda p: table(p, dict(image=["a.png"])), "row 0 of .* is no encoded picture"),
    (lambda p: table(p, dict(image=[b"x", b"y"])), "none of the 2 pictures can be read"), (lambda p: table(p, dict(image=pa.array([], pa.binary()))), "none of the 0 pictures"),
    (lambda p: table(p, dict(image=[encoded(0), encoded(1, size=(7, 9))])), "different sizes.*give size=64")])
def test_parquet_mistakes(cache, tmp_path, make, words):
    make(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=words) as e: source(f"parquet:{tmp_path / 'a.parquet'}")
    assert "\n" not in str(e.value)

def test_parquet_is_decoded_again_when_it_changes(cache, tmp_path):
    file = tmp_path / "a.parquet"
    table(file, dict(image=[encoded(k) for k in range(5)])); first = source(file).digest
    table(file, dict(image=[encoded(k + 50) for k in range(5)])); os.utime(file, ns=(1, 1))
    assert source(file).digest != first and len(list(cache.rglob("*.safetensors"))) == 1
    kept, = cache.rglob("*.safetensors"); kept.write_bytes(kept.read_bytes()[:-9] + b"scribbled")
    now = source(file, size=6).digest
    with pytest.warns(UserWarning, match="made again"): assert source(file).digest == now

# --- npz

@pytest.mark.parametrize("shape, wanted", [((30, 5, 4), (1, 5, 4)), ((30, 5, 4, 3), (3, 5, 4)), ((30, 3, 5, 4), (3, 5, 4)), ((30, 5, 4, 1), (1, 5, 4)), ((30, 1, 5, 4), (1, 5, 4))])
def test_npz_shapes_and_types(cache, tmp_path, shape, wanted):
    values = np.random.default_rng(0).integers(0, 256, shape)
    values.flat[0] = 255
    digests = set()
    for x in (values.astype(np.uint8), values.astype(np.int64), values.astype(np.float32), values / 255):
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(30)); data = source(f"npz:{tmp_path / 'a.npz'}")
        digests.add(data.digest); assert data[[0]].x.shape == (1, *wanted) and data[[0]].x.dtype == torch.uint8
    assert len(digests) == 1
    k = int(data.y[3]); picture = values[k].reshape(5, 4, -1).transpose(2, 0, 1) if shape[1] == 5 else values[k]
    assert torch.equal(data.fields["x"][3], torch.from_numpy(picture.astype(np.uint8)).view(wanted))

def test_npz_as_in_medmnist(cache, tmp_path):
    n = dict(train=20, val=4, test=6)
    np.savez(tmp_path / "m.npz", **{f"{s}_images": np.full((k, 8, 8, 3), j, np.uint8) for j, (s, k) in enumerate(n.items())}, **{f"{s}_labels": np.arange(k)[:, None] for s, k in n.items()})
    data = source(f"npz:{tmp_path / 'm.npz'}")
    assert {s: len(d) for s, d in data.splits.items()} == n and data.y.tolist() == list(range(20)) and (data.test.fields["x"] == 2).all()
    np.savez(tmp_path / "multi.npz", train_images=np.zeros((20, 8, 8), np.uint8), train_labels=np.ones((20, 14)))
    data = source(f"npz:{tmp_path / 'multi.npz'}"); assert "y" not in data.fields and data[[0]].labels.shape == (1, 14)      # not silently the first of fourteen

good = np.zeros((4, 5, 5), np.uint8)
@pytest.mark.parametrize("arrays, words", [
    (dict(x=np.zeros((4, 5, 5, 7))), r"shape \(4, 5, 5, 7\)"), (dict(x=np.zeros((4, 25))), r"shape \(4, 25\)"), (dict(x=np.zeros((0, 5, 5))), r"shape \(0, 5, 5\)"), (dict(z=good), "no array x, images or train_images; it has z"),
    (dict(x=np.full((4, 5, 5), np.nan)), "not finite"), (dict(x=np.full((4, 5, 5), -0.5)), "go from -0.5 to -0.5"), (dict(x=np.full((4, 5, 5), 256)), "go from 256"), (dict(x=np.full((4, 5, 5), "a")), "of type <U1"),
    (dict(x=good, y=np.arange(3)), r"4 pictures and labels of shape \(3,\)"), (dict(x=good, y=np.array(0)), r"labels of shape \(\)"), (dict(x=good, y=np.arange(4) / 2), "neither whole numbers nor words")])
def test_npz_mistakes(cache, tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=words) as e: source(f"npz:{tmp_path / 'a.npz'}")
    assert "\n" not in str(e.value)

def test_npz_that_is_none(cache, tmp_path):
    file = tmp_path / "a.npz"; np.savez_compressed(file, x=np.random.default_rng(0).integers(0, 255, (50, 9, 9), dtype=np.uint8)); full = file.read_bytes()
    np.save(tmp_path / "b.npy", good)
    for content in (b"", b"text", full[:100], full[:-40], full[:200] + bytes(60) + full[260:], (tmp_path / "b.npy").read_bytes(), None):
        if content is None: np.savez(file, x=np.array([{}], dtype=object))                # would need pickle, which runs code
        else: file.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as npz") as e: source(f"npz:{file}")
        assert "\n" not in str(e.value)
    with pytest.raises(InputError, match="there is no file"): source(f"npz:{tmp_path / 'none.npz'}")

# --- datasets

class Items:
    "The smallest Dataset."
    def __init__(self, items): self.items = items
    def __len__(self): return len(self.items)
    def __getitem__(self, k): return self.items[k]

def test_datasets(cache):
    x = torch.randint(0, 256, (30, 3, 6, 6), dtype=torch.uint8)
    forms = dict(tensor=lambda k: x[k], floats=lambda k: x[k] / 255, array=lambda k: x[k].permute(1, 2, 0).numpy(), pil=lambda k: Image.fromarray(x[k].permute(1, 2, 0).numpy()))
    labels = dict(number=int, tensor=torch.tensor, array=lambda k: np.array([k]), numpy=np.int64)
    digests = {source(Items([(form(k), label(k)) for k in range(30)])).digest for form in forms.values() for label in labels.values()}
    assert len(digests) == 1
    data = source(Items([x[k] for k in range(30)])); assert "y" not in data.fields and len(data) == 24 and data.origin == "torch Dataset"
    assert source(Items([(x[k], "odd" if k % 2 else "even", "more") for k in range(30)])).y.unique().tolist() == [0, 1]
    assert source(Items([(x[k, 0], k) for k in range(30)])).fields["x"].shape[1:] == (1, 6, 6) and source(torch.utils.data.TensorDataset(x, torch.arange(30)), size=3).fields["x"].shape[1:] == (3, 3, 3)
    mixed = [Image.new("RGB", (5 + k, 9)) for k in range(30)]; assert source(Items(mixed), size=4).fields["x"].shape[1:] == (3, 4, 4)
    assert source(torchvision.datasets.FakeData(20, (3, 8, 8), 3)).fields["x"].shape[1:] == (3, 8, 8)

@pytest.mark.parametrize("items, words", [
    ([], "has no items"), ([torch.randn(3, 4, 4)], "without normalisation"), ([torch.full((3, 4, 4), -0.5)], "values from -0.5 to -0.5"), ([torch.full((3, 4, 4), torch.nan)], "without normalisation"), ([torch.zeros(3, 4, 4, dtype=torch.int64)], "give uint8 or floats"),
    ([torch.zeros(7, 4, 4)], r"of shape \(7, 4, 4\)"), (["a.png"], "is a str"), ([None], "is a NoneType"), ([(torch.zeros(3, 4, 4), 0.5)], "neither whole numbers nor words"), ([(torch.zeros(3, 4, 4), [1, 2])], "neither whole"),
    ([torch.zeros(3, 4, 4), torch.zeros(3, 5, 5)], "different sizes; give size=64")])
def test_dataset_mistakes(cache, items, words):
    with pytest.raises(InputError, match=words): source(Items(items))

# --- the hub

def test_the_hub(cache, monkeypatch):
    class Part(list):
        column_names, features, info = ["image", "label"], dict(label=types.SimpleNamespace(names=["cat", "dog"])), types.SimpleNamespace(license="MIT")
    part = lambda n, start: Part(dict(image=Image.new("RGB", (6, 6), (start + k, 0, 0)), label=k % 2) for k in range(n))
    calls = []
    def load_dataset(name, configuration):
        calls.append((name, configuration))
        if name == "nobody/nothing": raise FileNotFoundError("no such set\non the hub")
        return dict(train=part(20, 0), validation=part(4, 50), test=part(6, 90), extra=part(1, 0)) if name != "odd" else dict(everything=part(3, 0))
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    data = source("hf:some/body:small", size=3)
    assert calls == [("some/body", "small")] and {s: len(d) for s, d in data.splits.items()} == dict(train=20, val=4, test=6) and data.classes == ["cat", "dog"] and data.licence == "MIT"
    assert data.fields["x"][:, 0, 0, 0].tolist() == list(range(20)) and data.y.tolist() == [0, 1] * 10
    with pytest.raises(InputError, match="hf:nobody/nothing cannot be loaded .FileNotFoundError: no such set.; check") as e: source("hf:nobody/nothing")
    with pytest.raises(InputError, match="has no split train; it has everything"): source("hf:odd")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sslkit\[hf\]'"): source("hf:some/body")

# --- real names

def fake(name: str, monkeypatch, **attributes):
    "torchvision's class, with a few pictures in place of the download."
    made = []
    class Fake:
        def __init__(self, root, download=False, train=None, split=None):
            made.append((root, download)); test = split == "test" or train is False
            for k, v in attributes.items(): setattr(self, k, v[:5] if test and k != "classes" else v)
    monkeypatch.setattr(torchvision.datasets, name, Fake)
    return made

@pytest.mark.parametrize("name, cls, attributes, shape", [
    ("cifar10", "CIFAR10", dict(data=np.arange(20 * 48, dtype=np.uint8).reshape(20, 4, 4, 3), targets=list(range(10)) * 2), (3, 4, 4)),
    ("cifar100", "CIFAR100", dict(data=np.zeros((20, 4, 4, 3), np.uint8), targets=[1] * 20, classes=["apple", "bear"]), (3, 4, 4)),
    ("mnist", "MNIST", dict(data=torch.zeros(20, 4, 4, dtype=torch.uint8), targets=torch.arange(20) % 10), (1, 4, 4)),
    ("svhn", "SVHN", dict(data=np.zeros((20, 3, 4, 4), np.uint8), labels=np.arange(20) % 10), (3, 4, 4)),
    ("stl10", "STL10", dict(data=np.zeros((20, 3, 4, 4), np.uint8), labels=np.arange(20) % 10, classes=["airplane", "bird"]), (3, 4, 4))])
def test_torchvision_sets(cache, monkeypatch, name, cls, attributes, shape):
    made = fake(cls, monkeypatch, **attributes)
    data = source(name)
    assert {s: len(d) for s, d in data.splits.items()} == dict(train=18, val=2, test=5) and data.fields["x"].shape[1:] == shape and data.y.dtype == torch.int64
    assert len(made) == 2 and all(m == (str(cache / "torchvision"), True) for m in made) and data.licence and cls in data.origin
    assert data.classes == {"cifar100": ["apple", "bear"], "stl10": ["airplane", "bird"]}.get(name, data.classes) and data.classes
    again = source(name); assert len(made) == 2 and again.digest == data.digest and again.classes == data.classes             # from the cache
    if name == "cifar10": assert torch.equal(data.test.fields["x"][0], torch.arange(48, dtype=torch.uint8).view(4, 4, 3).permute(2, 0, 1)) and data.test.y.tolist() == [0, 1, 2, 3, 4] and data.classes[3] == "cat"

def test_where_data_are_looked_for(cache, tmp_path, monkeypatch):
    root = tmp_path / "data"; root.mkdir(); monkeypatch.setenv("SSLKIT_DATA", str(root))
    made = fake("CIFAR10", monkeypatch, data=np.zeros((20, 4, 4, 3), np.uint8), targets=[0] * 20)
    for place in (root / "cifar10", root):                                                # torchvision's layout in a folder of the set, and beside others
        (place / "cifar-10-batches-py").mkdir(parents=True); source("cifar10"); assert made[-1] == (str(place), False)
        assert dict((n, w) for n, w, _ in available())["cifar10"] == str(place)
        (place / "cifar-10-batches-py").rmdir()
    n = len(made)
    table(root / "cifar10" / "train.parquet", dict(img=[dict(bytes=encoded(k, "JPEG"), path="") for k in range(20)], label=[k % 10 for k in range(20)]))
    data = source("cifar10"); assert "cifar10 (JPEG copy)" in data.origin and data.classes[0] == "airplane" and data.licence and data.name == "cifar10"
    table(root / "cifar10" / "train.parquet", dict(img=[dict(bytes=encoded(k), path="") for k in range(20)], label=[k % 10 for k in range(20)])); assert "JPEG" not in source("cifar10").origin
    for c in ("a", "b"):
        (root / "mine" / "train" / c).mkdir(parents=True)
        for k in range(9): (root / "mine" / "train" / c / f"{k}.png").write_bytes(encoded(k))
    assert source("mine").classes == ["a", "b"] and source("mine").name == "mine"
    np.savez(root / "scans.npz", images=np.zeros((9, 4, 4), np.uint8)); assert source("scans").name == "scans"
    (root / "empty").mkdir(); (root / "texts").mkdir(); (root / "texts/a.csv").write_text("a,b")
    table(root / "ratings" / "train.parquet", dict(user=[1], item=[2]))
    rows = {n: w for n, w, _ in available()}
    assert rows["mine"] == str(root / "mine") and rows["scans"] == str(root / "scans.npz") and not {"empty", "texts", "ratings"} & set(rows)
    with pytest.raises(InputError, match="has no parquet file, no npz and no pictures"): source("texts")
    with pytest.raises(InputError, match="has no column img or image"): source("ratings")
    with pytest.raises(InputError, match="did you mean mine"): source("mien")
    assert len(made) == n

def test_what_is_missing_is_said(cache, tmp_path, monkeypatch):
    class Offline:
        def __init__(self, *a, **k): raise OSError("no route to host\nmore")
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Offline)
    with pytest.raises(InputError, match=r"cifar10 is not in \$SSLKIT_DATA \(not set\) and could not be downloaded to .*torchvision \(OSError: no route to host\); put it into a folder cifar10 .*train.parquet") as e: source("cifar10")
    assert "\n" not in str(e.value)
    monkeypatch.setenv("SSLKIT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere"): source("cifar10")
    assert dict((n, m) for n, _, m in available())["cifar10"] == "not here; downloaded when it is asked for"
    (tmp_path / "nowhere" / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    with pytest.raises(InputError, match="cifar-10-batches-py are incomplete or damaged .*remove them"): source("cifar10")

def test_available_lists_what_is_embedded(cache):
    rows = {n: (w, m) for n, w, m in available()}
    assert all(rows[n] == ("embedded", "") for n in EMBEDDED) and rows["stl10"][0] == "" and "downloaded when" in rows["stl10"][1]

@pytest.mark.skipif(REAL is None or not (REAL / "cifar10/train.parquet").is_file(), reason="no CIFAR-10 in $SSLKIT_DATA")
def test_cifar10(tmp_path_factory):
    first = source("cifar10", size=16)                                                    # 10 seconds, once a session
    start = time.process_time(); data = source("cifar10", size=16); seconds = time.process_time() - start
    assert seconds < 1 and data.digest == first.digest and {s: len(d) for s, d in data.splits.items()} == dict(train=45_000, val=5_000, test=10_000)
    assert data.classes[int(data.test.y[0])] in data.classes and "cifar10 (JPEG copy)" in data.origin and len(source("cifar10", size=16, limit=100).val) == 100
    assert all((s.y.bincount(minlength=10) / len(s) - 0.1).abs().max() < 0.015 for s in data.splits.values())

@pytest.mark.skipif(REAL is None or not (REAL / "eurosat_rgb").is_dir(), reason="no EuroSAT in $SSLKIT_DATA")
def test_eurosat():
    data = source("eurosat_rgb")
    assert {s: len(d) for s, d in data.splits.items()} == dict(train=2700, val=300, test=800) and data.unreadable == []
    assert len(data.classes) == 10 and data.classes[9] == "SeaLake" and all(d.y.unique().tolist() == list(range(10)) for d in data.splits.values())
    x = data.fields["x"]; assert x.shape[1:] == (3, 64, 64) and x.dtype == torch.uint8
    colour = torch.stack([x[data.y == k].float().mean((0, 2, 3)) for k in range(10)])
    assert {data.classes[k] for k in colour.mean(1).argsort()[:2]} == {"Forest", "SeaLake"}               # labels belong to their pictures: woods and water are the darkest

@pytest.mark.skipif(REAL is None or not (REAL / "pneumoniamnist").is_dir(), reason="no PneumoniaMNIST in $SSLKIT_DATA")
def test_pneumoniamnist():
    data = source("pneumoniamnist"); assert {s: len(d) for s, d in data.splits.items()} == dict(train=3882, val=524, test=624) and data.fields["x"].shape[1:] == (1, 28, 28)
