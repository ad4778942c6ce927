"Scenes per second of sslkit.data.world. Wanted: 2,000 anti-aliased 32x32 pictures with shadows on 2 cores."
import argparse, time
import torch
from sslkit.data.world import SENSORS, render, sample_scenes

def rate(make, n: int, repeats: int = 5) -> tuple[float, float]:
    "Scenes per second of the fastest of some runs, and per second that a core is busy, which other programs disturb less."
    make()
    best = busy = float("inf")
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        make()
        best, busy = min(best, time.perf_counter() - wall), min(busy, time.process_time() - cpu)
    return n / best, n / busy

def main() -> float:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--scenes", type=int, default=1024)
    p.add_argument("--device", default="cpu")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    scenes = sample_scenes(a.scenes).to(a.device)
    print(f"{a.scenes} scenes of 1 to 3 objects, {a.device}, {a.threads} threads          scenes/s    per busy core second")
    cases = dict(sample=lambda: sample_scenes(a.scenes), rgb_32=lambda: render(scenes, 32)["rgb"].cpu(),
                 rgb_32_without_aa=lambda: render(scenes, 32, aa=1)["rgb"].cpu(), rgb_64=lambda: render(scenes[:a.scenes // 4], 64)["rgb"].cpu(),
                 all_sensors_32=lambda: render(scenes, 32, SENSORS))
    found = {}
    for name, make in cases.items():
        found[name], busy = rate(make, a.scenes // 4 if name == "rgb_64" else a.scenes, 3 if name == "all_sensors_32" else 5)
        print(f"{name:20s} {found[name]:46,.0f} {busy:14,.0f}")
    return found["rgb_32"]

if __name__ == "__main__":
    main()
