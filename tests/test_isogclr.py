"iSogCLR over two processes: each sees half of the batch, and both keep the same state: that of one process."
import torch
import torch.distributed as dist
from torch import nn

from sslkit.contrastive.isogclr import PerSample, ThroughNTXent, bimodal_loss, individual_loss
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
