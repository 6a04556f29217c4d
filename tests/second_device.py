"""A device that is not there: tensors that compute on the CPU and say that they lie elsewhere.

It refuses what a graphics card refuses: an operation on tensors of two devices, a view of its
memory by NumPy, a random generator of the CPU. It computes what the CPU computes, so it says nothing of
a card's own rounding, kernels or speed.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

__all__ = ["NAME", "Elsewhere", "SecondDevice"]

NAME = "elsewhere"
_MOVES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
"""What may take tensors of two devices."""
_INDEXED = {
    torch.ops.aten.index.Tensor: 1,
    torch.ops.aten.index_put.default: 1,
    torch.ops.aten.index_put_.default: 1,
    torch.ops.aten._index_put_impl_.default: 1,
}
"""Where the indices stand: those may lie on the CPU, whatever is indexed."""


def make_it_known() -> None:
    """Let torch know the device in this process, for good: it is a backend written in Python."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME)
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor(..., device=...)` is made, then moved


class Elsewhere(torch.Tensor):
    """A tensor on the second device."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Self:
        """Wrap a tensor of the CPU."""
        self = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=torch.device("meta"),  # what autograd starts nothing for
            requires_grad=False,
        )
        self.held = held
        SecondDevice.made += 1
        return self

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where it says that it is."""
        return torch.device(NAME, 0)

    @property
    def is_meta(self) -> bool:  # type: ignore[override]
        """It has values."""
        return False

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        """Say where it is."""
        return f"Elsewhere({self.held!r})"

    def new_tensor(self, data: Any, **more: Any) -> torch.Tensor:  # type: ignore[override]
        """Make a tensor beside this one, as torch does for any device."""
        return torch.tensor(data, **{"dtype": self.dtype, "device": self.device, **more})

    def tolist(self) -> Any:
        """Bring the values here, as torch does for any device."""
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute, as the mode does, also where no mode is on."""
        return _compute(func, args, kwargs or {})

    __torch_function__ = torch._C._disabled_torch_function_impl


class SecondDevice(TorchDispatchMode):
    """A block in which the device exists; for the thread that enters it.

    `made` counts the tensors that were made there: that something was computed there at all.
    """

    made = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on the CPU what is asked of either device; refuse what mixes them."""
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: Any, kwargs: Any) -> Any:
    wanted = kwargs.get("device")
    if wanted is not None and torch.device(wanted).type in (NAME, "meta"):
        kwargs = {**kwargs, "device": torch.device("cpu")}
        there = True
    else:
        there = wanted is None and _is_there(func, args, kwargs)
    _refuse_mixture(func, args, kwargs)
    plain_args, plain_kwargs = tree_map(_plain, (args, kwargs))
    if func is torch.ops.aten._to_copy.default and wanted is not None:
        plain_kwargs = {**plain_kwargs, "device": torch.device("cpu")}
    answer = func(*plain_args, **plain_kwargs)
    if func._schema.is_mutable and plain_args and answer is plain_args[0]:
        return args[0]  # what was changed in place is what it was
    return tree_map(_moved, answer) if there else answer


def _moved(value: Any) -> Any:
    return Elsewhere(value) if type(value) is torch.Tensor else value


def _plain(value: Any) -> Any:
    return value.held if isinstance(value, Elsewhere) else value


def _is_there(func: Any, args: Any, kwargs: Any) -> bool:
    if func is torch.ops.aten.copy_.default:
        return isinstance(args[0], Elsewhere)
    return any(isinstance(leaf, Elsewhere) for leaf in tree_leaves((args, kwargs)))


def _refuse_mixture(func: Any, args: Any, kwargs: Any) -> None:
    if func in _MOVES:
        return
    if func in _INDEXED:
        at = _INDEXED[func]
        if isinstance(args[0], Elsewhere):
            args = (*args[:at], *args[at + 1 :])
    leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    here = [leaf for leaf in leaves if not isinstance(leaf, Elsewhere) and leaf.ndim]
    there = [leaf for leaf in leaves if isinstance(leaf, Elsewhere)]
    generators = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Generator)]
    if there and (here or generators):
        raise RuntimeError(
            f"{func}: expected all tensors to be on the same device, found {NAME} and cpu "
            f"(shapes {[tuple(leaf.shape) for leaf in here]})"
        )
