"SPR: an agent in a corridor learns values and to predict its own future latents; it makes its data while it learns: a procedure."
import copy
import torch
import torch.nn.functional as F
from torch import nn
from sslkit.core.experiment import Result
from sslkit.core.rounds import Rounds
from sslkit.core.train import History


class Corridor:
    "Walk right to the end of seven cells; the observation is a noisy picture of where one is."
    def __init__(self): self.place = 0
    def look(self): return F.one_hot(torch.tensor(self.place), 7).float() + 0.1 * torch.randn(7)

    def act(self, action):
        self.place = max(0, self.place + (1 if action else -1))
        if self.place == 6: self.place = 0; return 1.0
        return 0.0

    def state_dict(self): return dict(place=self.place)
    def load_state_dict(self, state): self.place = state["place"]


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.value = nn.Sequential(nn.Linear(7, 8), nn.ReLU()), nn.Linear(8, 2)
        self.transition, self.predictor = nn.Linear(10, 8), nn.Linear(8, 8)
        self.target = copy.deepcopy(self.encoder).requires_grad_(False)

    def loss(self, o, a, r, following):
        z = self.encoder(o)
        with torch.no_grad(): want, goal = r + 0.9 * self.value(self.encoder(following)).max(1).values, self.target(following)
        td = (self.value(z).gather(1, a[:, None])[:, 0] - want).square().mean()
        ahead = self.transition(torch.cat([z, F.one_hot(a, 2)], dim=1)).relu()
        return td - 2 * F.cosine_similarity(self.predictor(ahead), goal, dim=1).mean()


def run(seed=0, checkpoint=None, resume=False):
    torch.manual_seed(seed)
    agent, world, history = Agent(), Corridor(), History()
    optimizer, replay = torch.optim.Adam([p for p in agent.parameters() if p.requires_grad], 1e-2), dict(o=[], a=[], r=[], following=[])
    state = dict(agent=agent, world=world, history=history, optimizer=optimizer, replay=replay)
    for step in Rounds(60, state, seed, checkpoint, every=10, resume=resume, label="SPR"):
        with torch.no_grad():
            o = world.look()
            a = int(torch.randint(2, ())) if torch.rand(()) < 0.3 else int(agent.value(agent.encoder(o)).argmax())
        for name, x in dict(o=o, a=torch.tensor(a), r=torch.tensor(world.act(a)), following=world.look()).items(): replay[name].append(x)
        rows = torch.randint(len(replay["a"]), (16,)).tolist()
        loss = agent.loss(*(torch.stack([replay[n][i] for i in rows]) for n in ("o", "a", "r", "following")))
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        for t, s in zip(agent.target.parameters(), agent.encoder.parameters()): t.data.lerp_(s.data, 0.01)
        history.record(step, loss=loss, reward=float(replay["r"][-1]))
    return Result(agent, history.read())


def score(result): return dict(reward=sum(result.history["reward"]), value=result.artefact.value(result.artefact.encoder(torch.eye(7))).max().item())
