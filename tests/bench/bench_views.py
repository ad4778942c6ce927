"""Two views of 32 x 32 images: `core.views` against lightly's SimCLRTransform with the same operations, probabilities and ranges (goal: 5 times).

python tests/bench/bench_views.py [--images N] [--batch N] [--threads N] [--repeats N]

Both sides make the same number of views on the same cores, alternately; the best of the repeats counts, because whatever else the machine does can only
slow a side down. lightly's worker processes are started before the clock. The second table is what one core does in a second of processor time, which
other programs disturb less. A tensor of 24 MB is freed beforehand, as the activations of most training steps are: from then on the C library keeps
memory of that size for reuse and does not ask the kernel for fresh pages at every operation.
"""
import argparse, time
import torch
from torch.utils.data import DataLoader, Dataset
from sslkit.core.batch import Source
from sslkit.core.views import ColorJitter, GaussianBlur, Grayscale, HorizontalFlip, Normalize, RandomResizedCrop, Views

# lightly.transforms.SimCLRTransform(input_size=32): its defaults. Its blur is PIL's, whose kernel reaches three sigma: 13 taps at sigma 2.
VIEWS = Views(RandomResizedCrop(32, scale=(0.08, 1.0)), HorizontalFlip(p=0.5), ColorJitter(0.8, 0.8, 0.8, 0.2, p=0.8), Grayscale(p=0.2),
              GaussianBlur(kernel=13, sigma=(0.1, 2.0), p=0.5), Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), n=2)

class Pictures(Dataset):
    "PIL images, as lightly wants them."
    def __init__(self, x, transform):
        from PIL import Image
        self.images, self.transform = [Image.fromarray(i) for i in x.permute(0, 2, 3, 1).contiguous().numpy()], transform

    def __len__(self): return len(self.images)
    def __getitem__(self, i): return self.transform(self.images[i])

def photo_patches(n: int) -> torch.Tensor:
    "(n, 3, 32, 32) uint8 patches of a photograph."
    from sklearn.datasets import load_sample_image
    photo = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)
    corner = torch.rand(n, 2, generator=torch.Generator().manual_seed(0)) * (torch.tensor(photo.shape[1:]) - 32)
    return torch.stack([photo[:, r:r + 32, c:c + 32] for r, c in corner.long().tolist()])

def best_rates(images: int, repeats: int, ours, theirs, clock) -> tuple[float, float]:
    "Images a second of both, the best of alternating repeats."
    def rate(run):
        start = clock(); run()
        return images / (clock() - start)
    ours(); theirs()
    return tuple(map(max, zip(*[(rate(ours), rate(theirs)) for _ in range(repeats)])))

def report(title: str, ours: float, theirs: float) -> float:
    "The ratio, printed with both rates."
    print(f"{title}: sslkit.core.views {ours:9,.0f} images/s   lightly {theirs:9,.0f} images/s   ratio {ours / theirs:5.1f}   (goal: 5)", flush=True)
    return ours / theirs

def main(images: int = 4096, batch: int = 256, threads: int = 2, repeats: int = 5) -> float:
    "How many times as fast, on `threads` cores."
    from lightly.transforms import SimCLRTransform
    before = torch.get_num_threads()
    activations = torch.zeros(6_000_000); del activations
    x = photo_patches(images)
    source, pictures = Source(dict(x=x)), Pictures(x, SimCLRTransform(input_size=32))
    def ours():
        for step, part in enumerate(source.in_order(batch)): VIEWS(part.keyed(seed=0, step=step))
    def through(loader):
        def theirs():
            for _ in loader: pass
        return theirs
    print(f"two views of {images} images of 32 x 32 pixels in batches of {batch}, best of {repeats}")
    try:
        torch.set_num_threads(threads)
        workers = through(DataLoader(pictures, batch_size=batch, num_workers=threads, persistent_workers=True))
        ratio = report(f"{threads} threads, {threads} worker processes", *best_rates(images, repeats, ours, workers, time.perf_counter))
        del workers
        torch.set_num_threads(1)
        report("one core-second, no workers   ", *best_rates(images, 2, ours, through(DataLoader(pictures, batch_size=batch)), time.process_time))
    finally: torch.set_num_threads(before)
    return ratio

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("images", 4096), ("batch", 256), ("threads", 2), ("repeats", 5)): parser.add_argument(f"--{name}", type=int, default=default)
    main(**vars(parser.parse_args()))
