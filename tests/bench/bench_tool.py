"""What the tool costs: embedding and probing against the number of pictures (time and memory must grow linearly), start-up, and checkpoints.

python tests/bench/bench_tool.py [--pictures N] [--size N]

Every measurement is a process of its own, as the operating system's peak of memory (`ru_maxrss`) never falls.
"""
import argparse, json, subprocess, sys, tempfile, time
from pathlib import Path
import torch

def pictures(folder: Path, n: int, size: int) -> Path:
    "A folder of `n` JPEG files, two hundred different ones under many names."
    from PIL import Image
    folder.mkdir(parents=True)
    g = torch.Generator().manual_seed(0)
    for k in range(n):
        at = folder / f"{k % 10}" / f"{k}.jpg"
        at.parent.mkdir(exist_ok=True)
        if k < 200: Image.fromarray(torch.randint(256, (size, size, 3), generator=g, dtype=torch.uint8).numpy()).save(at)
        else: at.hardlink_to(folder / f"{k % 200 % 10}" / f"{k % 200}.jpg")
    return folder

MEASURE = """
import json, resource, sys, time
{imports}
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
before, start, worked = peak(), time.perf_counter(), time.process_time()
{code}
print(json.dumps(dict(seconds=time.perf_counter() - start, core_seconds=time.process_time() - worked, mib=peak() - before)))
"""

def measured(imports: str, code: str) -> dict[str, float]:
    "Seconds, core-seconds and MiB beyond the imports of some code in a fresh process."
    done = subprocess.run([sys.executable, "-c", MEASURE.format(imports=imports, code=code)], capture_output=True, text=True)
    if done.returncode: sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])

def growth(name: str, imports: str, code: str, counts: list[int]) -> None:
    "The costs at several counts, and of each further picture."
    print(name)
    rows = [measured(imports, code.format(n=n)) for n in counts]
    for n, r in zip(counts, rows): print(f"  {n:7,} pictures {r['seconds']:7.2f} s {r['core_seconds']:7.2f} core-s {r['mib']:7.0f} MiB", flush=True)
    steps = [((b["core_seconds"] - a["core_seconds"]) / (m - n) * 1e3, (b["mib"] - a["mib"]) / (m - n) * 1024) for (n, a), (m, b) in zip(zip(counts, rows), zip(counts[1:], rows[1:]))]
    print("  each further picture: " + ", then ".join(f"{ms:.2f} ms and {kib:.1f} KiB" for ms, kib in steps) + "   wanted: the same twice")

def seconds(code: str) -> float:
    "The quickest of three fresh processes."
    def one():
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return time.perf_counter() - start
    return min(one() for _ in range(3))

def main(count: int = 4000, size: int = 64) -> None:
    counts = [count, 2 * count, 4 * count]
    with tempfile.TemporaryDirectory() as temporary:
        place = pictures(Path(temporary) / "data", counts[-1] + counts[-1] // 4, size)
        streamed = f"import torch\nfrom sslkit.data import source as module\nmodule.IN_MEMORY = 0\nfrom sslkit.tool.embed import embed_pictures\nfrom sslkit.tool.encoder import Encoder\nfrom sslkit.parts.encoders import encoder\n" \
                   f"net = Encoder(encoder('convnet'), {size}).eval()\ndata = module.source('folder:{place}', size={size})"
        growth("embed, from files to parquet", streamed, f"embed_pictures(net, data.limit({{n}}), '{temporary}/z.parquet', split='train')", counts)
        growth("embed, from files to npz", streamed, f"embed_pictures(net, data.limit({{n}}), '{temporary}/z.npz', split='train')", counts)
        growth("probe (kNN, linear, rank), with both floors, pictures in memory",
               "import torch, sklearn.linear_model, scipy.optimize\nfrom sslkit.core.batch import Source, link\nfrom sslkit.tool.pretrain import probe\nfrom sslkit.tool.encoder import Encoder\nfrom sslkit.parts.encoders import encoder\n"
               "make = lambda n: Source(dict(x=torch.randint(256, (n, 3, 16, 16), dtype=torch.uint8), y=torch.randint(10, (n,))), 'noise')\nnet = Encoder(encoder('convnet'), 16).eval()",
               "probe(net, link(dict(train=make({n}), val=make(500), test=make(1000)))['train'], ['knn', 'linear', 'rankme'], limit=None)", counts)
        print("start-up")
        for name, code in STARTS.items(): print(f"  {name:42s} {seconds(code):7.2f} s", flush=True)
        print("checkpoints (weights, two moments of AdamW, history)")
        for name in ("convnet", "resnet18", "vit_small_patch16_224"):
            r = subprocess.run([sys.executable, "-c", CHECKPOINT, name, temporary], capture_output=True, text=True, check=True).stdout
            print(f"  {name:24s} {r.strip()}", flush=True)

STARTS = {"sslkit pretrain --help": "import sys; sys.argv = ['sslkit', 'pretrain', '--help']\nfrom sslkit.core.cli import main; main()",
          "load_encoder('digits_convnet')": "from sslkit.tool.encoder import load_encoder; load_encoder('digits_convnet')",
          "pretrain, one step, judged, with its page": "import tempfile; from sslkit.tool.pretrain import pretrain\n"
          "with tempfile.TemporaryDirectory() as t: pretrain('simclr', 'digits', scale='tiny', limit=100, steps=1, batch_size=16, out=t, device='cpu')"}

CHECKPOINT = """
import sys, time, torch
from pathlib import Path
from sslkit.contrastive.simclr import SimCLR
from sslkit.core.rounds import load_checkpoint, save_checkpoint
from sslkit.parts.encoders import encoder
from sslkit.tool.encoder import load_encoder, spec_of
method, path = SimCLR(encoder(sys.argv[1])), Path(sys.argv[2]) / "c.pt"
optimizer = torch.optim.AdamW(method.parameters())
for p in method.parameters(): p.grad = torch.zeros_like(p)
optimizer.step()
config = dict(id="simclr", encoder=spec_of(method.encoder), evaluated="encoder", size=None)
start = time.perf_counter(); save_checkpoint(path, dict(step=1, state=dict(method=method.state_dict(), optimizer=optimizer.state_dict()), config=config, versions={}, commit="")); saved = time.perf_counter()
load_checkpoint(path); loaded = time.perf_counter()
load_encoder(path); weights = sum(p.numel() for p in method.parameters()) * 4 / 1e6
print(f"{path.stat().st_size / 1e6:8.1f} MB ({path.stat().st_size / 1e6 / weights:.2f} x the weights)   save {saved - start:.2f} s, load {loaded - saved:.2f} s, load_encoder {time.perf_counter() - loaded:.2f} s")
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=4000); parser.add_argument("--size", type=int, default=64)
    given = parser.parse_args()
    main(given.pictures, given.size)
