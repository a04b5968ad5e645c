"""The cases in PyTorch. Usage: pytorch.py FOLDER. Reads FOLDER/manifest.json:

    {"dtype": "float64" | "float32", "device": "cpu" | "cuda", "graph": bool, "runs": int, "adam": {...},
     "around": {...}, "networks": {case: {"layer", "work", ...}}, "inputs": {case: {name: {"file", "shape", "dtype"}}}}

runs every case in it and writes its results as raw arrays of that dtype; with runs > 0 it times them too. With graph,
every case is a CUDA graph. Writes FOLDER/answer.json: {"versions", "threads", "device", "cases": {case: answer}}, where
an answer is {"results": {name: file}, "wall": [ms], "cpu": [ms], "inARow": [ms]} or {"error": str}; "inARow", on CUDA
alone, is the time of a run among many that are issued without waiting, by CUDA events.
Inputs and layouts are those of bench/inputs.ts; "networks" are those of bench/networkInputs.ts, which networks.py runs.
"""

import json
import math
import os
import sys
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

import networks

folder = Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
dtype = getattr(torch, manifest["dtype"])
device = torch.device(manifest["device"])
on_cuda = device.type == "cuda"
# The systems compared compute in fp32: no TF32.
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.benchmark = True
# Debian's build starts with one thread.
torch.set_num_threads(len(os.sched_getaffinity(0)))


def load(entry):
    array = numpy.fromfile(folder / entry["file"], dtype=entry["dtype"]).reshape(entry["shape"])
    tensor = torch.from_numpy(array).to(device)
    return tensor.long() if entry["dtype"] == "int32" else tensor.to(dtype)


def logits(p, images):
    first = F.avg_pool2d(F.softplus(F.conv2d(images, p["conv1.w"], p["conv1.b"], padding=2)), 2)
    second = F.avg_pool2d(F.softplus(F.conv2d(first, p["conv2.w"], p["conv2.b"], padding=2)), 2)
    hidden = F.softplus(second.flatten(1) @ p["dense1.w"] + p["dense1.b"])
    return hidden @ p["dense2.w"] + p["dense2.b"]


def label_logit(p, images, labels):
    return logits(p, images).gather(1, labels[:, None]).sum()


def split(inputs):
    """Parameters, which are named layer.kind, as leaves; images; labels."""
    p = {name: t.clone().requires_grad_() for name, t in inputs.items() if "." in name}
    return p, inputs.get("images"), inputs["labels"]


def cross_entropy(p, i):
    return F.cross_entropy(logits(p, i["images"]), i["labels"])


def naive(p, i):
    """Eq. 2 with squared L2 between the label logit's gradients; one forward pass serves predictions and gradients."""
    k = manifest["around"]["samples"]
    x = torch.cat([i["images"], i["neighbours"]]).requires_grad_()
    labels = i["labels"].repeat(1 + k)
    outputs = logits(p, x)
    (maps,) = torch.autograd.grad(outputs.gather(1, labels[:, None]).sum(), x, create_graph=True)
    n = len(i["images"])
    distance = (maps[n:] - maps[:n].repeat(k, 1, 1, 1)).square().sum((1, 2, 3)).mean()
    predictions = F.cross_entropy(outputs[:n], labels[:n]) + F.cross_entropy(outputs[n:], labels[n:])
    return predictions + manifest["around"]["weight"] * distance


def atex(p, i):
    """Eq. 4: KL(taught, network) at the images and at the points around them."""
    outputs = F.log_softmax(logits(p, torch.cat([i["images"], i["points"]])), 1)
    taught = F.softmax(i["taught"], 1)
    n = len(i["images"])
    return sum(F.kl_div(outputs[part], taught[part], reduction="batchmean") for part in (slice(n), slice(n, None)))


def train_step(inputs, adam, loss_of):
    p = split(inputs)[0]
    start = {name: t.detach().clone() for name, t in p.items()}
    betas = (adam["beta1"], adam["beta2"])
    capturable = manifest["graph"]
    optimiser = torch.optim.Adam(p.values(), adam["learningRate"], betas, adam["epsilon"], capturable=capturable)

    def step():
        optimiser.zero_grad()
        loss = loss_of(p, inputs)
        loss.backward(inputs=list(p.values()))
        optimiser.step()
        return loss.detach()

    def reset():
        with torch.no_grad():
            for name, t in p.items():
                t.copy_(start[name])
        for state in optimiser.state.values():
            for t in state.values():
                t.zero_()

    def results(run):
        losses = [run().clone()]
        gradients = {f"gradient {name}": t.grad.clone() for name, t in p.items()}
        losses += [run().clone(), run().clone()]
        return {"losses": torch.stack(losses), **gradients}

    return step, results, reset


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
    """(what is timed, what gives results by running that, what undoes all runs so far)."""
    if case in manifest["networks"]:
        given = manifest["networks"][case]
        if given["work"] == "training":
            return train_step(inputs, manifest["adam"], lambda p, i: networks.cross_entropy(given, p, i))
        run = networks.WORKS[given["work"]](given, inputs)
        return run, lambda run: run(), lambda: None
    losses = {"train-step": cross_entropy, "naive-step": naive, "atex-step": atex}
    if case in losses:
        return train_step(inputs, manifest["adam"], losses[case])
    if case == "input-gradient":
        run = input_gradient(inputs)
    elif case == "second-order":
        run = second_order(inputs)
    elif case in networks.EXPLAINERS:
        run = networks.EXPLAINERS[case](inputs)
    else:
        run = simple(case, inputs)
    return run, lambda run: run(), lambda: None


def recorded(run):
    """A run as a CUDA graph; the function replays it and returns the tensors it writes to."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        written = run()

    def replay():
        graph.replay()
        return written

    return replay


def wait():
    if on_cuda:
        torch.cuda.synchronize()


def timed(run):
    wait()
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    wait()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def in_a_row(run, count):
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    wait()
    start.record()
    for _ in range(count):
        run()
    end.record()
    wait()
    return start.elapsed_time(end) / count


def measure(case, inputs):
    run, results, reset = build(case, inputs)
    if manifest["graph"]:
        run = recorded(run)
        reset()
    written = {}
    for name, value in results(run).items():
        written[name] = f"{case}.{name}.out"
        value.detach().contiguous().cpu().numpy().tofile(folder / written[name])
    times, row = [], []
    if manifest["runs"] > 0:
        run()
        times = [timed(run) for _ in range(manifest["runs"])]
        if on_cuda:
            count = min(200, math.ceil(50 / min(w for w, _ in times)))
            row = [in_a_row(run, count) for _ in range(manifest["runs"])]
    return {"results": written, "wall": [w for w, _ in times], "cpu": [c for _, c in times], "inARow": row}


def blas():
    """The library that matrix products go to, as far as the system tells: Debian's builds take whichever is installed."""
    torch.ones(8, 8) @ torch.ones(8, 8)
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return None
    files = {line.split()[-1] for line in maps.splitlines() if "blas" in line.lower() or "mkl" in line.lower()}
    names = sorted({Path(os.path.realpath(file)).name for file in files})
    # The generic names stand for whichever of these they load.
    makers = [name for name in names if any(maker in name for maker in ("openblas", "mkl", "blis", "atlas"))]
    return ", ".join(makers or names) or "built in"


answer = {"versions": {"torch": torch.__version__, "blas": blas()}, "threads": torch.get_num_threads(), "cases": {}}
if on_cuda:
    answer["device"] = torch.cuda.get_device_name()
    answer["versions"]["cuda"] = torch.version.cuda
for case, entries in manifest["inputs"].items():
    try:
        answer["cases"][case] = measure(case, {name: load(entry) for name, entry in entries.items()})
    except RuntimeError as error:
        answer["cases"][case] = {"error": str(error)}
(folder / "answer.json").write_text(json.dumps(answer))
