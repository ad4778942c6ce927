"""Two views of 32 x 32 images: `core.views` against lightly's SimCLRTransform with the same operations, probabilities and ranges.

python tests/bench/bench_views.py [--images N] [--batch N] [--threads N] [--repeats N]

Both sides make the same number of views on the same two cores, alternately; the best of the repeats counts, because whatever else the machine
does can only slow a side down. lightly's worker processes are started before the clock.
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

def rate(n: int, run) -> float:
    "Images a second."
    start = time.perf_counter(); run()
    return n / (time.perf_counter() - start)

def main(images: int = 4096, batch: int = 256, threads: int = 2, repeats: int = 5) -> float:
    "The ratio of the two rates, after a table of both."
    from lightly.transforms import SimCLRTransform
    torch.set_num_threads(threads)
    x = photo_patches(images)
    source = Source(dict(x=x))
    loader = DataLoader(Pictures(x, SimCLRTransform(input_size=32)), batch_size=batch, num_workers=threads, persistent_workers=True)
    def ours():
        for step, part in enumerate(source.in_order(batch)): VIEWS(part.keyed(seed=0, step=step))
    def theirs():
        for _ in loader: pass
    activations = torch.zeros(6_000_000); del activations
    ours(); theirs()
    best_ours = best_theirs = 0.0
    for _ in range(repeats):
        best_ours, best_theirs = max(best_ours, rate(images, ours), rate(images, ours)), max(best_theirs, rate(images, theirs))
    ratio = best_ours / best_theirs
    print(f"two views, 32 x 32, {images} images, batches of {batch}, {threads} cores, best of {repeats}")
    print(f"  {'lightly, DataLoader with ' + str(threads) + ' workers':40s} {best_theirs:10,.0f} images/s")
    print(f"  {'sslkit.core.views':40s} {best_ours:10,.0f} images/s")
    print(f"  {'ratio':40s} {ratio:10.1f}   (wanted: 5 or more)")
    return ratio

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("images", 4096), ("batch", 256), ("threads", 2), ("repeats", 5)): parser.add_argument(f"--{name}", type=int, default=default)
    main(**vars(parser.parse_args()))
