"""Writes ops.json beside this file: results of PyTorch for ops with a convention (side of padding, ties, divisors).

    python3 tests/goldens/make.py

The file says which version made it. Inputs are small and written out, so that the test needs no generator.
The formatter of the repository lays the file out.
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(0)
cases = []


def tensor(t):
    return {"shape": list(t.shape), "data": [round(v, 12) for v in t.detach().double().flatten().tolist()]}


def case(op, note, inputs, result, options=None):
    """One case, with the gradient of the weighted sum of the result where it is differentiable."""
    entry = {"op": op, "note": note, "options": options or {}, "inputs": [tensor(x) for x in inputs], "result": tensor(result)}
    if result.requires_grad:
        weights = torch.linspace(-1, 1, result.numel(), dtype=torch.float64).reshape(result.shape)
        grads = torch.autograd.grad((result * weights).sum(), inputs)
        entry["gradients"] = [tensor(g) for g in grads]
    cases.append(entry)


def random(*shape):
    return (torch.randn(*shape, dtype=torch.float64) * 1000).round().div(1000).requires_grad_()


x, w = random(2, 4, 6, 5), random(6, 2, 3, 2)
case("conv2d", "stride, padding, dilation and groups", [x, w],
     F.conv2d(x, w, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
     {"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2], "groups": 2})
x, w = random(1, 2, 4, 5), random(3, 2, 2, 4)
case("conv2d", "'same' puts the odd pixel at the bottom and right", [x, w], F.conv2d(x, w, padding="same"), {"padding": "same"})
x, w = random(2, 4, 3, 4), random(4, 2, 3, 3)
case("convTranspose2d", "output padding and groups", [x, w],
     F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1, groups=2),
     {"stride": 2, "padding": 1, "outputPadding": 1, "groups": 2})

x = (random(1, 2, 5, 6).detach() - 5).requires_grad_()
case("maxPool2d", "padding is never chosen", [x], F.max_pool2d(x, 3, stride=2, padding=1),
     {"size": 3, "stride": 2, "padding": 1})
x = torch.tensor([[[[1.0, 1, 0, 2], [1, 1, 2, 2]]]], dtype=torch.float64, requires_grad=True)
case("maxPool2d", "the first of equals gets the gradient", [x], F.max_pool2d(x, 2), {"size": 2})
for include in (True, False):
    x = random(1, 2, 5, 6)
    case("avgPool2d", f"padding {'counts' if include else 'does not count'} in the divisor", [x],
         F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=include),
         {"size": 3, "stride": 2, "padding": 1, "countIncludePad": include})
x = random(1, 2, 4, 6)
case("avgPool2d", "windows side by side", [x], F.avg_pool2d(x, 2), {"size": 2})

for size in ([7, 9], [3, 2], [4, 10]):
    x = random(1, 2, 4, 5)
    case("resize2d", f"bilinear to {size}", [x], F.interpolate(x, size=size, mode="bilinear", align_corners=False),
         {"size": size, "mode": "bilinear"})
    x = random(1, 2, 4, 5)
    case("resize2d", f"nearest to {size}", [x], F.interpolate(x, size=size, mode="nearest"), {"size": size, "mode": "nearest"})

x = random(3, 4, 2)
case("softmax", "over axis 1", [x], F.softmax(x, 1), {"axis": 1})
x = random(3, 5)
case("logSoftmax", "over the last axis", [x], F.log_softmax(x, -1), {"axis": -1})

x, scale, shift = random(2, 3, 4), random(3, 4), random(3, 4)
case("layerNorm", "variance divided by n", [x, scale, shift], F.layer_norm(x, (3, 4), scale, shift, 1e-5), {"axes": [1, 2]})
x, scale, shift = random(2, 4, 2, 3), random(4), random(4)
case("groupNorm", "two groups", [x, scale, shift], F.group_norm(x, 2, scale, shift, 1e-5), {"groups": 2})
x, scale, shift = random(3, 2, 2, 2), random(2), random(2)
case("batchNorm", "statistics of the batch", [x, scale, shift],
     F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5))

x = torch.tensor([[2.0, -1, 2, 0, -1], [float("-inf"), 3, 3, float("inf"), -0.0]], dtype=torch.float64)
for descending in (False, True):
    order = torch.sort(x, stable=True, descending=descending)[1]
    cases.append({"op": "argsort", "note": "descending" if descending else "ascending", "options": {"descending": descending},
                  "inputs": [{"shape": [2, 5], "data": [2, -1, 2, 0, -1, "-Infinity", 3, 3, "Infinity", -0.0]}],
                  "result": {"shape": [2, 5], "data": order.flatten().tolist()}})
x = random(2, 3, 6)
case("topK", "values along the middle axis", [x], torch.topk(x, 2, dim=1)[0], {"k": 2, "axis": 1})
x = random(2, 7)
case("quantile", "linear interpolation", [x], torch.quantile(x, 0.4, dim=1), {"q": 0.4, "axis": 1})
x = random(4, 3)
case("quantile", "an even median along axis 0", [x], torch.quantile(x, 0.5, dim=0), {"q": 0.5, "axis": 0})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json")
with open(path, "w") as f:
    f.write('{\n"made": "tests/goldens/make.py, PyTorch ' + torch.__version__.split("+")[0] + ', CPU, float64",\n"cases": [\n')
    f.write(",\n".join(json.dumps(c) for c in cases))
    f.write("\n]\n}\n")
print(f"{len(cases)} cases, {os.path.getsize(path)} bytes")
