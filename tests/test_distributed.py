"Two gloo processes on the CPU: gathered losses give the gradients of the joined batch, and training on two is training on one."
import os
import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from sslkit.core.batch import Source
from sslkit.core.distributed import gather, process_mean, world_size
from sslkit.core.method import Method
from sslkit.core.train import fit


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(rank, world, port, function, args, queue):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=world)
    result = function(rank, *args)
    if rank == 0: queue.put([r.tolist() if isinstance(r, torch.Tensor) else r for r in result])
    dist.barrier()
    dist.destroy_process_group()


def on_two(function, *args):
    "What `function(rank, *args)` returns in the first of two processes."
    context = mp.get_context("spawn")
    queue = context.SimpleQueue()
    running = mp.start_processes(start, args=(2, free_port(), function, args, queue), nprocs=2, join=False, start_method="spawn")
    while queue.empty():                                       # what does not fit into the pipe has to be read before the process can end
        if running.join(timeout=0.1): break
    result = queue.get()
    while not running.join(): pass
    return result


def loss_of_all(z, w):
    "Something that looks at all pairs of rows, and at batch statistics."
    h = z @ w
    centred = h - process_mean(h.mean(0))
    variance = process_mean(centred.square().mean(0))
    everyone = gather(h)
    return (everyone @ everyone.T / 8).exp().mean().log() + (variance - 1).square().sum()


def half_gradient(rank, z, w):
    w = w.clone().requires_grad_()
    loss = loss_of_all(z.chunk(2)[rank], w)
    loss.backward()
    dist.all_reduce(w.grad)
    return loss.detach(), w.grad / 2, world_size()


def test_gathered_losses_have_the_gradient_of_the_joined_batch():
    g = torch.Generator().manual_seed(0)
    z, w = torch.randn(8, 4, generator=g), torch.randn(4, 3, generator=g)
    loss, gradient, world = on_two(half_gradient, z, w)
    joined = w.clone().requires_grad_()
    alone = loss_of_all(z, joined)
    alone.backward()
    assert world == 2
    assert torch.allclose(torch.tensor(loss), alone.detach(), atol=1e-6)
    assert torch.allclose(torch.tensor(gradient), joined.grad, atol=1e-5)


class Spread(Method):
    "Needs the other process's rows; remembers the dtype that its encoder computed in; leaves a layer unused in every other step."
    def __init__(self, encoder):
        super().__init__(encoder, extra=nn.Linear(3, 3))
        self.register_buffer("bits", torch.zeros((), dtype=torch.int64))
        self.register_buffer("seen", torch.zeros(64))

    def views(self, batch): return batch.x, batch.index

    def loss(self, x, index):
        self.seen[index] += 1
        h = self.encoder(x)
        self.bits.fill_(torch.finfo(h.dtype).bits)
        h = h.float()
        if self.even: h = h + self.extra(h).float()
        h = gather(h)
        return (h @ h.T / 4).logsumexp(1).mean() - (h * h).sum(1).mean() / 8

    def before_step(self, progress): self.even = progress.step % 2 == 0


def trained(devices, precision="32"):
    torch.manual_seed(0)
    method = Spread(nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)))
    source = Source(dict(x=torch.randn(64, 5, generator=torch.Generator().manual_seed(1))))
    history = fit(method, source, steps=6, batch_size=16, lr=1e-2, device="cpu", devices=devices, precision=precision)
    return method, history


def test_training_on_two_processes_is_training_on_one():
    one, history = trained(1)
    two, split_history = trained(2)
    for a, b in zip(one.parameters(), two.parameters()): assert torch.allclose(a, b, atol=1e-5)
    assert history["loss"] == pytest.approx(split_history["loss"], abs=1e-5)
    assert one.seen.sum() == 96 and two.seen.sum() == 48          # buffers are each process's own


@pytest.mark.parametrize("devices", [1, 2])
def test_precision_reaches_the_encoder(devices):
    method, _ = trained(devices, "bf16")
    assert method.bits == 16
    assert next(method.parameters()).dtype == torch.float32


def test_full_precision_is_the_default():
    assert trained(1)[0].bits == 32


def shared_memory(rank, rows, scores):
    "A queue and assignments, each process with its half."
    from sslkit.parts.queue import Queue
    from sslkit.parts.sinkhorn import sinkhorn
    queue = Queue(7, 3)
    for part in rows: queue.push(part.chunk(2)[rank])
    return queue(), sinkhorn(scores.chunk(2)[rank])


def test_queues_and_assignments_are_those_of_the_joined_batch():
    from sslkit.parts.queue import Queue
    from sslkit.parts.sinkhorn import sinkhorn
    g = torch.Generator().manual_seed(0)
    rows, scores = torch.randn(3, 4, 3, generator=g), torch.randn(8, 5, generator=g) / 10
    queue, assigned = on_two(shared_memory, rows, scores)
    alone = Queue(7, 3)
    for part in rows: alone.push(part)
    assert torch.equal(torch.tensor(queue), alone()) and alone.full
    assert torch.allclose(torch.tensor(assigned), sinkhorn(scores)[:4], atol=1e-6)
    assert not torch.allclose(torch.tensor(assigned), sinkhorn(scores[:4]), atol=1e-2)       # half of the batch alone would share otherwise
