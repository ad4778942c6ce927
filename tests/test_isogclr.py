"iSogCLR over two processes: each sees half of the batch, and both keep the same state: that of one process."
import pytest
import torch
import torch.distributed as dist
from torch import nn

from sslkit.contrastive.isogclr import ISogCLR, PerSample, ThroughNTXent, bimodal_loss, example, individual_loss
from sslkit.core.batch import Source
from sslkit.core.train import fit
from tests.test_distributed import on_two

N = 12


def batches():
    g = torch.Generator().manual_seed(0)
    for _ in range(3): yield torch.randn(8, 4, generator=g), torch.randn(8, 4, generator=g), torch.randperm(N, generator=g)[:8]


def states(share, number=0):
    "The state of all three uses after three batches, and the last losses, from a share of each batch."
    one, images, texts = (PerSample(rho=0.3) for _ in range(3))
    trap = ThroughNTXent(nn.Identity(), projector=nn.Identity())
    for s in (one, images, texts, trap.samples): s.start(N)
    for za, zb, index in batches():
        a, b, i = (t[number::share] for t in (za, zb, index))
        losses = [individual_loss(a, b, i, one)["loss"], bimodal_loss(a, b, i, images, texts)["loss"], trap.loss(a, b, i)["loss"]]
    kept = torch.stack([getattr(s, name) for s in (one, images, texts, trap.samples) for name in s.initial])
    return kept, torch.stack(losses)


def in_two(rank):
    kept, losses = states(2, rank)
    low, high = kept.clone(), kept.clone()
    dist.all_reduce(low, dist.ReduceOp.MIN); dist.all_reduce(high, dist.ReduceOp.MAX)
    return kept, losses, torch.tensor(bool((low == high).all()))


def test_two_processes_keep_the_state_of_one():
    kept, losses, same = on_two(in_two)
    alone, wanted = states(1)
    assert same, "the processes have different states"
    assert torch.allclose(torch.tensor(kept), alone, atol=1e-4) and torch.allclose(torch.tensor(losses), wanted, atol=1e-5)


@pytest.mark.parametrize("devices", [1, 2])
def test_the_trained_state_comes_back(devices):
    "Also from the processes that `fit` starts, to a method that has no state yet."
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 16)); net.dim = 16
    method = ISogCLR(Scaled(net), dim=8, projector=nn.Linear(16, 8))
    fit(method, Source(dict(x=example(20, 0, size=8).x)), steps=6, batch_size=8, device="cpu", devices=devices)
    assert len(method.samples.tau) == 20 and (method.samples.tau != 0.1).sum() > 10 and (method.samples.mean > 0).sum() > 10


class Scaled(nn.Module):
    "A network for floats in [0, 1]."
    def __init__(self, net):
        super().__init__(); self.net, self.dim = net, net.dim
    def forward(self, x): return self.net(x.float())
