"""Read network weights from files without running anything that is in them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["fill", "read_weights", "sha256_of"]

_SHOWN = 3
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from safetensors, or from what `torch.save` wrote.

    A checkpoint that holds it under `state_dict`, `model_state_dict` or `model`, and names
    with the prefix `module.`, are understood. Half precision becomes float32.

    Raises:
        WeightsError: If the file is missing, damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"weight file {path.name}: not found at {path}; check `file`")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    return _state_dict(content, path.name)


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weight file {path.name} is damaged ({error}); save it as safetensors again, or name "
            "another file"
        ) from error


def _read_torch(path: Path) -> Any:
    import pickle
    import warnings

    import torch

    try:
        with warnings.catch_warnings():
            # A foreign pickle protocol is no matter: what is not a tensor is refused anyway.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"weight file {path.name} holds more than tensors, so loading it could run code; it "
            "was not loaded. Save the network's state dict alone: "
            "torch.save(net.state_dict(), ...) or safetensors"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        first = (str(error) or type(error).__name__).split("\n", 1)[0]
        raise WeightsError(
            f"weight file {path.name} is damaged ({first}); save it again, or name another file"
        ) from error


def _state_dict(content: Any, name: str) -> dict[str, Tensor]:
    import torch

    if not isinstance(content, dict) or not content:
        raise WeightsError(
            f"weight file {name}: expected a state dict (names and tensors), got "
            f"{type(content).__name__}"
        )
    wrong = next((k for k, v in content.items() if not isinstance(v, torch.Tensor)), None)
    if wrong is not None:
        raise WeightsError(
            f"weight file {name}: expected a tensor under {wrong!r}; save the state dict"
        )
    state = {_plain(str(key)): value for key, value in content.items()}
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}


def _plain(key: str) -> str:
    """Undo the prefix of DataParallel, and the names that old DenseNet files use."""
    return _OLD_DENSENET.sub(r"\1\2", key.removeprefix("module."))


def fill(network: nn.Module, state: Mapping[str, Tensor], *, name: str) -> None:
    """Put weights into a network and switch it to evaluation for good.

    Raises:
        WeightsError: If names or shapes do not fit, listing the first few.
    """
    wanted = network.state_dict()
    optional = {key for key in wanted if key.endswith("num_batches_tracked")}
    faults = {
        "missing": sorted(wanted.keys() - state.keys() - optional),
        "unexpected": sorted(state.keys() - wanted.keys()),
        "of another shape": sorted(
            f"{key} {list(state[key].shape)} instead of {list(wanted[key].shape)}"
            for key in wanted.keys() & state.keys()
            if wanted[key].shape != state[key].shape
        ),
    }
    found = [f"{len(keys)} {kind} ({_some(keys)})" for kind, keys in faults.items() if keys]
    if found:
        raise WeightsError(
            f"weights {name} do not fit the network: {', '.join(found)}; choose the architecture "
            "they were trained with"
        )
    import torch

    # Files may hold transposed layouts, for which other kernels round differently.
    plain = {k: v.clone(memory_format=torch.contiguous_format) for k, v in state.items()}
    network.load_state_dict(plain, strict=False, assign=True)
    network.eval()
    network.requires_grad_(requires_grad=False)


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")
