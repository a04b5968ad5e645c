"""Whole-network goldens in float64, made with PyTorch 1.13 (Debian's python3-torch): python3 networks.py > networks.json

For each network: cross-entropy of a batch, its gradient with respect to every parameter, the input gradient of the label
logits, and the gradient with respect to every parameter of the mean squared norm of that input gradient. Parameter k is
hash(i, 100 + k) / 2^31 - 1 scaled by 1/sqrt(fan in) (biases by 0.1), images are hash(i, 1) / 2^32 and labels i mod 10, all rounded to f32,
so the test makes the same numbers. Arrays are summarised by their norm, their inner product with hash(i, 7) / 2^31 - 1, and their
first eight elements."""

import json

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def hashed(count, stream):
    i = np.arange(1, count + 1, dtype=np.uint64)
    m = np.uint64(0xFFFFFFFF)
    b = ((i * np.uint64(0x9E3779B1)) & m) ^ np.uint64((stream * 0x85EBCA6B) & 0xFFFFFFFF)
    b = ((b ^ (b >> np.uint64(16))) * np.uint64(0x7FEB352D)) & m
    b = ((b ^ (b >> np.uint64(15))) * np.uint64(0x846CA68B)) & m
    return (b ^ (b >> np.uint64(16))).astype(np.float64)


def signed(count, stream):
    return hashed(count, stream) / 2.0**31 - 1


def summary(t):
    a = t.detach().numpy().reshape(-1)
    return {
        "size": int(a.size),
        "norm": float(np.linalg.norm(a)),
        "projection": float(a @ signed(a.size, 7)),
        "first": [float(v) for v in a[:8]],
    }


def tensor(shape, scale, stream):
    count = int(np.prod(shape))
    return torch.from_numpy((signed(count, stream) * scale).astype(np.float32).astype(np.float64)).reshape(shape)


def parameters(shapes):
    out = []
    for k, shape in enumerate(shapes):
        scale = 0.1 if len(shape) == 1 else 1 / np.sqrt(np.prod(shape[1:]))
        out.append(tensor(shape, scale, 100 + k).requires_grad_())
    return out


def paper(p, x):
    h = F.avg_pool2d(F.softplus(F.conv2d(x, p[0], p[1], padding=2)), 2)
    h = F.avg_pool2d(F.softplus(F.conv2d(h, p[2], p[3], padding=2)), 2)
    h = F.softplus(h.flatten(1) @ p[4].T + p[5])
    return h @ p[6].T + p[7]


def authors(activation):
    def apply(p, x):
        h = F.max_pool2d(activation(F.conv2d(x, p[0], p[1])), 2)
        h = F.max_pool2d(activation(F.conv2d(h, p[2], p[3])), 2)
        h = torch.tanh(h.flatten(1) @ p[4].T + p[5])
        return h @ p[6].T + p[7]

    return apply


PAPER = [(32, 1, 5, 5), (32,), (64, 32, 5, 5), (64,), (128, 3136), (128,), (10, 128), (10,)]
AUTHORS = [(32, 1, 3, 3), (32,), (32, 32, 3, 3), (32,), (120, 800), (120,), (10, 120), (10,)]
NETWORKS = {
    "paper softplus": (PAPER, paper),
    "authors softplus beta 10": (AUTHORS, authors(lambda z: F.softplus(10 * z) / 10)),
    "authors relu": (AUTHORS, authors(F.relu)),
}
BATCH = 8

out = {}
for name, (shapes, apply) in NETWORKS.items():
    p = parameters(shapes)
    pixels = (hashed(BATCH * 784, 1) / 2.0**32).astype(np.float32).astype(np.float64)
    x = torch.from_numpy(pixels).reshape(BATCH, 1, 28, 28).requires_grad_()
    y = torch.arange(BATCH) % 10
    loss = F.cross_entropy(apply(p, x), y)
    first = torch.autograd.grad(loss, p)
    score = apply(p, x).gather(1, y[:, None]).sum()
    (gx,) = torch.autograd.grad(score, x, create_graph=True)
    energy = (gx**2).sum() / BATCH
    # The last bias does not enter the input gradient.
    second = torch.autograd.grad(energy, p, allow_unused=True)
    out[name] = {
        "shapes": [list(s) for s in shapes],
        "loss": float(loss),
        "gradients": [summary(g) for g in first],
        "inputGradient": summary(gx),
        "energy": float(energy),
        "second": [summary(torch.zeros_like(q) if g is None else g) for g, q in zip(second, p)],
    }
print(json.dumps(out, indent=1))
