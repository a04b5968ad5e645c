"""Writes layers.json beside this file: losses and normalising layers of PyTorch, with gradients, in float64.

    python3 tests/goldens/layers.py

Inputs are multiples of 1/64, so f32 holds them exactly. The formatter of the repository lays the file out.
"""
import json
import os

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)


def numbers(*shape, low=-192, high=192):
    return (torch.randint(low, high + 1, shape) / 64).requires_grad_()


def pack(t):
    return {"shape": list(t.shape), "data": t.detach().flatten().tolist()}


def gradients(loss, *inputs):
    return [pack(g) for g in torch.autograd.grad(loss, inputs)]


logits, other = numbers(5, 4), numbers(5, 4)
labels = torch.tensor([3, 0, 1, 1, 2])
# Shares in sixteenths that sum to one.
soft = torch.tensor([[16, 0, 0, 0], [8, 4, 2, 2], [4, 4, 4, 4], [0, 1, 15, 0], [1, 2, 3, 10]]) / 16

losses = []


def loss(name, value, targets=None, **options):
    inputs = [logits] if targets is not None else [logits, other]
    entry = {"name": name, "options": options, "value": value.item(), "gradients": gradients(value, *inputs)}
    losses.append(entry | ({"targets": targets} if targets else {}))


loss("crossEntropy", F.cross_entropy(logits, labels), "labels")
loss("crossEntropy", F.cross_entropy(logits, soft), "soft")
loss("crossEntropy", F.cross_entropy(logits, labels, label_smoothing=0.25), "labels", labelSmoothing=0.25)
loss("crossEntropy", F.cross_entropy(logits, soft, label_smoothing=0.25), "soft", labelSmoothing=0.25)
loss("mse", F.mse_loss(logits, other))
loss("huber", F.huber_loss(logits, other))
loss("huber", F.huber_loss(logits, other, delta=0.5), delta=0.5)
loss("binaryCrossEntropy", F.binary_cross_entropy_with_logits(logits, soft), "soft")


def divergence(teacher, student):
    return F.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction="batchmean", log_target=True)


loss("klDivergence", divergence(logits, other))
loss("klDivergence", divergence(logits / 4, other / 4), temperature=4)
loss("klDivergence", divergence(logits / 4, other / 2), temperature=4, studentTemperature=2)

norms = []


def norm(name, layer, shape, batches):
    """Batches in training one after the other, then the first again in evaluation."""
    layer.weight.data = numbers(*layer.weight.shape).detach()
    layer.bias.data = numbers(*layer.bias.shape).detach()
    start = {k: pack(v) for k, v in layer.state_dict().items() if k != "num_batches_tracked"}
    steps = []
    inputs = [numbers(batches, *shape) for _ in range(3)]
    for x, training in [(inputs[0], True), (inputs[1], True), (inputs[2], True), (inputs[0], False)]:
        layer.train(training)
        y = layer(x)
        weights = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
        steps.append(
            {
                "training": training,
                "x": pack(x),
                "y": pack(y),
                # Of x, weight and bias, for the weighted sum of y.
                "gradients": gradients((y * weights).sum(), x, layer.weight, layer.bias),
                "running": {k: pack(v) for k, v in layer.state_dict().items() if k.startswith("running")},
            }
        )
    norms.append({"name": name, "shape": list(shape), "start": start, "steps": steps})


norm("batchNorm", torch.nn.BatchNorm2d(2), (2, 2, 3), 3)
norm("batchNorm", torch.nn.BatchNorm1d(3), (3,), 4)
norm("layerNorm", torch.nn.LayerNorm((2, 3)), (2, 3), 3)

out = {
    "version": torch.__version__,
    "logits": pack(logits),
    "other": pack(other),
    "labels": labels.tolist(),
    "soft": pack(soft),
    "losses": losses,
    "norms": norms,
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json"), "w") as file:
    json.dump(out, file)
