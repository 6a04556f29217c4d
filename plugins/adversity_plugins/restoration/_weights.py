"""Weights from files: read without running anything, and put into a network that fits exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["TRAINED_AS", "fill", "read_state"]

TRAINED_AS = "give the parameters with which it was trained, or another file"
_SHOWN = 3
_TORCH = (".pth", ".pt")
_HOLDERS = ("model", "state_dict", "params")
"""Under which programs that train keep the state dict, beside what else they need."""
_COUNTER = "num_batches_tracked"
"""Of batch norms in training; files of old versions of torch have none."""


def read_state(path: Path, label: str, mend: str) -> dict[str, Tensor]:
    """Return the state dict in a file: of torch if its name ends in .pth or .pt, else safetensors.

    Args:
        path: The file. Of torch's only tensors are read; a pickle's code is refused.
        label: Begins the messages.
        mend: Ends them.

    Raises:
        WeightsError: If it is missing, damaged, or holds anything but named tensors.
    """
    torch_file = path.suffix in _TORCH
    kind = "a state dict of torch" if torch_file else "safetensors"
    try:
        state = _from_torch(path) if torch_file else _from_safetensors(path)
    except OSError as error:
        raise WeightsError(
            f"{label}: expected {kind} in {path.name}, which cannot be read ({error}); {mend}"
        ) from error
    if state is None:
        raise WeightsError(
            f"{label}: expected {kind} in {path.name}, got another or a damaged file; {mend}"
        )
    return state


def _from_safetensors(path: Path) -> dict[str, Tensor] | None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError:
        return None


def _from_torch(path: Path) -> dict[str, Tensor] | None:
    import pickle
    from zipfile import BadZipFile

    import torch

    damaged = (EOFError, RuntimeError, TypeError, ValueError, KeyError, AttributeError)
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (*damaged, pickle.UnpicklingError, BadZipFile):
        return None
    inner = [state[key] for key in _HOLDERS if isinstance(state, dict) and key in state]
    if inner and isinstance(inner[0], dict):
        state = inner[0]
    named = isinstance(state, dict) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    )
    return dict(state) if named else None


def fill(
    network: nn.Module, state: Mapping[str, Tensor], label: str, mend: str = TRAINED_AS
) -> None:
    """Put weights into a network that fit it exactly, and switch it to evaluation for good.

    Raises:
        WeightsError: If one is missing, too many, of another shape, NaN or infinite.
    """
    own = {key: value for key, value in network.state_dict().items() if _counts(key)}
    state = {key: value for key, value in state.items() if _counts(key)}
    faults = [f"no {key}" for key in own if key not in state]
    faults += [f"{key} beside" for key in state if key not in own]
    faults += [
        f"{key} of {list(state[key].shape)} instead of {list(value.shape)}"
        for key, value in own.items()
        if key in state and state[key].shape != value.shape
    ]
    faults += [
        f"{key} with NaN or infinity"
        for key, value in state.items()
        if not bool(value.isfinite().all())
    ]
    if faults:
        more = ", ..." if len(faults) > _SHOWN else ""
        raise WeightsError(
            f"{label}: expected the state dict of this network, got a file with "
            f"{', '.join(faults[:_SHOWN])}{more}; {mend}"
        )
    network.load_state_dict({key: value.float() for key, value in state.items()}, strict=False)
    network.eval().requires_grad_(requires_grad=False)


def _counts(key: str) -> bool:
    return not key.endswith(_COUNTER)
