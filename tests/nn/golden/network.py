"""A small network between PyTorch and Holdfast, with nothing but PyTorch, by the description of safetensors.

    python3 network.py write FILE    the state_dict of the network, and the logits it gives in the metadata
    python3 network.py read FILE     the network with the tensors of a file of Holdfast, every name needed: prints its logits
"""

import json
import sys

import torch
from torch import nn

TYPES = {"F32": torch.float32, "I64": torch.int64}


def network():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.Sequential(nn.BatchNorm2d(3), nn.Softplus(beta=2)),
        nn.AvgPool2d(2),
        nn.Conv2d(3, 2, (2, 3), bias=False),
        nn.MaxPool2d(2, 1),
        nn.Flatten(),
        nn.LayerNorm(4),
        nn.Dropout(0.5),
        nn.Linear(4, 5),
    )


# Two images of 8x8 pixels, multiples of 1/256.
PIXELS = (torch.arange(2 * 64) * 37 % 256 / 256).reshape(2, 1, 8, 8)


def write(path):
    torch.manual_seed(3)
    model = network()
    state = model.state_dict()
    for tensor in state.values():
        if tensor.dtype == torch.float32:
            tensor.uniform_(0.25, 1.25) if tensor.dim() == 1 else tensor.uniform_(-1, 1)
    model.load_state_dict(state)
    model.eval()
    logits = model.double()(PIXELS.double()).detach()
    header = {"__metadata__": {"format": "pt", "logits": json.dumps(logits.flatten().tolist())}}
    body = b""
    names = {dtype: name for name, dtype in TYPES.items()}
    for name, tensor in model.float().state_dict().items():
        data = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + body)


def read(path):
    raw = open(path, "rb").read()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    state = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = bytearray(raw[8 + length + begin : 8 + length + end])
        state[name] = torch.frombuffer(data, dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    model = network()
    model.load_state_dict(state)
    model.eval()
    print(json.dumps(model.double()(PIXELS.double()).flatten().tolist()))


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
