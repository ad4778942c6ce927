"SCGC: one graph; its nodes are embedded by an MLP, and the graph enters through a neighbourhood contrast only."
import torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.batch import Source
from sslkit.core.method import Method
from sslkit.core.probes import clustering


class SCGC(Method):
    min_batch = 1

    def views(self, batch): return batch.features[0], batch.influence[0]

    def loss(self, features, influence):
        z = F.normalize(self.encoder(features), dim=1)
        e = (z @ z.T).exp() * (1 - torch.eye(len(z), device=z.device))
        return -((influence * e).sum(1) / e.sum(1)).log().mean()


def block_graph(nodes=60, seed=0):
    "Two blocks of nodes, linked mostly inside; features tell little."
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(nodes) % 2
    p = torch.where(y[:, None] == y[None], 0.3, 0.02)
    a = (torch.rand(nodes, nodes, generator=g) < p).float().triu(1)
    a = a + a.T + torch.eye(nodes)
    a = a / a.sum(1, keepdim=True)
    features = torch.randn(nodes, 8, generator=g) + 0.7 * y[:, None]
    return Source(dict(features=features[None], influence=(a + a @ a)[None], node_y=y[None]), name="block_graph")


def build(): return SCGC(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))), block_graph()


def score(method, source):
    graph = source[[0]]
    with torch.no_grad(): z = method.evaluated(graph.features[0])
    return clustering(k=2)(z, graph.node_y[0])
