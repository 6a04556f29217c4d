"""What a view gives, as bytes and back: the same values, in the same layout in memory.

Sums over another layout round otherwise, so that strides count as values do.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.engine.calls.view_call import Passed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["pack", "tensor_sha256", "unpack"]


def pack(passed: Passed, *, worsens: bool) -> bytes:
    """Return a line of JSON, and the values of all tensors behind it."""
    groups: dict[str, Mapping[str, Tensor]] = {
        "images": {"": passed.images},
        "side": passed.side,
        "found": passed.found,
    }
    tensors = [
        (group, name, value) for group, values in groups.items() for name, value in values.items()
    ]
    head = {
        "worsens": worsens,
        "origin": list(passed.origin.items()),
        "tensors": [[group, name, *_form(value)] for group, name, value in tensors],
    }
    line = json.dumps(head, separators=(",", ":")).encode()
    return b"".join([line, b"\n", *(_values(value) for _, _, value in tensors)])


def unpack(content: bytes) -> tuple[Passed, bool]:
    """Return what `pack` was given."""
    line, _, values = content.partition(b"\n")
    head = json.loads(line)
    groups: dict[str, dict[str, Tensor]] = {"images": {}, "side": {}, "found": {}}
    start = 0
    for group, name, kind, shape, strides in head["tensors"]:
        tensor, start = _tensor(values, start, kind, shape, strides)
        groups[group][name] = tensor
    passed = Passed(groups["images"][""], groups["side"], dict(head["origin"]), groups["found"])
    return passed, head["worsens"]


def tensor_sha256(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's type, shape, layout and values."""
    digest = hashlib.sha256(json.dumps(_form(tensor)).encode())
    digest.update(_values(tensor))
    return digest.hexdigest()


def _form(tensor: Tensor) -> list[Any]:
    return [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), list(tensor.stride())]


def _values(tensor: Tensor) -> bytes:
    """Return the bytes of its numbers in the order of their indices, of any type."""
    import torch

    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _tensor(
    values: bytes, start: int, kind: str, shape: list[int], strides: list[int]
) -> tuple[Tensor, int]:
    """Read a tensor from a place on; return where the next one begins."""
    import torch

    dtype = getattr(torch, kind)
    count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if not count:
        return torch.empty_strided(shape, strides, dtype=dtype), start
    raw = np.frombuffer(values, np.uint8, count, start).copy()
    tensor = torch.from_numpy(raw).view(dtype).reshape(shape)
    if list(tensor.stride()) == strides:
        return tensor, start + count
    # Where a stride is 0, all numbers of an axis are one in memory.
    once = [slice(0, 1) if stride == 0 else slice(None) for stride in strides]
    one = tensor[tuple(once)]
    laid = torch.empty_strided(one.shape, strides, dtype=dtype)
    return laid.copy_(one).expand(shape), start + count
