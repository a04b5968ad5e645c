"""Writes and checks safetensors files with nothing but numpy and PyTorch, by the format's description.

    python3 make-safetensors.py write FILE    a file with every type that PyTorch saves and Holdfast reads
    python3 make-safetensors.py read FILE     prints one line per tensor: name, type, shape, elements
"""

import json
import sys

import numpy
import torch

TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
}


def write(path):
    values = torch.tensor([0.0, -0.0, 1.0, -2.5, 1 / 3, 6.0e-8, 65504.0, float("inf"), float("-inf"), float("nan")])
    tensors = {name.lower(): values.to(TYPES[name]).reshape(2, 5) for name in ("F64", "F32", "F16", "BF16")}
    tensors["i64"] = torch.tensor([0, -1, 2**31 - 1, -(2**31)])
    tensors["i32"] = torch.tensor([[0], [-7], [2**31 - 1]], dtype=torch.int32)
    tensors["scalar"] = torch.tensor(3.25)
    tensors["empty"] = torch.zeros(0, 4)
    # Parameters as a network names them.
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    tensors.update(network.state_dict())
    header, body = {"__metadata__": {"format": "pt", "note": "μ, \"quoted\""}}, b""
    names = {dtype: name for name, dtype in TYPES.items()}
    for name, tensor in tensors.items():
        data = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + body)


def read(path):
    raw = open(path, "rb").read()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    print("metadata", json.dumps(header.pop("__metadata__", {}), sort_keys=True))
    assert length % 8 == 0, "elements start on a multiple of 8 bytes"
    for name, entry in sorted(header.items()):
        begin, end = entry["data_offsets"]
        data = bytearray(raw[8 + length + begin : 8 + length + end])
        if entry["dtype"] == "U32":  # PyTorch has it since 2.3 only
            tensor = numpy.frombuffer(data, dtype="<u4")
        else:
            dtype = TYPES[entry["dtype"]]
            tensor = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        print(name, entry["dtype"], entry["shape"], tensor.reshape(entry["shape"]).reshape(-1).tolist())


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
