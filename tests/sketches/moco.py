"MoCo: the negatives are a queue of keys from earlier steps, encoded by a slowly moving copy."
import copy
import torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.distributed import gather
from sslkit.core.method import Method
from sslkit.core.views import HorizontalFlip, RandomResizedCrop, Views
from .common import Tiny, images


class MoCo(Method):
    frozen = ("key_encoder", "key_projector")

    def __init__(self, encoder, views, dim=8, length=32):
        super().__init__(encoder, views, projector=nn.Linear(encoder.dim, dim))
        self.key_encoder, self.key_projector = copy.deepcopy(self.encoder), copy.deepcopy(self.projector)
        self.register_buffer("queue", F.normalize(torch.randn(length, dim), dim=1))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.int64))

    def loss(self, xa, xb):
        q = F.normalize(self.embed(xa), dim=1)
        with torch.no_grad(): self.keys = k = F.normalize(self.key_projector(self.key_encoder(xb)), dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.T.clone()], dim=1) / 0.2
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.int64, device=q.device))

    @torch.no_grad()
    def after_step(self, progress):
        keys = gather(self.keys)
        self.queue[(self.oldest + torch.arange(len(keys), device=keys.device)) % len(self.queue)] = keys
        self.oldest.add_(len(keys)).remainder_(len(self.queue))
        for a, b in ((self.key_encoder, self.encoder), (self.key_projector, self.projector)):
            for t, s in zip(a.parameters(), b.parameters()): t.lerp_(s, 0.01)


def build(): return MoCo(Tiny(), Views(RandomResizedCrop(), HorizontalFlip(), n=2)), images()
