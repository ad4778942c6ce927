"DeepCluster: before every epoch a pass over the source clusters the features; the clusters are the labels of the epoch."
import torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.method import Method
from sslkit.core.probes import embed
from sslkit.core.views import HorizontalFlip, RandomResizedCrop, Views
from .common import Tiny, images


class DeepCluster(Method):
    looks_across_batch = False

    def __init__(self, encoder, views, clusters=4):
        super().__init__(encoder, views, head=nn.Linear(encoder.dim, clusters))

    def fit_start(self, source): self.register_buffer("label", torch.zeros(len(source), dtype=torch.int64, device=self.head.weight.device))

    @torch.no_grad()
    def epoch_start(self, source, progress):
        f = F.normalize(embed(self.encoder, source).to(self.label.device), dim=1)
        centers = f[torch.randperm(len(f), device=f.device)[:self.head.out_features]]
        for _ in range(5):
            label = torch.cdist(f, centers).argmin(1)
            total = torch.zeros_like(centers).index_add(0, label, f)
            centers = torch.where(total.norm(dim=1, keepdim=True) > 0, F.normalize(total, dim=1), centers)
        self.label.copy_(label)
        self.head.reset_parameters()

    def views(self, batch): return *super().views(batch), self.label[batch.index]
    def loss(self, x, label): return F.cross_entropy(self.head(self.encoder(x)), label)


def build(): return DeepCluster(Tiny(), Views(RandomResizedCrop(), HorizontalFlip())), images()
