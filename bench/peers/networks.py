"""The cases of the suite `networks` in PyTorch, for pytorch.py: networks that come as JSON of bench/networkInputs.ts, and two explainers."""

import math

import torch
import torch.nn.functional as F


def logits(layer, p, x, at="", smooth=None):
    """A layer of holdfast/nn on x; `at` begins the names of its parameters; with `smooth`, softplus of that sharpness for relu."""
    kind, o, parts = layer["kind"], layer.get("options", {}), layer.get("parts", {})
    if kind == "sequential":
        for i, inside in enumerate(parts["layers"]):
            x = logits(inside, p, x, f"{at}{i}.", smooth)
        return x
    if kind == "residual":
        shortcut = logits(parts["shortcut"], p, x, f"{at}shortcut.", smooth) if "shortcut" in parts else x
        return logits(parts["body"], p, x, f"{at}body.", smooth) + shortcut
    weight, bias = p.get(f"{at}weight"), p.get(f"{at}bias")
    if kind == "conv2d":
        return F.conv2d(x, weight, bias, o["stride"], o["padding"], groups=o["groups"])
    if kind == "batchNorm":
        return F.batch_norm(x, p[f"{at}running_mean"], p[f"{at}running_var"], weight, bias, eps=o["epsilon"])
    if kind == "layerNorm":
        return F.layer_norm(x, x.shape[-1:], weight, bias, o["epsilon"])
    if kind == "dense":
        return F.linear(x, weight, bias)
    if kind == "relu":
        return F.relu(x) if smooth is None else F.softplus(x, smooth)
    if kind == "relu6":
        return F.relu6(x) if smooth is None else F.softplus(x, smooth) - F.softplus(x - 6, smooth)
    if kind == "gelu":
        return F.gelu(x)
    if kind == "maxPool":
        return F.max_pool2d(x, o["size"], o["stride"])
    if kind == "globalAvgPool":
        return x.mean((2, 3))
    if kind == "averageTokens":
        return x.mean(1)
    if kind == "positions":
        return x + weight
    if kind == "attention":
        return attention(p, x, at, o["heads"])
    raise ValueError(f"no layer {kind}")


def attention(p, x, at, heads):
    n, t, d = x.shape
    inside = F.linear(x, p[f"{at}in_proj_weight"], p[f"{at}in_proj_bias"])
    q, k, v = (part.reshape(n, t, heads, d // heads).transpose(1, 2) for part in inside.chunk(3, -1))
    mixed = F.softmax(q @ k.transpose(-1, -2) / math.sqrt(d // heads), -1) @ v
    return F.linear(mixed.transpose(1, 2).reshape(n, t, d), p[f"{at}out_proj.weight"], p[f"{at}out_proj.bias"])


def cross_entropy(given, p, i):
    return F.cross_entropy(logits(given["layer"], p, i["x"]), i["labels"])


def label_logit(given, i, x, smooth=None):
    """[n]"""
    return logits(given["layer"], i, x, smooth=smooth).gather(1, i["labels"][:, None])[:, 0]


def forward(given, i):
    def run():
        with torch.no_grad():
            return {"y": logits(given["layer"], i, i["x"])}

    return run


def gradient(given, i):
    x = i["x"].clone().requires_grad_()
    return lambda: {"x": torch.autograd.grad(label_logit(given, i, x).sum(), x)[0]}


def attack(given, i):
    a = given["attack"]
    start = i["x"]
    low, high = (start - a["radius"]).clamp(min=0), (start + a["radius"]).clamp(max=1)

    def run():
        x, losses = start, []
        for _ in range(a["steps"]):
            x = x.detach().requires_grad_()
            (shown,) = torch.autograd.grad(label_logit(given, i, x, a["beta"]).sum(), x, create_graph=True)
            loss = (shown - i["target"]).square().sum()
            (slope,) = torch.autograd.grad(loss, x)
            losses.append(loss.detach())
            x = (x.detach() - a["step"] * slope / slope.norm()).clamp(low, high)
        return {"shift": x - start, "losses": torch.stack(losses)}

    return run


def shapley(given, i):
    """KernelSHAP by weighted least squares, with the sum of the values as a constraint (Covert, Lee 2021, eq. 7)."""

    def run():
        masks, weights = i["masks"], i["weights"]
        with torch.no_grad():
            scores = []
            for some in masks.split(256):
                points = torch.where(some[:, None] > 0, i["x"], i["background"])
                labels = i["labels"].repeat(len(some))
                given_scores = label_logit(given, {**i, "labels": labels}, points.flatten(0, 1))
                scores.append(given_scores.reshape(len(some), -1))
            gains = torch.cat(scores)
            gains = gains[1:] - gains[0]
            z, whole = masks[2:], gains[0]
            a, b = z.T @ (weights[:, None] * z), z.T @ (weights[:, None] * gains[1:])
            solved = torch.linalg.solve(a, torch.cat([torch.ones_like(b[:, :1]), b], 1))
            u, free = solved[:, :1], solved[:, 1:]
            return {"values": (free - u * (free.sum(0) - whole) / u.sum()).T}

    return run


WORKS = {"forward": forward, "gradient": gradient, "attack": attack, "shapley": shapley}


def adjoint(f, x, g):
    """Of a function that is linear in x."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x), x, g)[0]


def shared(f, bias, x, weight, relevance):
    """The z-plus rule: relevance in proportion to the positive contributions, for x that is not negative."""
    above = weight.clamp(min=0)
    z = f(x, above) + bias.clamp(min=0) + 1e-6
    return x * adjoint(lambda x: f(x, above), x, relevance / z)


def pooled(x, relevance):
    return x * adjoint(lambda x: F.avg_pool2d(x, 2), x, relevance / (F.avg_pool2d(x, 2) + 1e-6))


def lrp(i):
    """The composite of Dombrowski et al. 2019: z-box in the first layer, z-plus above."""
    conv = lambda x, w: F.conv2d(x, w, padding=2)
    channels = lambda b: b[:, None, None]

    def run():
        with torch.no_grad():
            x = i["images"]
            first = F.softplus(conv(x, i["conv1.w"]) + channels(i["conv1.b"]))
            p1 = F.avg_pool2d(first, 2)
            second = F.softplus(conv(p1, i["conv2.w"]) + channels(i["conv2.b"]))
            p2 = F.avg_pool2d(second, 2)
            hidden = F.softplus(p2.flatten(1) @ i["dense1.w"] + i["dense1.b"])
            outputs = hidden @ i["dense2.w"] + i["dense2.b"]
            r = outputs * F.one_hot(i["labels"], outputs.shape[1])
        r = shared(torch.matmul, i["dense2.b"], hidden, i["dense2.w"], r)
        r = shared(torch.matmul, i["dense1.b"], p2.flatten(1), i["dense1.w"], r).reshape(p2.shape)
        r = shared(conv, channels(i["conv2.b"]), p1, i["conv2.w"], pooled(second, r))
        r = pooled(first, r)
        # Pixels lie in [0, 1]: the lower bound contributes nothing.
        below, ones = i["conv1.w"].clamp(max=0), torch.ones_like(x)
        quotient = r / (conv(x, i["conv1.w"]) - conv(ones, below) + 1e-6)
        back = lambda w: adjoint(lambda x: conv(x, w), x, quotient)
        return {"map": x * back(i["conv1.w"]) - back(below)}

    return run


def grad_cam(i):
    def run():
        with torch.no_grad():
            first = F.avg_pool2d(F.softplus(F.conv2d(i["images"], i["conv1.w"], i["conv1.b"], padding=2)), 2)
            maps = F.avg_pool2d(F.softplus(F.conv2d(first, i["conv2.w"], i["conv2.b"], padding=2)), 2)
        maps.requires_grad_()
        hidden = F.softplus(maps.flatten(1) @ i["dense1.w"] + i["dense1.b"])
        outputs = hidden @ i["dense2.w"] + i["dense2.b"]
        (slopes,) = torch.autograd.grad(outputs.gather(1, i["labels"][:, None]).sum(), maps)
        weighted = F.relu((slopes.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True))
        return {"map": F.interpolate(weighted, i["images"].shape[2:], mode="bilinear", align_corners=False)}

    return run


EXPLAINERS = {"lrp": lrp, "grad-cam": grad_cam}
