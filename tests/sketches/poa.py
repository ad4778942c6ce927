"POA: a step trains the whole student and a random slice of it; in some steps the deep block is used by neither."
import copy
import torch
from torch import nn
from sslkit.core.distributed import gather
from sslkit.core.method import Method
from sslkit.core.random import Draw, row_keys
from sslkit.core.views import HorizontalFlip, RandomResizedCrop, Views
from .common import Tiny, cross_entropy, images


class Elastic(Tiny):
    "The first `width` channels, with or without the residual block."
    def __init__(self):
        super().__init__()
        self.deep = nn.Linear(16, 16)

    def forward(self, x, width=16, deep=True):
        h = super().forward(x)
        if deep: h = h + self.deep(h).relu()
        return torch.cat([h[:, :width] * (16 / width), h[:, width:] * 0], dim=1)


class POA(Method):
    frozen = ("teacher",)

    def __init__(self, encoder, views):
        super().__init__(encoder, views, head=nn.Linear(16, 8))
        self.teacher = copy.deepcopy(nn.Sequential(self.encoder, self.head))

    def before_step(self, progress):
        draw = Draw(row_keys(progress.seed, progress.step, torch.zeros(1)))
        self.width, self.deep = 4 + int(draw.integers(3)) * 4, bool(draw.bernoulli(0.5))

    @property
    def evaluated(self): return self.teacher[0]

    def loss(self, xa, xb):
        with torch.no_grad(): target = (self.teacher(xb) / 0.05).softmax(-1)
        whole = self.head(self.encoder(xa, deep=self.deep)) / 0.1
        part = self.head(self.encoder(xa, self.width, self.deep)) / 0.1
        same = cross_entropy(part, whole.detach().softmax(-1))
        spread = gather(whole).softmax(-1).mean(0).log().mean()
        return 0.8 * cross_entropy(whole, target) + 0.2 * cross_entropy(part, target) + 0.2 * same - spread

    @torch.no_grad()
    def after_step(self, progress):
        for t, s in zip(self.teacher.parameters(), [*self.encoder.parameters(), *self.head.parameters()]): t.lerp_(s, 0.01)


def build(): return POA(Elastic(), Views(RandomResizedCrop(), HorizontalFlip(), n=2)), images()
