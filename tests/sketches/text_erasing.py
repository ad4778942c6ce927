"Text erasing: an eraser learns by gradient, the policy that styles its training text learns by REINFORCE; two optimisers."
import torch
from torch import nn
from sslkit.core.method import Method
from .common import Tiny, images


class TextErasing(Method):
    "The policy is rewarded for what the eraser finds hard, so one step updates two adversaries: hence the own `step`."
    def __init__(self, encoder, styles=4):
        super().__init__(encoder, eraser=nn.Conv2d(3, 3, 3, padding=1))
        self.policy = nn.Parameter(torch.zeros(styles))
        self.register_buffer("baseline", torch.zeros(()))

    def param_groups(self): return dict(eraser=[dict(params=[*self.encoder.parameters(), *self.eraser.parameters()])], policy=[dict(params=[self.policy])])

    def views(self, batch):
        clean, style = batch.x.float() / 255, torch.distributions.Categorical(logits=self.policy.detach()).sample((len(batch),))
        text = torch.zeros_like(clean)
        text[..., 4:7, 2:10] = (style.float() / len(self.policy)).view(-1, 1, 1, 1)
        return clean, torch.where(text > 0, text, clean), style

    def forward(self, batch):
        clean, written, style = self.views(batch)
        gate = self.encoder(written).mean(dim=1).sigmoid()[:, None, None, None]
        error = (written + gate * self.eraser(written) - clean).square().mean(dim=(1, 2, 3))
        advantage = error.detach() - self.baseline
        log_p = torch.distributions.Categorical(logits=self.policy).log_prob(style)
        return dict(eraser=error.mean(), policy=-(advantage * log_p).mean(), reward=error.detach().mean())

    def step(self, batch, engine):
        out = engine(batch)
        engine.backward(out["eraser"] + out["policy"])      # the two losses share no parameter
        engine.update()
        with torch.no_grad(): self.baseline.lerp_(out["reward"], 0.1)
        return dict(loss=out["eraser"], policy=out["policy"], reward=out["reward"])


def build(): return TextErasing(Tiny()), images()
