"DINO: multi-crop, centred teacher that follows by moving average; the teacher is what is evaluated."
import copy
import torch
from torch import nn
from sslkit.core.method import Method
from sslkit.core.views import HorizontalFlip, RandomResizedCrop, Views
from .common import Tiny, cross_entropy, images


class DINO(Method):
    frozen = ("teacher", "teacher_head")

    def __init__(self, encoder, views, prototypes=8):
        super().__init__(encoder, views, head=nn.Linear(encoder.dim, prototypes))
        self.teacher, self.teacher_head = copy.deepcopy(self.encoder), copy.deepcopy(self.head)
        self.register_buffer("center", torch.zeros(prototypes))

    @property
    def evaluated(self): return self.teacher

    def loss(self, *views):
        with torch.no_grad():
            targets = [self.teacher_head(self.teacher(x)) for x in views[:2]]
            self.batch_center = torch.cat(targets).mean(0)
        students = [self.head(self.encoder(x)) / 0.1 for x in views]
        terms = [cross_entropy(s, ((t - self.center) / 0.04).softmax(-1)) for i, t in enumerate(targets) for j, s in enumerate(students) if i != j]
        return torch.stack(terms).mean()

    @torch.no_grad()
    def after_step(self, progress):
        self.center.lerp_(self.batch_center, 0.1)
        momentum = 1 - 0.01 * (1 - progress.fraction)
        for a, b in ((self.teacher, self.encoder), (self.teacher_head, self.head)):
            for t, s in zip(a.parameters(), b.parameters()): t.lerp_(s, 1 - momentum)


def build():
    globe, local = RandomResizedCrop(12, scale=(0.4, 1)), RandomResizedCrop(8, scale=(0.05, 0.4))
    return DINO(Tiny(), Views(globe, HorizontalFlip(), n=2) + Views(local, HorizontalFlip(), n=3)), images()
