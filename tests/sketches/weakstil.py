"WeakSTIL: a slide is a bag of tiles with one score; every tile gets a percentage, the slide their mean."
import torch
from torch import nn
from sslkit.core.batch import Ragged, Source, link
from sslkit.core.method import Method


class Tiles(nn.Module):
    "Percentage of every tile, mean of every slide."
    dim = 1

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))

    def tiles(self, bag): return 100 * self.net(bag.values).sigmoid()
    def represent(self, batch): return batch.bag.mean(self.tiles(batch.bag))


class WeakSTIL(Method):
    min_batch, looks_across_batch = 1, False

    def views(self, batch): return batch, batch.score
    def loss(self, batch, score): return (self.encoder.represent(batch)[:, 0] - score).square().mean()


def slides(n, seed):
    g = torch.Generator().manual_seed(seed)
    bags = [torch.rand(int(k), 4, generator=g) for k in torch.randint(3, 9, (n,), generator=g)]
    score = torch.stack([100 * b[:, 0].mean() for b in bags])
    return Source(dict(bag=Ragged.of(bags), score=score, y=(score > 50).long()), name="slides")


def build(): return WeakSTIL(Tiles()), link(dict(train=slides(48, 0), test=slides(24, 1)))["train"]
