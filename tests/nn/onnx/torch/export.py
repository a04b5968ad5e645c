"""Exports networks of torchvision with random weights, and what they give: outputs and input gradients in float64.

    python3 tests/nn/onnx/torch/export.py FOLDER [NAME ...]

Needs Debian's python3-torch and python3-torchvision (1.13, 0.14); nothing is downloaded. Each NAME.onnx gets a NAME.json beside it and raw
float64 files of the input, the output, and the gradient of the output's product with fixed weights. For small networks also the gradient of
the squared norm of that gradient. `node dist/tests/nn/onnx/agreement.js FOLDER` compares.
"""

import json
import sys
from pathlib import Path

import torch
import torchvision
from torch import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(576, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))


def small_vit():
    # An odd number of heads: PyTorch's fast path, which takes even ones, has no export.
    net = torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=3, hidden_dim=48, mlp_dim=64, num_classes=10)
    nn.init.normal_(net.heads.head.weight, std=0.2)  # It starts as 0.
    return net


def narrow_vgg11():
    """The convolutions of VGG-11 at 224x224; its own first dense layer has 411 MB, more than many adapters bind."""
    net = torchvision.models.vgg11(num_classes=20)
    net.classifier = nn.Sequential(nn.Linear(512 * 7 * 7, 256), nn.ReLU(), nn.Linear(256, 20))
    return net


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cell = kind(5, 8, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.cell(x)[0][:, -1])


vision = torchvision.models
NETWORKS = {
    "lenet": (lenet, (1, 32, 32), 13, True),
    "resnet18": (lambda: vision.resnet18(num_classes=20), (3, 64, 64), 13, False),
    "resnet18_bn": (lambda: vision.resnet18(num_classes=20), (3, 64, 64), 17, False),
    "resnet18_224": (lambda: vision.resnet18(), (3, 224, 224), 13, False),
    "mobilenet_v2_224": (lambda: vision.mobilenet_v2(), (3, 224, 224), 12, False),
    "squeezenet": (lambda: vision.squeezenet1_1(num_classes=20), (3, 64, 64), 11, False),
    "mobilenet_v2": (lambda: vision.mobilenet_v2(num_classes=20), (3, 64, 64), 12, False),
    "mobilenet_v3": (lambda: vision.mobilenet_v3_small(num_classes=20), (3, 64, 64), 14, False),
    "shufflenet": (lambda: vision.shufflenet_v2_x0_5(num_classes=20), (3, 64, 64), 9, False),
    "densenet121": (lambda: vision.densenet121(num_classes=20), (3, 64, 64), 13, False),
    "efficientnet_b0": (lambda: vision.efficientnet_b0(num_classes=20), (3, 64, 64), 15, False),
    "googlenet": (lambda: vision.googlenet(num_classes=20, aux_logits=False, init_weights=False), (3, 64, 64), 10, False),
    "convnext": (lambda: vision.ConvNeXt(
        [vision.convnext.CNBlockConfig(16, 32, 1), vision.convnext.CNBlockConfig(32, None, 1)], num_classes=10),
        (3, 32, 32), 17, True),
    "vit": (small_vit, (3, 32, 32), 16, True),
    "vgg11_narrow": (narrow_vgg11, (3, 224, 224), 13, False),
    "lstm": (lambda: Recurrent(nn.LSTM), (6, 5), 14, True),
    "gru": (lambda: Recurrent(nn.GRU), (6, 5), 14, True),
}
UNFUSED = {"resnet18_bn", "shufflenet"}


def randomise(net):
    """Running statistics and factors that are not 0 and 1."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)


def make(folder, name):
    torch.manual_seed(sum(map(ord, name)))
    build, shape, opset, second = NETWORKS[name]
    net = build().eval()
    randomise(net)
    x = torch.rand(1, *shape)
    training = torch.onnx.TrainingMode.PRESERVE if name in UNFUSED else torch.onnx.TrainingMode.EVAL
    with torch.no_grad():
        torch.onnx.export(net, x, folder / f"{name}.onnx", opset_version=opset, training=training,
                          input_names=["input"], output_names=["output"])
    net = net.double()
    net.requires_grad_(False)
    batch = torch.rand(2, *shape).double().requires_grad_(True)
    y = net(batch)
    weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).reshape(y.shape)
    (gradient,) = torch.autograd.grad((y * weights).sum(), batch, create_graph=second)
    files = {"input": batch, "output": y, "gradient": gradient}
    if second:
        (files["second"],) = torch.autograd.grad((gradient ** 2).sum(), batch)
    for part, value in files.items():
        value.detach().numpy().tofile(folder / f"{name}.{part}.f64")
    info = {"opset": opset, "inputShape": list(batch.shape), "outputShape": list(y.shape), "second": second}
    (folder / f"{name}.json").write_text(json.dumps(info))
    print(name, info, flush=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[2:] or NETWORKS:
        try:
            make(target, chosen)
        except Exception as error:  # One that cannot be exported does not stop the others.
            print(f"{chosen}: {error}", file=sys.stderr, flush=True)
