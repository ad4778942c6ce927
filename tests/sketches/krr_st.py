"KRR-ST: what is learned is a small data set; a pool of networks is trained on it while the outer loss looks through kernel ridge regression."
import torch
from torch import nn
from sslkit.core.method import Method
from .common import Tiny, images


class KRRST(Method):
    "Two levels with an optimiser each are no single loss: hence the own `step`."
    frozen = ("teacher",)

    def __init__(self, encoder, real, count=8, pool=2):
        super().__init__(encoder)
        self.teacher = Tiny()
        self.images = nn.Parameter(real[:count].float() / 255)
        self.targets = nn.Parameter(self.teacher(real[:count]).detach())
        self.pool = nn.ModuleList(nn.Sequential(Tiny(), nn.Linear(16, 16)) for _ in range(pool))

    def param_groups(self):
        return dict(data=[dict(params=[self.images, self.targets])], pool=[dict(params=list(self.pool.parameters()))])

    def forward(self, level, member, x=None):
        net, head = self.pool[member]
        if level == "inner": return (head(net(self.images)) - self.targets).square().mean()
        one = lambda f: torch.cat([f, torch.ones_like(f[:, :1])], dim=1)
        fs, ft = one(net(self.images)), one(net(x))
        gram = fs @ fs.T
        ridge = 1e-6 * gram.detach().trace() * torch.eye(len(gram), device=gram.device)
        return (ft @ fs.T @ torch.linalg.solve(gram + ridge, self.targets) - self.teacher(x)).square().mean()

    def step(self, batch, engine):
        member = int(torch.randint(len(self.pool), ()))
        outer = engine("outer", member, batch.x)
        engine.backward(outer); engine.optimizers["pool"].zero_grad(); engine.update("data")
        inner = engine("inner", member)
        engine.backward(inner); engine.optimizers["data"].zero_grad(); engine.update("pool")
        return dict(loss=outer, inner=inner)

    @property
    def evaluated(self): return self.pool[0][0]


def build():
    source = images()
    return KRRST(Tiny(), source.fields["x"]), source
