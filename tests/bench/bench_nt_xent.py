"""NT-Xent on large batches: seconds and peak memory, in chunks and with the whole matrix of similarities, and how far apart the two are.

python tests/bench/bench_nt_xent.py [--threads N] [--pairs N] [--dims N] [--large N]

Each way runs in a process of its own, as the operating system's peak (`ru_maxrss`) never falls. `large` pairs are done in chunks only.
"""
import argparse, multiprocessing, resource, sys, time
import torch
import torch.nn.functional as F
from sslkit.parts.contrast import nt_xent

def peak_mib() -> float:
    "The largest resident memory of this process so far."
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10

def direct(za, zb, temperature: float):
    "With the matrix, and autograd's copies of it."
    z = F.normalize(torch.cat([za, zb]), dim=1)
    similarity = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return F.cross_entropy(similarity, (torch.arange(len(z)) + len(za)) % len(z))

def measure(way: str, pairs: int, dims: int, threads: int) -> dict:
    "Value, gradient, seconds, core-seconds and MiB of one loss with its gradient."
    torch.set_num_threads(threads)
    g = torch.Generator().manual_seed(0)
    za, zb = (torch.randn(pairs, dims, generator=g).requires_grad_() for _ in range(2))
    loss = dict(chunked=nt_xent, direct=direct)[way]
    loss(za[:64], zb[:64], 0.1).backward()                                        # the first call loads what is loaded once
    za.grad = None
    before, start, worked = peak_mib(), time.perf_counter(), time.process_time()
    value = loss(za, zb, 0.1)
    value.backward()
    return dict(value=value.item(), gradient=za.grad.numpy(), seconds=time.perf_counter() - start, core_seconds=time.process_time() - worked, mib=peak_mib() - before)

def main(threads: int = 2, pairs: int = 8192, dims: int = 128, large: int = 16_384) -> dict[str, float]:
    "MiB and seconds of the ways, and the largest differences of value and of gradient, relative to the largest gradient."
    found, results = {}, {}
    print(f"NT-Xent with gradient, {dims} dimensions, {threads} threads")
    for way, n in (("chunked", pairs), ("direct", pairs), ("chunked", large)):
        if not n: continue
        with multiprocessing.get_context("spawn").Pool(1) as pool: r = pool.apply(measure, (way, n, dims, threads))
        results.setdefault((way, n), r)
        found[f"{way}_{n}_mib"], found[f"{way}_{n}_seconds"] = r["mib"], r["seconds"]
        wanted = "   wanted: at most 1024 MiB" if way == "chunked" else ""
        print(f"  {way:8s} {2 * n:6,} embeddings {r['seconds']:7.2f} s {r['core_seconds']:7.2f} core-s {r['mib']:7.0f} MiB{wanted}", flush=True)
    a, b = results["chunked", pairs], results["direct", pairs]
    found["value_error"] = abs(a["value"] - b["value"])
    found["gradient_error"] = float(abs(a["gradient"] - b["gradient"]).max() / abs(b["gradient"]).max())
    print(f"  difference: value {found['value_error']:.1e}, gradient {found['gradient_error']:.1e} of the largest   wanted: 1e-05")
    return found

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in dict(threads=2, pairs=8192, dims=128, large=16_384).items(): parser.add_argument(f"--{name}", type=int, default=default)
    main(**vars(parser.parse_args()))
