"""The peer of bench/run.py: the seven networks in PyTorch, timed in the same way as bench/bench.c.

usage: peer_torch.py ID BATCH THREADS      answers the commands of bench/peer.py; 0 threads: as many as torch takes by itself
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

import peer

CLASSES = {"D": 10, "E": 10, "F": 10, "G": 5}


def mlp(*sizes):
    layers = [nn.Flatten()]
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return layers[:-1]


class Sliced(nn.Conv2d):
    """3x3 with repeated edges, put on by slices: PyTorch's own padding of that kind cannot be trained compiled."""

    def forward(self, images):
        images = torch.cat((images[:, :, :1], images, images[:, :, -1:]), 2)
        return super().forward(torch.cat((images[..., :1], images, images[..., -1:]), 3))


def conv(fan_in, fan_out, size=3, padding="same", mode="zeros"):
    if mode == "slices":
        return Sliced(fan_in, fan_out, size)
    return nn.Conv2d(fan_in, fan_out, size, padding=padding, padding_mode=mode)


def normed(fan_in, fan_out, **keywords):
    return [conv(fan_in, fan_out, **keywords), nn.BatchNorm2d(fan_out), nn.ReLU()]


def pool(ceil=False):
    return nn.MaxPool2d(2, ceil_mode=ceil)


def up():
    return nn.Upsample(scale_factor=2)


def network(name, sliced=False):
    """The layers of bench/networks.c; a last sigmoid before a cross-entropy is left to the loss."""
    relu, replicate = nn.ReLU, {"mode": "slices" if sliced else "replicate"}
    if name == "A":
        layers = mlp(784, 256, 32, 16, 32, 256, 784)
    elif name == "B":
        layers = mlp(784, 512, 256, 64, 256, 512, 784)
    elif name == "C":
        layers = [conv(1, 64), relu(), pool(True), conv(64, 32), relu(), pool(True), conv(32, 16), relu(), pool(True)]
        layers += [conv(16, 16), relu(), up(), conv(16, 32), relu(), up(), conv(32, 64, padding=0), relu(), up()]
        layers += [conv(64, 1), nn.Sigmoid()]
    elif name == "D":
        layers = [conv(1, 32), relu(), pool(), nn.Dropout(0.2), conv(32, 64), relu(), pool(), nn.Dropout(0.2)]
        layers += [conv(64, 128), relu(), pool(), nn.Dropout(0.3), nn.Flatten()]
        layers += [nn.Linear(1152, 128), relu(), nn.Dropout(0.3), nn.Linear(128, 10)]
    elif name == "E":
        layers = [conv(1, 32, 7), relu(), nn.BatchNorm2d(32), pool(), nn.Flatten()]
        layers += [nn.Linear(6272, 1024), relu(), nn.Linear(1024, 10)]
    elif name == "F":
        layers = [*normed(3, 32, **replicate), pool(), *normed(32, 64, **replicate), pool(), *normed(64, 128, **replicate), pool()]
        layers += [nn.Dropout(0.2), nn.Flatten(), nn.Linear(2048, 512), relu(), nn.Linear(512, 64), relu(), nn.Linear(64, 10)]
    elif name == "G":
        layers = [*normed(1, 10, padding=0), pool(), *normed(10, 20, padding=0), *normed(20, 40, padding=0)]
        layers += [*normed(40, 80, padding=0), pool(), nn.Flatten(), nn.Linear(720, 265), relu(), nn.Dropout(0.5), nn.Linear(265, 5)]
    return nn.Sequential(*layers)


def loss_of(name):
    if name == "A":
        return lambda output, images, labels: F.binary_cross_entropy_with_logits(output, images.flatten(1))
    if name == "B":
        return lambda output, images, labels: F.mse_loss(output, images.flatten(1))
    if name == "C":
        return lambda output, images, labels: F.mse_loss(output, images)
    return lambda output, images, labels: F.cross_entropy(output, labels)


class Variant:
    """One way to run the network: memory format, eager or compiled, Adam fused or as it comes."""

    def __init__(self, name, batch, channels_last=False, compiled=False, frozen=False, fused=True, sliced=False):
        torch.manual_seed(1)
        shape = (batch, 3, 32, 32) if name == "F" else (batch, 1, 28, 28)
        format_ = torch.channels_last if channels_last else torch.contiguous_format
        self.images = [torch.rand(shape).contiguous(memory_format=format_) for _ in range(8)]
        self.labels = [torch.randint(0, CLASSES.get(name, 10), (batch,)) for _ in range(8)]
        self.model = network(name, sliced).to(memory_format=format_).train(not frozen)
        loss = loss_of(name)
        self.forward = self.model
        self.loss = lambda images, labels: loss(self.model(images), images, labels)
        if compiled:
            self.forward = torch.compile(self.model, options={"freezing": frozen})
            self.loss = torch.compile(self.loss)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True if fused else None)
        self.steps = 0

    def parameters(self):
        return sum(tensor.numel() for tensor in self.model.parameters())

    def step(self, mode):
        images, labels = self.images[self.steps % 8], self.labels[self.steps % 8]
        self.steps += 1
        if self.model.training != (mode == "train"):  # a walk over all modules, which is no part of a step
            self.model.train(mode == "train")
        if mode == "train":
            self.optimizer.zero_grad(set_to_none=True)
            self.loss(images, labels).backward()
            self.optimizer.step()
        else:
            with torch.inference_mode():
                self.forward(images)
        return len(images)


AS_INSTALLED = "as installed"
VARIANTS = {
    "contiguous, eager": {},
    "channels_last, eager": {"channels_last": True},
    "contiguous, compiled": {"compiled": True},
    "channels_last, compiled": {"channels_last": True, "compiled": True},
    "contiguous, compiled, sliced edges": {"compiled": True, "sliced": True},
    "channels_last, compiled, sliced edges": {"channels_last": True, "compiled": True, "sliced": True},
    "contiguous, compiled, frozen": {"compiled": True, "frozen": True},
    "channels_last, compiled, frozen": {"channels_last": True, "compiled": True, "frozen": True},
    AS_INSTALLED: {"fused": False},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("id")
    parser.add_argument("batch", type=int)
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
        torch.set_num_interop_threads(1)

    def variants(mode):
        names = [name for name in VARIANTS if name != AS_INSTALLED]
        if arguments.id != "F":
            names = [name for name in names if "sliced" not in name]
        if arguments.id in "AB":
            names = [name for name in names if "last" not in name]
        return [name for name in names if "compiled" not in name or ("frozen" in name) == (mode == "infer")]

    version = "torch " + torch.__version__.split("+")[0]
    peer.serve(version, variants, lambda name: Variant(arguments.id, arguments.batch, **VARIANTS[name]))


if __name__ == "__main__":
    main()
