"""Where a training step's time goes: SimCLR with ResNet-18 (3x3 stem), batch 256 of 32x32 images. Goal: at most 15 % outside the
network's forward, backward and the optimiser (drawing the batch, views, keys, logging)."""
import argparse
import time

import torch

from sslkit.contrastive.simclr import SimCLR
from sslkit.parts.image_views import simclr_views
from sslkit.core.batch import Source
from sslkit.core.train import fit
from sslkit.parts.encoders import encoder


def main(steps: int = 3, batch_size: int = 256, device: str = "auto") -> float:
    source = Source(dict(x=torch.randint(0, 256, (2048, 3, 32, 32), dtype=torch.uint8)), name="noise")
    inside = 0.0

    class Timed(SimCLR):
        "Adds up the time of everything but views: loss (forward), backward and update."
        def loss(self, *views):
            nonlocal inside
            start = now()
            out = super().loss(*views)
            inside += now() - start
            return out

        def step(self, batch, engine):
            nonlocal inside
            out = engine(batch)
            start = now()
            engine.backward(out); engine.update()
            inside += now() - start
            return out

    def now():
        if torch.cuda.is_available(): torch.cuda.synchronize()
        return time.perf_counter()

    method = Timed(encoder("resnet18", stem="cifar"), simclr_views(0.5, blur=0))
    fit(method, source, steps=1, batch_size=batch_size, device=device)
    inside, start = 0.0, now()
    fit(method, source, steps=steps, batch_size=batch_size, device=device)
    total = now() - start
    share = 1 - inside / total
    print(f"{steps} steps of {batch_size}: {steps * batch_size / total:.0f} images/s, {100 * share:.1f} % outside forward, backward and optimiser (goal: 15 %)")
    return share


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="auto")
    a = parser.parse_args()
    main(a.steps, device=a.device)
