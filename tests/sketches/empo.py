"EMPO: a bigram language model rewards the answers that most of its own samples agree on; no labels: a procedure."
import torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.experiment import Result
from sslkit.core.rounds import Rounds
from sslkit.core.train import History

QUESTIONS, ANSWERS, LENGTH = 6, 5, 2


class Bigram(nn.Module):
    "Logits of the next token given the last one; a question is a token, an answer is two tokens."
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(0.5 * torch.randn(QUESTIONS + ANSWERS, ANSWERS))

    def sample(self, question):
        tokens = [question]
        for _ in range(LENGTH): tokens.append(QUESTIONS + torch.distributions.Categorical(logits=self.table[tokens[-1]]).sample())
        return torch.stack(tokens, dim=-1)

    def log_prob(self, tokens):
        logits = self.table[tokens[..., :-1]].log_softmax(-1)
        return logits.gather(-1, tokens[..., 1:, None] - QUESTIONS)[..., 0]


def meaning(tokens): return (tokens[..., 1:] - QUESTIONS).sum(-1)     # what an answer says: the sum of its digits


def entropy_of(p): return -(p * p.clamp(min=1e-9).log()).sum(-1)


def run(seed=0, checkpoint=None, resume=False, group=16):
    torch.manual_seed(seed)
    model, history = Bigram(), History()
    optimizer = torch.optim.Adam(model.parameters(), 5e-2)
    for step in Rounds(40, dict(model=model, optimizer=optimizer, history=history), seed, checkpoint, every=10, resume=resume, label="EMPO"):
        with torch.no_grad():
            tokens = model.sample(torch.arange(QUESTIONS)[:, None].expand(-1, group))
            old = model.log_prob(tokens)
            share = F.one_hot(meaning(tokens), 2 * ANSWERS).float().mean(1)
            reward = share.gather(1, meaning(tokens))
            advantage = (reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-6)
            use = (entropy_of(share) < 0.95 * torch.tensor(group).log())[:, None]      # groups without any agreement teach nothing
        for _ in range(2):
            ratio = (model.log_prob(tokens) - old).exp()
            gain = torch.minimum(ratio * advantage[..., None], ratio.clamp(0.8, 1.2) * advantage[..., None])
            loss = -(gain * use[..., None]).mean()
            optimizer.zero_grad(); loss.backward(); optimizer.step()
        history.record(step, loss=loss, entropy=entropy_of(share).mean())
    return Result(model, history.read())


def score(result): return dict(entropy=result.history["entropy"][-1], entropy_before=result.history["entropy"][0])
