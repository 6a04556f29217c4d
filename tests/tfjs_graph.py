"""A graph model of TensorFlow.js run node by node: a second implementation that knows no MAXIM.

Written from TensorFlow's definitions of the 43 operations that occur. `SAME` padding puts the odd
pixel at the end, `Einsum` is NumPy's, `Conv2DBackpropInput` is the gradient of a convolution.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["GraphModel"]

_TYPES = {"DT_FLOAT": torch.float32, "DT_INT32": torch.int32, "DT_BOOL": torch.bool}
_PLAIN: dict[str, Callable[..., Tensor]] = {
    "Mul": torch.mul,
    "AddV2": torch.add,
    "Sub": torch.sub,
    "RealDiv": torch.div,
    "Square": torch.square,
    "Maximum": torch.maximum,
    "Minimum": torch.minimum,
    "Rsqrt": torch.rsqrt,
    "SelectV2": torch.where,
    "Tanh": torch.tanh,
    "Abs": torch.abs,
    "Reciprocal": torch.reciprocal,
    "GreaterEqual": torch.ge,
    "NotEqual": torch.ne,
    "LogicalAnd": torch.logical_and,
    "LessEqual": torch.le,
    "Greater": torch.gt,
    "Less": torch.lt,
    "Neg": torch.neg,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "Sign": torch.sign,
    "FloorMod": torch.remainder,
    "FloorDiv": torch.floor_divide,
    "Identity": lambda value: value,
    "Reshape": lambda value, shape: value.reshape(shape.tolist()),
    "BroadcastTo": lambda value, shape: value.broadcast_to(shape.tolist()),
    "Transpose": lambda value, order: value.permute(order.tolist()),
    "ExpandDims": lambda value, axis: value.unsqueeze(int(axis)),
    "Range": lambda start, end, step: torch.arange(
        int(start), int(end), int(step), dtype=torch.int32
    ),
    "Shape": lambda value: torch.tensor(value.shape, dtype=torch.int32),
    "GatherV2": lambda value, places, axis: torch.index_select(value, int(axis), places.flatten()),
}


class GraphModel:
    """A model in a folder; call it with `[N, H, W, 3]`."""

    def __init__(self, folder: Path) -> None:
        """Read description and numbers."""
        model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        self.constants: dict[str, Tensor] = {}
        for group in model["weightsManifest"]:
            data = bytearray(b"".join((folder / name).read_bytes() for name in group["paths"]))
            start = 0
            for entry in group["weights"]:
                shape, kind = entry["shape"], getattr(torch, entry["dtype"])
                count = int(torch.tensor(shape, dtype=torch.int64).prod())
                values = torch.frombuffer(data, dtype=kind, count=count, offset=start)
                self.constants[entry["name"]] = values.reshape(shape)
                start += 4 * count

    def __call__(self, images: Tensor) -> Tensor:
        """Return what the node `Identity` gives, each node run after what it takes."""
        uses: dict[str, int] = {}
        for node in self.nodes.values():
            for name in _inputs(node):
                uses[name] = uses.get(name, 0) + 1
        values: dict[str, Tensor] = {}
        pending = ["Identity"]
        while pending:
            node = self.nodes[pending[-1]]
            missing = [name for name in _inputs(node) if name not in values]
            if missing:
                pending += missing
                continue
            name = pending.pop()
            if name in values:
                continue
            values[name] = self._run(node, [values[one] for one in _inputs(node)], images)
            for one in _inputs(node):
                uses[one] -= 1
                if uses[one] == 0:
                    values[one] = torch.empty(0)  # what nobody asks for again
        return values["Identity"]

    def _run(self, node: dict[str, Any], given: list[Tensor], images: Tensor) -> Tensor:
        operation, attributes = node["op"], node.get("attr", {})
        if operation == "Const":
            return self.constants[node["name"]]
        if operation == "Placeholder":
            return images
        if operation in _PLAIN:
            return _PLAIN[operation](*given)
        special: Callable[..., Tensor] = getattr(self, f"_{operation.lower()}")
        return special(given, attributes)

    @staticmethod
    def _cast(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        return given[0].to(_TYPES[attributes["DstT"]["type"]])

    @staticmethod
    def _sum(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        axes = given[1].flatten().tolist()
        return given[0].sum(axes, keepdim=attributes["keep_dims"].get("b", False))

    @staticmethod
    def _pack(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        return torch.stack(given, int(attributes["axis"].get("i", 0)))

    @staticmethod
    def _concatv2(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        assert len(given) == 1 + int(attributes["N"]["i"])
        return torch.cat(given[:-1], int(given[-1]))

    @staticmethod
    def _squeeze(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        for axis in attributes["squeeze_dims"]["list"]["i"]:
            given[0] = given[0].squeeze(int(axis))
        return given[0]

    @staticmethod
    def _einsum(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        return torch.einsum(base64.b64decode(attributes["equation"]["s"]).decode(), *given)

    @staticmethod
    def _stridedslice(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        value, begins, ends, steps = given[0], *(one.tolist() for one in given[1:])
        picked = value
        for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
            places = range(*slice(begin, end, step).indices(value.shape[axis]))
            picked = picked.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
        shrunk = int(attributes["shrink_axis_mask"].get("i", 0))
        for axis in reversed(range(len(begins))):
            if shrunk >> axis & 1:
                picked = picked.squeeze(axis)
        return picked

    @staticmethod
    def _conv2d(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        images, kernels = given[0].permute(0, 3, 1, 2), given[1].permute(3, 2, 0, 1)
        step = int(attributes["strides"]["list"]["i"][1])
        if base64.b64decode(attributes["padding"]["s"]) == b"SAME":
            edges: list[int] = []
            for axis in (3, 2):
                side, kernel = images.shape[axis], kernels.shape[axis]
                more = max((-(-side // step) - 1) * step + kernel - side, 0)
                edges += [more // 2, more - more // 2]
            images = functional.pad(images, edges)
        return functional.conv2d(images, kernels, stride=step).permute(0, 2, 3, 1)

    @staticmethod
    def _conv2dbackpropinput(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
        sizes, kernels, slopes = given
        step = int(attributes["strides"]["list"]["i"][1])
        shape = [int(sizes[0]), int(sizes[3]), int(sizes[1]), int(sizes[2])]
        answer: Tensor = conv2d_input(
            shape, kernels.permute(3, 2, 0, 1), slopes.permute(0, 3, 1, 2), stride=step
        )
        return answer.permute(0, 2, 3, 1)


def _inputs(node: dict[str, Any]) -> list[str]:
    return [name.split(":")[0] for name in node.get("input", ()) if not name.startswith("^")]
