"What the sketches share: a small network and a few random images. Only `sslkit.core` is used."
import torch
from torch import nn
from sslkit.core.batch import Source, link


class Tiny(nn.Module):
    "A ConvNet without batch statistics; `width` channels are used of those that exist."
    dim = 16

    def __init__(self, width=16):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, width, 3, 2, 1), nn.ReLU())
        self.dim = width

    def forward(self, x):
        x = x.float() / 255 if x.dtype == torch.uint8 else x
        return self.net(x).mean(dim=(2, 3))


def images(n=48, size=12):
    "Random images whose label is the brightest channel."
    def split(n, seed):
        g = torch.Generator().manual_seed(seed)
        y = torch.randint(3, (n,), generator=g)
        x = torch.randint(0, 128, (n, 3, size, size), generator=g)
        x[torch.arange(n), y] += 100
        return Source(dict(x=x.to(torch.uint8), y=y), name="random_images")
    return link(dict(train=split(n, 0), val=split(24, 1), test=split(24, 2)))["train"]


def cross_entropy(logits, target): return -(target * logits.log_softmax(-1)).sum(-1).mean()
