"""Read network weights from files without running anything that is in them."""

from __future__ import annotations

import math
import pickletools
import re
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["fill", "read_weights"]

_SHOWN = 3
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "model.")
_PROGRAMS = (
    ("constants.pkl", "a TorchScript file, a whole program", "torch.jit.load(...)"),
    ("archive_format", "an exported program", "torch.export.load(...)"),
)
"""What lies in archives that are no state dicts, what they are, and how to get one from them."""
_OLD_PICKLES = 5
"""Before torch 1.6 a file was five pickles, then the numbers: magic, version, system, content, keys."""
_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from safetensors, or from what `torch.save` wrote.

    A checkpoint that holds it under `state_dict`, `model_state_dict` or `model`, and names
    with the prefixes `module.`, `model.` and `_orig_mod.`, are understood. Half precision stays
    as it is, and becomes float32 where `fill` puts it into a network. What a file says of its sizes
    is held against its length before memory is taken.

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
        _look_inside(path)
        with warnings.catch_warnings():
            # A foreign pickle protocol is no matter: what is not a tensor is refused anyway.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"weight file {path.name} holds more than tensors, so loading it could run code; it "
            "was not loaded. Save the network's state dict alone: "
            "torch.save(net.state_dict(), ...) or safetensors"
        ) from error
    except Exception as error:  # a damaged file makes the reader raise what it likes
        first = (str(error) or type(error).__name__).split("\n", 1)[0]
        raise WeightsError(
            f"weight file {path.name} is damaged ({first}); save it again, or name another file"
        ) from error


def _look_inside(path: Path) -> None:
    """Refuse, by what stands in it, a file that is no state dict or unpacks to more than itself."""
    length = path.stat().st_size
    if not zipfile.is_zipfile(path):
        _look_at_old_format(path, length)
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    names = {entry.filename.rpartition("/")[2] for entry in entries}
    for mark, what, how in _PROGRAMS:
        if mark in names:
            raise WeightsError(
                f"weight file {path.name} is {what}: expected a state dict; write one with "
                f"torch.save({how}.state_dict(), ...)"
            )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > length:
        raise WeightsError(
            f"weight file {path.name} is compressed, {unpacked} bytes in {length}: expected a file "
            "as torch.save writes it; save it again"
        )


def _look_at_old_format(path: Path, length: int) -> None:
    """Look for storages that say they are longer than the file: memory is taken by that number.

    The pickles are read as a list of instructions, and none is carried out.
    """
    ends: list[float] = [0]
    with path.open("rb") as file, suppress(ValueError):  # what is no pickle, torch will say
        for _ in range(_OLD_PICKLES):
            sizes: list[int] = []
            for code, value, _position in pickletools.genops(file):
                if code.name == "BINPERSID":
                    ends.append(sizes[-1] if sizes else math.inf)
                    sizes.clear()
                elif isinstance(value, int) and code.name.startswith(("BININT", "LONG", "INT")):
                    sizes.append(value)
    if max(ends) > length:
        raise WeightsError(
            f"weight file {path.name} is damaged (a tensor of {max(ends):g} values in {length} "
            "bytes); save it again, or name another file"
        )


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
    for key, value in content.items():
        fault = _tensor_fault(value)
        if fault is not None:
            raise WeightsError(f"weight file {name}: {key} {fault}")
    state = {_plain(str(key)): value for key, value in content.items()}
    if len(state) < len(content):
        raise WeightsError(
            f"weight file {name}: {len(content)} names are {len(state)} without prefixes; save "
            "the state dict of one network"
        )
    return state


def _tensor_fault(value: Tensor) -> str | None:
    """Say what makes a tensor no weight; nothing of it is copied."""
    import torch

    if value.layout != torch.strided or value.is_quantized or value.is_meta:
        kind = "quantised" if value.is_quantized else "sparse or empty"
        return f"is {kind}: expected plain numbers; save the state dict of the float network"
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        return (
            f"says {list(value.shape)} and holds {value.untyped_storage().nbytes()} bytes: "
            "expected a tensor of its own; save value.clone()"
        )
    return None


def _plain(key: str) -> str:
    """Undo what training wraps round a network, and the names that old DenseNet files use.

    `module.` is of DataParallel, `_orig_mod.` of torch.compile, `model.` of training frameworks.
    """
    key = key.replace("_orig_mod.", "")
    while key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return _OLD_DENSENET.sub(r"\1\2", key)


def fill(network: nn.Module, state: Mapping[str, Tensor], *, name: str) -> None:
    """Put weights into a network and switch it to evaluation for good.

    Raises:
        WeightsError: If names, shapes or types do not fit, or values are not finite, listing the
            first few.
    """
    own = network.state_dict()
    optional = {key for key in own if key.endswith("num_batches_tracked")}
    faults = {
        "missing": sorted(own.keys() - state.keys() - optional),
        "unexpected": sorted(state.keys() - own.keys()),
        "of another shape": sorted(
            f"{key} {list(state[key].shape)} instead of {list(own[key].shape)}"
            for key in own.keys() & state.keys()
            if own[key].shape != state[key].shape
        ),
        "of another type": sorted(
            f"{key} {state[key].dtype}"
            for key in own.keys() & state.keys()
            if own[key].is_floating_point() != state[key].is_floating_point()
        ),
    }
    misfits = [f"{len(keys)} {kind} ({_some(keys)})" for kind, keys in faults.items() if keys]
    if misfits:
        raise WeightsError(
            f"weights {name} do not fit the network: {', '.join(misfits)}; choose the architecture "
            "they were trained with"
        )
    import torch

    # Files may hold transposed layouts, for which other kernels round differently.
    plain = {
        key: (value.float() if value.is_floating_point() else value).clone(
            memory_format=torch.contiguous_format
        )
        for key, value in state.items()
    }
    broken = sorted(key for key, value in plain.items() if not bool(value.isfinite().all()))
    if broken:
        raise WeightsError(
            f"weights {name} hold NaN or infinity: {len(broken)} tensors ({_some(broken)}); take a "
            "checkpoint from before the training broke"
        )
    network.load_state_dict(plain, strict=False, assign=True)
    network.eval()
    network.requires_grad_(requires_grad=False)


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")
