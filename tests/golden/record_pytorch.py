"""Records what PyTorch does, for tests/test_golden.c to compare with: python3 tests/golden/record_pytorch.py

Needs torch, numpy and safetensors; recorded with torch 2.15.0 on a CPU, one thread, float32. Writes beside itself

  data.safetensors              images (uint8, NHWC) and labels (int32)
  mlp, cnn, autoencoder         NAME.safetensors: the initial weights, named and laid out as hourglass saves them
  training.safetensors          NAME.losses: the loss of every step of two epochs, batches in the order of the data
  ops.safetensors               CASE.input, .output, .weight, ...: single operators, feature maps as NHWC
  losses.safetensors            CASE.output, .gradient, .mean: loss functions
  updates.safetensors           CASE.values: a tensor after each of a few optimizer steps
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
SAMPLES, SIDE, CHANNELS, CLASSES, BATCH, EPOCHS = 150, 8, 3, 10, 32, 2


def nhwc(tensor):
    """(N, C, H, W) as a contiguous NHWC array; other ranks as they are."""
    tensor = tensor.detach()
    return np.ascontiguousarray((tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).numpy())


def save(name, tensors, **about):
    metadata = {"recorded_with": f"torch {torch.__version__.split('+')[0]}", **about}
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, HERE / f"{name}.safetensors", metadata)


# ---------------------------------------------------------------- trainings


def make_data():
    """One smooth pattern a class, shifted and noisy: learnable, and small."""
    rng = np.random.default_rng(1)
    patterns = rng.uniform(0, 1, (CLASSES, 3, 3, CHANNELS)).repeat(3, axis=1).repeat(3, axis=2)
    labels = rng.integers(0, CLASSES, SAMPLES).astype(np.int32)
    images = np.empty((SAMPLES, SIDE, SIDE, CHANNELS), np.uint8)
    for i, label in enumerate(labels):
        y, x = rng.integers(0, 2, 2)
        noisy = patterns[label, y : y + SIDE, x : x + SIDE] + rng.normal(0, 0.1, (SIDE, SIDE, CHANNELS))
        images[i] = np.clip(noisy * 255, 0, 255)
    return images, labels


def mlp():
    """encoder: dense 32 relu; classifier: dense 10."""
    flatten, hidden, out = nn.Flatten(), nn.Linear(SIDE * SIDE * CHANNELS, 32), nn.Linear(32, CLASSES)
    named = {"encoder.0": hidden, "classifier.0": out}
    return nn.Sequential(flatten, hidden, nn.ReLU(), out), named


def cnn():
    """encoder: conv 8, batch_norm relu, max_pool, conv 16 relu, max_pool; classifier: flatten, dense 32 relu, dense 10."""
    first, norm, second = nn.Conv2d(CHANNELS, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 16, 3, padding=1)
    hidden, out = nn.Linear(64, 32), nn.Linear(32, CLASSES)
    named = {"encoder.0": first, "encoder.1": norm, "encoder.3": second, "classifier.1": hidden, "classifier.2": out}
    layers = [first, norm, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), hidden, nn.ReLU(), out), named


def autoencoder():
    """encoder: conv 8 relu, max_pool; decoder: conv_transpose 8 (2x2, stride 2) relu, conv 3 sigmoid."""
    first, up, last = nn.Conv2d(CHANNELS, 8, 3, padding=1), nn.ConvTranspose2d(8, 8, 2, stride=2), nn.Conv2d(8, CHANNELS, 3, padding=1)
    named = {"encoder.0": first, "decoder.0": up, "decoder.1": last}
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), up, nn.ReLU(), last), named


def train(name, build, loss_of, images, labels):
    torch.manual_seed(1)
    model, named = build()
    weights = {}
    for prefix, module in named.items():
        for key, value in module.state_dict().items():
            if key != "num_batches_tracked":
                weights[f"{prefix}.{key}"] = value.numpy().copy()
    save(name, weights, network=build.__doc__)
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(EPOCHS):
        for start in range(0, SAMPLES, BATCH):
            batch = slice(start, start + BATCH)
            optimizer.zero_grad()
            loss = loss_of(model(inputs[batch]), inputs[batch], torch.from_numpy(labels[batch]).long())
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        final = loss_of(model(inputs), inputs, torch.from_numpy(labels).long()).item()
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, evaluated {final:.4f}")
    return {f"{name}.losses": np.array(losses), f"{name}.evaluated": np.array([final])}


def record_trainings():
    images, labels = make_data()
    save("data", {"images": images, "labels": labels})
    classify = lambda output, inputs, labels: F.cross_entropy(output, labels)
    reconstruct = lambda output, inputs, labels: F.binary_cross_entropy_with_logits(output, inputs)
    figures = train("mlp", mlp, classify, images, labels)
    figures |= train("cnn", cnn, classify, images, labels)
    figures |= train("autoencoder", autoencoder, reconstruct, images, labels)
    save("training", figures, optimizer="adam 0.003", batch_size=str(BATCH))


# ---------------------------------------------------------------- operators


def random(generator, *shape):
    return torch.randn(*shape, generator=generator)


def same_pads(size, kernel, stride):
    """Zeros before and after, so that out = ceil(size / stride); the odd one after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pads_of(x, kernel, stride):
    top, bottom = same_pads(x.shape[2], kernel[0], stride[0])
    left, right = same_pads(x.shape[3], kernel[1], stride[1])
    return left, right, top, bottom


def conv2d(x, w, b, stride, padding):
    if padding != "valid":
        mode = {"same": "constant", "replicate": "replicate"}[padding]
        x = F.pad(x, pads_of(x, w.shape[2:], stride), mode=mode)
    return F.conv2d(x, w, b, stride)


def conv2d_transpose(x, w, b, stride, padding):
    y = F.conv_transpose2d(x, w, b, stride)
    if padding == "valid":
        return y
    height, width = x.shape[2] * stride[0], x.shape[3] * stride[1]
    top, left = same_pads(height, w.shape[2], stride[0])[0], same_pads(width, w.shape[3], stride[1])[0]
    missing = max(0, width - y.shape[3] + left), max(0, height - y.shape[2] + top)
    y = torch.cat([y, b.view(1, -1, 1, 1).expand(y.shape[0], -1, y.shape[2], missing[0])], 3) if missing[0] else y
    y = torch.cat([y, b.view(1, -1, 1, 1).expand(y.shape[0], -1, missing[1], y.shape[3])], 2) if missing[1] else y
    return y[:, :, top : top + height, left : left + width]


def max_pool2d(x, size, stride, padding):
    if padding == "same":
        x = F.pad(x, pads_of(x, size, stride), value=-torch.inf)
    return F.max_pool2d(x, size, stride)


def average_pool2d(x, size, stride, padding):
    if padding == "valid":
        return F.avg_pool2d(x, size, stride)
    pads = pads_of(x, size, stride)
    counts = F.avg_pool2d(F.pad(torch.ones_like(x), pads), size, stride)
    return F.avg_pool2d(F.pad(x, pads), size, stride) / counts


def record_operators():
    generator = torch.Generator().manual_seed(2)
    figures = {}

    def record(case, function, x, parameters=()):
        """parameters: (name, tensor) pairs in the operator's order."""
        x = x.clone().requires_grad_()
        tensors = [tensor.clone().requires_grad_() for _, tensor in parameters]
        y = function(x, *tensors)
        dy = random(generator, *y.shape)
        y.backward(dy)
        figures.update({f"{case}.input": nhwc(x), f"{case}.output": nhwc(y)})
        figures.update({f"{case}.output_gradient": nhwc(dy), f"{case}.input_gradient": nhwc(x.grad)})
        for (name, _), tensor in zip(parameters, tensors):
            figures[f"{case}.{name}"] = tensor.detach().numpy()
            figures[f"{case}.{name}_gradient"] = tensor.grad.numpy()

    def weights(*shape, out):
        return ("weight", random(generator, *shape) * 0.3), ("bias", random(generator, out))

    map_ = lambda n, c, h, w: random(generator, n, c, h, w)

    record("dense", lambda x, w, b: F.linear(x, w, b), random(generator, 5, 19), weights(7, 19, out=7))
    conv_cases = {
        "conv2d_valid": (5, (3, 3), (1, 1), "valid"),
        "conv2d_same": (5, (3, 3), (1, 1), "same"),
        "conv2d_same_stride": (4, (3, 2), (2, 2), "same"),
        "conv2d_valid_stride": (4, (2, 3), (1, 2), "valid"),
        "conv2d_even": (17, (2, 4), (1, 1), "same"),
        "conv2d_pointwise": (9, (1, 1), (1, 1), "valid"),
        "conv2d_wide": (6, (7, 7), (1, 1), "same"),
        "conv2d_replicate": (5, (3, 3), (1, 1), "replicate"),
        "conv2d_replicate_stride": (5, (5, 5), (2, 2), "replicate"),
    }
    for case, (filters, kernel, stride, padding) in conv_cases.items():
        record(case, lambda x, w, b: conv2d(x, w, b, stride, padding), map_(2, 3, 9, 8), weights(filters, 3, *kernel, out=filters))
    transpose_cases = {
        "conv2d_transpose_valid": (5, (3, 3), (1, 1), "valid"),
        "conv2d_transpose_valid_stride": (5, (3, 3), (2, 2), "valid"),
        "conv2d_transpose_same": (4, (3, 3), (1, 1), "same"),
        "conv2d_transpose_same_stride": (4, (3, 3), (2, 2), "same"),
        "conv2d_transpose_even": (4, (2, 2), (2, 2), "same"),
    }
    for case, (filters, kernel, stride, padding) in transpose_cases.items():
        record(case, lambda x, w, b: conv2d_transpose(x, w, b, stride, padding), map_(2, 3, 5, 4), weights(3, filters, *kernel, out=filters))
    pool_cases = {
        "valid": ((2, 2), (2, 2), "valid"),
        "overlapping": ((3, 2), (2, 1), "valid"),
        "same": ((2, 2), (2, 2), "same"),
        "same_overlapping": ((3, 3), (2, 2), "same"),
    }
    for case, (size, stride, padding) in pool_cases.items():
        record(f"max_pool2d_{case}", lambda x: max_pool2d(x, size, stride, padding), map_(2, 3, 7, 5))
        record(f"average_pool2d_{case}", lambda x: average_pool2d(x, size, stride, padding), map_(2, 3, 7, 5))
    record("global_average_pool2d", lambda x: F.adaptive_avg_pool2d(x, 1), map_(2, 3, 7, 5))
    record("upsample2d", lambda x: F.interpolate(x, scale_factor=(2, 3), mode="nearest"), map_(2, 3, 3, 4))
    activations = {
        "relu": F.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
        "gelu": F.gelu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softmax": lambda x: F.softmax(x, 1),
    }
    for case, function in activations.items():
        record(case, function, random(generator, 4, 23) * 3)

    gamma, beta = random(generator, 3), random(generator, 3)
    mean, variance = random(generator, 3), torch.rand(3, generator=generator) + 0.5
    for case, training in (("batch_norm_training", True), ("batch_norm_evaluation", False)):
        after = mean.clone(), variance.clone()
        record(case, lambda x, g, b: F.batch_norm(x, *after, g, b, training, 0.1, 1e-5), map_(4, 3, 5, 3),
               (("weight", gamma), ("bias", beta)))
        figures.update({f"{case}.running_mean": mean.numpy(), f"{case}.running_var": variance.numpy()})
        figures.update({f"{case}.running_mean_after": after[0].numpy(), f"{case}.running_var_after": after[1].numpy()})
    save("ops", figures)


# ---------------------------------------------------------------- losses and updates


def record_losses():
    generator = torch.Generator().manual_seed(3)
    figures = {}

    def record(case, function, output, target):
        output = output.clone().requires_grad_()
        loss = function(output, target)
        loss.backward()
        stored = target.numpy().astype(np.int32) if target.dtype == torch.int64 else target.numpy()
        figures.update({f"{case}.output": output.detach().numpy(), f"{case}.target": stored})
        figures.update({f"{case}.gradient": output.grad.numpy(), f"{case}.mean": np.array([loss.item()])})

    output, target = random(generator, 6, 12) * 4, torch.rand(6, 12, generator=generator)
    record("mse", F.mse_loss, output, target)
    record("bce_logits", F.binary_cross_entropy_with_logits, output, target)
    record("bce_logits_large", F.binary_cross_entropy_with_logits, output * 30, target)
    record("bce_probabilities", F.binary_cross_entropy, torch.rand(6, 12, generator=generator), target)
    labels = torch.randint(0, 12, (6,), generator=generator)
    record("cross_entropy", F.cross_entropy, output, labels)
    record("cross_entropy_large", F.cross_entropy, output * 30, labels)
    record("cross_entropy_smoothed", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), output, labels)
    save("losses", figures)


def record_updates():
    generator = torch.Generator().manual_seed(4)
    start, gradients = random(generator, 19), random(generator, 4, 19)
    figures = {"start": start.numpy(), "gradients": gradients.numpy()}
    optimizers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01),
        "adam_decay": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    }
    for case, make in optimizers.items():
        parameter = start.clone().requires_grad_()
        optimizer = make([parameter])
        values = []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
            values.append(parameter.detach().numpy().copy())
        figures[f"{case}.values"] = np.stack(values)
    save("updates", figures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    record_trainings()
    record_operators()
    record_losses()
    record_updates()
