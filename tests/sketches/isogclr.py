"iSogCLR: a temperature and two running means for every sample, addressed by its index in the source."
import torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.method import Method
from sslkit.core.views import HorizontalFlip, RandomResizedCrop, Views
from .common import Tiny, images


class ISogCLR(Method):
    def __init__(self, encoder, views, dim=8, gamma=0.8, rho=0.4, beta=0.5, eta=0.03):
        super().__init__(encoder, views, projector=nn.Linear(encoder.dim, dim))
        self.gamma, self.rho, self.beta, self.eta = gamma, rho, beta, eta

    def fit_start(self, source):
        for name, value in (("s", 0.0), ("u", 0.0), ("tau", 0.1)):
            self.register_buffer(name, torch.full((len(source),), value, device=next(self.parameters()).device))

    def views(self, batch): return *super().views(batch), batch.index

    def loss(self, xa, xb, index):
        z = F.normalize(torch.cat([self.embed(xa), self.embed(xb)]), dim=1)
        n, similarity, tau = len(index), z @ z.T, self.tau[index].repeat(2)[:, None]
        positive = similarity.diagonal(n).repeat(2)
        others = ~torch.eye(n, dtype=torch.bool, device=z.device).repeat(2, 2)
        with torch.no_grad():
            e = torch.where(others, ((similarity - positive[:, None]) / tau).exp(), 0)
            g = (e.sum(1) / (2 * n - 2)).view(2, n).mean(0)
            s = torch.where(self.s[index] == 0, g, (1 - self.gamma) * self.s[index] + self.gamma * g)
            weight = e / s.repeat(2)[:, None] / (2 * n - 2)
            slope = s.log() + self.rho - (weight * (similarity - positive[:, None]) / tau).sum(1).view(2, n).mean(0)
            self.u[index] = (1 - self.beta) * self.u[index] + self.beta * slope.clamp(-3, 3)
            self.tau[index] = (self.tau[index] - self.eta * self.u[index]).clamp(0.05, 1)
            self.s[index] = s
        return ((weight * similarity).sum(1) - positive).mean()


def build(): return ISogCLR(Tiny(), Views(RandomResizedCrop(), HorizontalFlip(), n=2)), images()
