"""Probes at the sizes of CIFAR-10 with 512 features: seconds, and the memory of kNN.

python tests/bench/bench_probes.py [--threads N] [--bank N] [--queries N] [--dims N] [--samples N]

The memory is by how much kNN raises the operating system's peak (`ru_maxrss`); it comes first, as that peak never falls.
"""
import argparse, resource, sys, time
import torch
from sslkit.core.probes import Features, effective_rank, linear, nearest, knn

def peak_mib() -> float:
    "The largest resident memory of this process so far."
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10

def measured(name: str, run, wanted: str = "") -> float:
    "Seconds of one call; printed with its processor seconds, which other programs on the machine disturb less."
    start, worked = time.perf_counter(), time.process_time()
    run()
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    print(f"  {name:52s} {seconds:8.2f} s {worked:8.2f} core-s   {wanted}", flush=True)
    return seconds

def correlated(n: int, dims: int, seed: int, classes: int = 10) -> Features:
    "Classes in features that are strongly correlated, as those of trained networks are."
    g = torch.Generator().manual_seed(seed)
    mix = torch.randn(dims, dims, generator=torch.Generator().manual_seed(0)) * torch.logspace(0, -2, dims)[:, None]
    centre = torch.randn(classes, dims, generator=torch.Generator().manual_seed(1)) * 0.3
    y = torch.randint(classes, (n,), generator=g)
    return Features(((torch.randn(n, dims, generator=g) + centre[y]) @ mix).relu(), y)

def main(threads: int = 2, bank: int = 50_000, queries: int = 10_000, dims: int = 512, samples: int = 10_000) -> dict[str, float]:
    "What was measured: seconds of each probe, MiB of kNN, and the ratio of kNN's times for the whole bank and half of it."
    torch.set_num_threads(threads)
    print(f"{dims} features, {threads} threads")
    z, asked = torch.randn(bank, dims), torch.randn(queries, dims)
    y, labels = torch.randint(10, (bank,)), torch.randint(10, (queries,))
    nearest(asked[:64], z[:512], 20)                                               # the first product starts the threads
    before, found = peak_mib(), {}
    half = measured(f"kNN, {bank // 2:,} x {queries:,}", lambda: knn()(asked, labels, train=(z[:bank // 2], y[:bank // 2])))
    found["knn"] = measured(f"kNN, {bank:,} x {queries:,}", lambda: knn()(asked, labels, train=(z, y)), "wanted: 8 s")
    found["knn_mib"], found["knn_ratio"] = peak_mib() - before, found["knn"] / half
    print(f"  {'memory of kNN beyond the features':52s} {found['knn_mib']:6.0f} MiB                   wanted: 1024 MiB")
    print(f"  {'time for the bank over time for half of it':52s} {found['knn_ratio']:6.2f}                       wanted: about 2")
    small, train, val, test = (correlated(n, dims, seed) for seed, n in enumerate((1000, samples, 2000, 2000)))
    linear("logistic")(*small, train=small, val=small)                             # the first optimiser imports half of torch
    for solver, wanted in dict(ridge="wanted: 1 s", logistic="wanted: 2 s").items():
        found[solver] = measured(f"linear {solver}, {samples:,} samples, penalty on val", lambda: linear(solver)(*test, train=train, val=val), wanted)
    found["sgd"] = measured(f"linear sgd, {samples:,} samples, 20 epochs", lambda: linear("sgd", epochs=20)(*test, train=train))
    found["rankme"] = measured("effective rank of 25,600 samples", lambda: effective_rank(z[:25_600]))
    return found

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in dict(threads=2, bank=50_000, queries=10_000, dims=512, samples=10_000).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    main(**vars(parser.parse_args()))
