"""Weights out of a graph model of TensorFlow.js: a description in JSON, and files of numbers.

Nothing of the graph is run. What is read of it is which operation uses which constant, for the
path of that operation says what the constant is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

__all__ = ["constants", "used_by"]


def constants(model: Mapping[str, Any], read: Callable[[str], bytes]) -> dict[str, Tensor]:
    """Return the constants of float32 by name.

    Args:
        model: `model.json`.
        read: Gives the bytes of a file that it names.

    Raises:
        WeightsError: If the files hold more or less than the description says, or are packed.
    """
    import torch

    found = {}
    for group in model["weightsManifest"]:
        data = bytearray(b"".join(read(name) for name in group["paths"]))
        start = 0
        for entry in group["weights"]:
            if "quantization" in entry or entry["dtype"] not in ("float32", "int32"):
                raise WeightsError(
                    f"expected {entry['name']} as float32 or int32, got {entry['dtype']} "
                    f"{entry.get('quantization', '')}; use a model that is not quantised"
                )
            count = 1
            for side in entry["shape"]:
                count *= side
            if entry["dtype"] == "float32" and start + 4 * count <= len(data):
                values = torch.frombuffer(data, dtype=torch.float32, count=count, offset=start)
                found[entry["name"]] = values.reshape(entry["shape"]).clone()
            start += 4 * count
        if start != len(data):
            raise WeightsError(
                f"expected {start} bytes of weights, got {len(data)}; fetch the files again"
            )
    return found


def used_by(model: Mapping[str, Any], names: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield operation, its path, and the constant for each use of one of these constants."""
    for node in model["modelTopology"]["node"]:
        for given in node.get("input", ()):
            if given.split(":")[0] in names:
                yield node["op"], node["name"], given.split(":")[0]
