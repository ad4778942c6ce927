"""A folder of very many pictures: seconds until it starts, memory while it streams, and pictures decoded a second.

python tests/bench/bench_folder.py [--files N] [--batches N]

The folder is made of hard links to 50 files. Memory is measured in fresh processes: what a tenth of the files and all of them need, when `source` returns, after 20 batches, and at the end; of
the worker processes what the largest has for itself at the end. Linux only, as memory is read from /proc.
"""
import argparse, json, multiprocessing, os, re, subprocess, sys, tempfile, time
from pathlib import Path
import numpy as np
import torch
from PIL import Image
from sslkit.core.batch import batch_order
from sslkit.data import source as module

def photos(folder: Path, size: tuple[int, int], n: int = 50) -> list[Path]:
    "Files with parts of photographs, a fifth of them PNG, the others JPEG; `size` is (width, height)."
    from skimage import data
    whole, rng, files = (data.astronaut(), data.coffee(), data.cat()), np.random.default_rng(0), []
    folder.mkdir()
    for k in range(n):
        picture = whole[k % 3]
        top, left = rng.integers(0, picture.shape[0] - 280), rng.integers(0, picture.shape[1] - 380)
        files.append(folder / f"{k}.{'jpg' if k % 5 else 'png'}")
        Image.fromarray(picture[top:top + 280, left:left + 380]).resize(size).save(files[-1])
    return files

def links(root: Path, files: list[Path], n: int) -> Path:
    "A folder with `n` names for these files, in 100 classes of ten folders each."
    for c in range(100):
        for part in range(10): (root / f"class{c:02}" / f"part{part}").mkdir(parents=True)
    for k in range(n): os.link(files[k % len(files)], f"{root}/class{k % 100:02}/part{k // 100 % 10}/{k:07}{files[k % len(files)].suffix}")
    return root

def mib() -> float:
    "Resident memory of this process now."
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def own_mib(pid: int) -> float:
    "Memory of a process that it shares with no other."
    return sum(map(int, re.findall(r"Private_\w+: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text()))) / 2**10

def streamed(folder: str, workers: int, batches: int, size: int = 64) -> dict[str, float]:
    "Seconds and memory of one stream, in this process."
    module.IN_MEMORY = 0
    before, clock = mib(), time.perf_counter()
    data = module.source(f"folder:{folder}", size=size); data.workers = workers
    found = dict(files=sum(map(len, data.splits.values())), workers=workers, start=time.perf_counter() - clock, listed=mib() - before)
    clock = time.perf_counter(); data.digest; found["digest"] = time.perf_counter() - clock
    clock = time.perf_counter()
    for k, batch in enumerate(data.batches(batch_order(len(data), 256, 0, 0, batches))):
        if k == 0: found["first"] = time.perf_counter() - clock; clock = time.perf_counter()
        if k == 20: found["early"] = mib() - before
        if k == batches - 5: found["worker"] = max((own_mib(p.pid) for p in multiprocessing.active_children()), default=0)    # while they still work
    return dict(found, late=mib() - before, rate=256 * k / (time.perf_counter() - clock))

def apart(*arguments) -> dict[str, float]:
    "`streamed` in a process of its own."
    told = subprocess.run([sys.executable, __file__, "--one", json.dumps(arguments)], check=True, capture_output=True, text=True)
    return json.loads(told.stdout.splitlines()[-1])

def main(files: int = 200_000, batches: int = 300) -> dict[str, list]:
    found = dict(streams=[], rates=[])
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        small, ordinary = photos(place / "small", (80, 60)), photos(place / "ordinary", (500, 375))
        folders = [links(place / f"{n}", small, n) for n in (files // 10, files)]
        print(f"{'files':>9} {'workers':>7} {'start s':>8} {'digest s':>8} {'256 first s':>11} {'listed MiB':>10} {'20 batches':>10} {f'{batches} batches':>12} {'worker MiB':>11} {'pictures/s':>10}")
        for workers in (0, 2):
            for folder in folders:
                f = apart(str(folder), workers, batches); found["streams"].append(f)
                print(f"{f['files']:>9,} {workers:>7} {f['start']:>8.2f} {f['digest']:>8.2f} {f['first']:>11.2f} {f['listed']:>10.0f} {f['early']:>10.0f} {f['late']:>12.0f} {f['worker']:>11.0f} {f['rate']:>10,.0f}", flush=True)
        print(f"start of {files:,} files: {f['start']:.1f} s   goal 5 s   {'ok' if f['start'] <= 5 else 'MISSED'}")
        folder = links(place / "photos", ordinary, 20_000)
        for workers in (0, 1, 2, 4):
            f = apart(str(folder), workers, 30); found["rates"].append(f)
            print(f"photos of 500 x 375 at 64 pixels, {workers} workers: {f['rate']:7,.0f} pictures/s", flush=True)
    return found

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in dict(files=200_000, batches=300).items(): parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = vars(parser.parse_args())
    one = arguments.pop("one")
    if one: print(json.dumps(streamed(*json.loads(one))))
    else: main(**arguments)
