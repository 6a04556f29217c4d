"""Small models in each format, which the conformance kit tries the classifiers of files with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_exported", "write_onnx", "write_torchscript"]

CLASSES, WIDTH, SIDE = 3, 6, 32


def weights() -> tuple[Tensor, Tensor, Tensor]:
    """Return kernel, weights and bias, always the same."""
    rng = np.random.default_rng(0)
    shapes = (WIDTH, 3, 3, 3), (WIDTH, CLASSES), (CLASSES,)
    drawn = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    kernel, matrix, bias = map(torch.from_numpy, drawn)
    return kernel / 2, matrix, bias / 4


def network() -> nn.Module:
    """Return a convolution, its mean over places, and a linear layer, with these weights."""
    kernel, matrix, bias = weights()
    with torch.device("meta"):  # no random numbers are drawn for weights that are replaced
        layers = nn.Sequential(
            nn.Conv2d(3, WIDTH, 3, stride=2, padding=1, bias=False),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(WIDTH, CLASSES),
        )
    state = {"0.weight": kernel, "4.weight": matrix.T.contiguous(), "4.bias": bias}
    layers.load_state_dict(state, assign=True)
    return layers.eval()


def write_torchscript(path: Path) -> None:
    """Write it as TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format is deprecated
        torch.jit.script(network()).save(str(path))  # type: ignore[no-untyped-call]


def write_exported(path: Path) -> None:
    """Write it as an exported program, for any number of images of one size."""
    images = torch.zeros(2, 3, SIDE, SIDE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            network(), (images,), dynamic_shapes=({0: torch.export.Dim("n")},)
        )
        torch.export.save(program, path)


def write_onnx(path: Path) -> None:
    """Write it as ONNX, node by node: neither torch's exporter nor what it needs takes part."""
    from onnx import TensorProto, helper, numpy_helper, save

    kernel, matrix, bias = (value.numpy() for value in weights())
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["maps"], strides=[2, 2], pads=[1] * 4),
        helper.make_node("Tanh", ["maps"], ["bent"]),
        helper.make_node("GlobalAveragePool", ["bent"], ["means"]),
        helper.make_node("Flatten", ["means"], ["features"]),
        helper.make_node("Gemm", ["features", "matrix", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])],
        [
            numpy_helper.from_array(value, name)
            for name, value in (("kernel", kernel), ("matrix", matrix), ("bias", bias))
        ],
    )
    opset = helper.make_opsetid("", 17)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
