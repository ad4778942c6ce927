"SwAV in two processes: codes, with queues that both processes hold, are those of the joined batch."
import torch
import torch.nn.functional as F

from sslkit.cluster.swav import Offline, SwAV, codes_of, swav_views
from sslkit.core.batch import Source
from sslkit.parts.encoders import encoder
from test_distributed import on_two

VIEWS = dict(strength=0.5, blur=0, local=1, local_size=8)


def system(make=SwAV, **options):
    torch.manual_seed(0)
    return make(encoder("convnet", widths=(4, 8)), swav_views(**VIEWS), prototypes=6, hidden=16, dim=5, **options).eval()


def data():
    return Source(dict(x=torch.randint(0, 256, (24, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))), "noise")


def codes_and_queue(rank, world=2):
    "Codes of this process's share of a batch that meets a full queue; and the queue when the batch has been pushed."
    method, batch = system(queue=20), data()[torch.arange(16)].keyed(0, 0)
    rows = F.normalize(torch.randn(20, 5, generator=torch.Generator().manual_seed(1)), dim=1)
    for queue in method.queues: queue.rows.copy_(rows); queue.pushed = 20
    mine = batch.select(torch.arange(16).chunk(world)[rank])
    scores = method.prototypes(method.embed(method.views(mine)[0]))
    codes = codes_of(scores, method.prototypes, method.assign, method.queues[0])
    method(mine)
    for queue, z in zip(method.queues, method.latest): queue.push(z)
    offline = system(Offline); offline.fit_start(data()); offline(mine); offline.after_step(None)
    return codes, method.queues[0](), offline.memory


def test_two_processes_share_out_the_joined_batch():
    codes, queue, memory = map(torch.tensor, on_two(codes_and_queue))
    joined, all_rows, whole = codes_and_queue(0, world=1)
    assert torch.allclose(codes, joined[:8], atol=1e-5)
    assert torch.allclose(queue, all_rows, atol=1e-5)
    assert torch.allclose(memory, whole, atol=1e-5)
