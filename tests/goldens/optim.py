"""Writes optim.json beside this file: optimisers and learning rates of PyTorch, in float64.

    python3 tests/goldens/optim.py

Each optimiser takes six steps on a weight [2,3] and a bias [2] with gradients that are written out; the parameters after every
step are kept. Numbers are multiples of 1/64, so f32 holds them exactly. The formatter of the repository lays the file out.
"""
import json
import os

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
STEPS = 6


def numbers(count):
    return [v / 64 for v in torch.randint(-128, 129, (count,)).tolist()]


start = {"weight": numbers(6), "bias": numbers(2)}
# The fourth gradient is a thousand times smaller than the others, the fifth is zero.
scales = [1, 1, 1, 2**-10, 0, 1]
gradients = [{"weight": [g * s for g in numbers(6)], "bias": [g * s for g in numbers(2)]} for s in scales]


def run(make):
    weight = torch.tensor(start["weight"]).reshape(2, 3).requires_grad_()
    bias = torch.tensor(start["bias"]).requires_grad_()
    optimiser = make([weight, bias])
    after = []
    for g in gradients:
        weight.grad = torch.tensor(g["weight"]).reshape(2, 3)
        bias.grad = torch.tensor(g["bias"])
        optimiser.step()
        after.append({"weight": weight.detach().flatten().tolist(), "bias": bias.detach().tolist()})
    return after


optimisers = []
for name, options, make in [
    ("sgd", {"lr": 0.1}, lambda p: torch.optim.SGD(p, 0.1)),
    ("sgd", {"lr": 0.1, "weightDecay": 0.25}, lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.25)),
    ("sgd", {"lr": 0.1, "momentum": 0.9}, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    (
        "sgd",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weightDecay": 0.25},
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.25),
    ),
    ("adam", {}, lambda p: torch.optim.Adam(p)),
    (
        "adam",
        {"lr": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.01},
        lambda p: torch.optim.Adam(p, 0.1, (0.5, 0.75), 0.01),
    ),
    ("adam", {"lr": 0.1, "beta1": 0}, lambda p: torch.optim.Adam(p, 0.1, (0, 0.999))),
    ("adamW", {}, lambda p: torch.optim.AdamW(p)),
    ("rmsProp", {}, lambda p: torch.optim.RMSprop(p)),
    ("rmsProp", {"lr": 0.1, "decay": 0.5, "epsilon": 0.01}, lambda p: torch.optim.RMSprop(p, 0.1, 0.5, 0.01)),
    (
        "rmsProp",
        {"lr": 0.1, "momentum": 0.9, "weightDecay": 0.25},
        lambda p: torch.optim.RMSprop(p, 0.1, weight_decay=0.25, momentum=0.9),
    ),
    ("adamW", {"lr": 0.1, "weightDecay": 0.25}, lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.25)),
]:
    optimisers.append({"name": name, "options": options, "after": run(make)})


def rates(make, steps=12):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.5)
    schedule = make(optimiser)
    out = []
    for _ in range(steps):
        out.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return out


of = torch.optim.lr_scheduler
schedules = [
    {"name": "cosineDecay", "arguments": [0.5, 11], "rates": rates(lambda o: of.CosineAnnealingLR(o, 11))},
    {
        "name": "cosineDecay",
        "arguments": [0.5, 11, {"end": 0.125}],
        "rates": rates(lambda o: of.CosineAnnealingLR(o, 11, 0.125)),
    },
    {"name": "stepDecay", "arguments": [0.5, 3], "rates": rates(lambda o: of.StepLR(o, 3))},
    {"name": "stepDecay", "arguments": [0.5, 4, 0.75], "rates": rates(lambda o: of.StepLR(o, 4, 0.75))},
    {"name": "exponentialDecay", "arguments": [0.5, 1, 0.75], "rates": rates(lambda o: of.ExponentialLR(o, 0.75))},
    {
        # From a fifth of the rate to all of it at the fifth step.
        "name": "warmup",
        "arguments": [5, 0.5],
        "rates": rates(lambda o: of.LinearLR(o, start_factor=1 / 5, total_iters=4)),
    },
]

out = {
    "version": torch.__version__,
    "start": start,
    "gradients": gradients,
    "optimisers": optimisers,
    "schedules": schedules,
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.json"), "w") as file:
    json.dump(out, file)
