"""The cases in PyTorch. Usage: pytorch.py FOLDER. Reads FOLDER/manifest.json:

    {"dtype": "float64" | "float32", "runs": int, "inputs": {case: {name: {"file", "shape", "dtype"}}}}

runs every case in it and writes its results as raw arrays of that dtype; with runs > 0 it times them too.
Writes FOLDER/answer.json: {"versions", "threads", "cases": {case: {"results": {name: file}, "wall": [ms], "cpu": [ms]}}}.
Inputs and layouts are those of bench/inputs.ts.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
dtype = getattr(torch, manifest["dtype"])
# Debian's build starts with one thread.
torch.set_num_threads(len(os.sched_getaffinity(0)))


def load(entry):
    array = numpy.fromfile(folder / entry["file"], dtype=entry["dtype"]).reshape(entry["shape"])
    tensor = torch.from_numpy(array)
    return tensor.long() if entry["dtype"] == "int32" else tensor.to(dtype)


def logits(p, images):
    first = F.avg_pool2d(F.softplus(F.conv2d(images, p["conv1.w"], p["conv1.b"], padding=2)), 2)
    second = F.avg_pool2d(F.softplus(F.conv2d(first, p["conv2.w"], p["conv2.b"], padding=2)), 2)
    hidden = F.softplus(second.flatten(1) @ p["dense1.w"] + p["dense1.b"])
    return hidden @ p["dense2.w"] + p["dense2.b"]


def label_logit(p, images, labels):
    return logits(p, images).gather(1, labels[:, None]).sum()


def split(inputs):
    """Parameters as leaves, images, labels."""
    p = {name: t.clone().requires_grad_() for name, t in inputs.items() if name not in ("images", "labels")}
    return p, inputs["images"], inputs["labels"]


def train_step(inputs, adam):
    p, images, labels = split(inputs)
    optimiser = torch.optim.Adam(p.values(), adam["learningRate"], (adam["beta1"], adam["beta2"]), adam["epsilon"])

    def step():
        optimiser.zero_grad()
        loss = F.cross_entropy(logits(p, images), labels)
        loss.backward()
        optimiser.step()
        return loss

    def results():
        losses = [step().detach()]
        gradients = {f"gradient {name}": t.grad.clone() for name, t in p.items()}
        losses += [step().detach(), step().detach()]
        return {"losses": torch.stack(losses), **gradients}

    return step, results


def input_gradient(inputs):
    p, images, labels = split(inputs)
    p = {name: t.detach() for name, t in p.items()}
    x = images.clone().requires_grad_()
    return lambda: {"x": torch.autograd.grad(label_logit(p, x, labels), x)[0]}


def second_order(inputs):
    p, images, labels = split(inputs)
    x = images.clone().requires_grad_()
    # The last bias does not reach the input gradient.
    names = [name for name in p if name != "dense2.b"]

    def run():
        (gradient,) = torch.autograd.grad(label_logit(p, x, labels), x, create_graph=True)
        roughness = gradient.square().sum() / len(images)
        gradients = torch.autograd.grad(roughness, [p[name] for name in names])
        return {f"gradient {name}": g for name, g in zip(names, gradients)}

    return run


def simple(case, i):
    if case.startswith("matmul"):
        return lambda: {"c": i["a"] @ i["b"]}
    if case == "conv2-input-gradient":
        return lambda: {"x": torch.nn.grad.conv2d_input(i["x"].shape, i["w"], i["g"], padding=2)}
    if case == "conv2-filter-gradient":
        return lambda: {"w": torch.nn.grad.conv2d_weight(i["x"], i["w"].shape, i["g"], padding=2)}
    if case.startswith("conv"):
        return lambda: {"y": F.conv2d(i["x"], i["w"], padding=2)}
    if case == "softplus-4m":
        return lambda: {"y": F.softplus(i["x"] * i["w"] + i["b"])}
    if case == "sum-4m":
        return lambda: {"sum": i["x"].sum()}
    raise ValueError(f"no case {case}")


def build(case, inputs):
    """(what is timed, what gives the results)."""
    if case == "train-step":
        return train_step(inputs, manifest["adam"])
    if case == "input-gradient":
        run = input_gradient(inputs)
    elif case == "second-order":
        run = second_order(inputs)
    else:
        run = simple(case, inputs)
    return run, run


def timed(run):
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


answer = {"versions": {"torch": torch.__version__}, "threads": torch.get_num_threads(), "cases": {}}
for case, entries in manifest["inputs"].items():
    run, results = build(case, {name: load(entry) for name, entry in entries.items()})
    written = {}
    for name, value in results().items():
        written[name] = f"{case}.{name}.out"
        value.detach().contiguous().numpy().tofile(folder / written[name])
    times = []
    if manifest["runs"] > 0:
        run()
        times = [timed(run) for _ in range(manifest["runs"])]
    answer["cases"][case] = {"results": written, "wall": [w for w, _ in times], "cpu": [c for _, c in times]}
(folder / "answer.json").write_text(json.dumps(answer))
