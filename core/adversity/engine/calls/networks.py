"""The networks that a plugin holds, and leaving them exactly as they were found."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

__all__ = ["Found", "as_found", "networks_of"]

_TABLES = ("_parameters", "_buffers", "_modules")
"""Where a module keeps its parts."""


def networks_of(plugin: Any) -> list[Any]:
    """Return the networks on a plugin's own attributes, also in lists and dicts."""
    from torch import nn

    networks: list[Any] = []
    own = getattr(plugin, "__pydantic_private__", vars(plugin))
    waiting = list((own or {}).values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, nn.Module):
            networks.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return networks


@contextmanager
def as_found(modules: Sequence[Any]) -> Iterator[None]:
    """Put networks into eval mode and freeze them for a while; then put both back.

    In eval mode no buffer moves, and no weight has a gradient: a backward pass
    that need not keep them in mind is up to a tenth faster on a small network.
    """
    parts = [
        (part, part.training)
        for module in modules
        for part in module.modules()
        # A frozen TorchScript network has no mode any more: evaluation is built in.
        if hasattr(part, "training")
    ]
    weights = [(p, p.requires_grad) for module in modules for p in module.parameters()]
    try:
        for module in modules:
            with suppress(NotImplementedError):  # an exported program: its mode is built in
                module.eval()
        for weight, _ in weights:  # one by one: TorchScript knows no `module.requires_grad_`
            weight.requires_grad_(requires_grad=False)
        yield
    finally:
        for part, mode in parts:
            part.training = mode
        for weight, learns in weights:
            weight.requires_grad_(learns)


class Found:
    """Networks as they were found: what of them has changed since, and the way back."""

    def __init__(self, networks: Sequence[Any]) -> None:
        """Take down their parts, modes, hooks and values; weights and buffers are copied."""
        self._parts = {id(p): _Part.of(p) for network in networks for p in network.modules()}
        values = (value for network in networks for value in _values(network))
        self._values = {id(value): _Value.of(value) for value in values}

    def put_back(self) -> list[str]:
        """Put back what has changed, and return what that was, in words."""
        parts = (what for part in self._parts.values() for what in part.put_back())
        values = (what for value in self._values.values() for what in value.put_back())
        return list(dict.fromkeys([*parts, *values]))


def _values(network: Any) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


@dataclass(frozen=True, slots=True)
class _Part:
    """A module: its mode, and the tables of what it consists of and what is called along.

    Attributes:
        module: The module.
        mode: Whether it is in training mode; None where it has none.
        tables: The tables' content, by name; TorchScript shows none.
        own: What stands in the place of its `forward`, if anything does.
    """

    module: Any
    mode: bool | None
    tables: dict[str, dict[Any, Any]]
    own: Any

    @classmethod
    def of(cls, module: Any) -> _Part:
        own = vars(module)
        names = [name for name in own if name in _TABLES or "_hooks" in name]
        tables = {name: dict(own[name]) for name in names if isinstance(own[name], dict)}
        return cls(module, getattr(module, "training", None), tables, own.get("forward"))

    def put_back(self) -> Iterator[str]:
        """Put back what has changed; yield what that was."""
        if self.mode is not None and self.module.training != self.mode:
            self.module.training = self.mode
            yield "mode"
        own = vars(self.module)
        for name, before in self.tables.items():
            now = own[name]
            if list(now) != list(before) or any(now[key] is not before[key] for key in before):
                now.clear()
                now.update(before)
                yield "hooks" if "_hooks" in name else "layers, weights or buffers"
        if own.get("forward") is not self.own:
            own.pop("forward") if self.own is None else own.update(forward=self.own)
            yield "forward"


@dataclass(frozen=True, slots=True)
class _Value:
    """A weight or buffer: its value, whether it learns, and its gradient.

    Attributes:
        tensor: The tensor itself.
        copy: Its value.
        learns: Its `requires_grad`.
        gradient: Its `grad`: the object, not what is in it.
    """

    tensor: Tensor
    copy: Tensor
    learns: bool
    gradient: Any

    @classmethod
    def of(cls, tensor: Tensor) -> _Value:
        gradient = tensor.grad if tensor.is_leaf else None
        return cls(tensor, tensor.detach().clone(), tensor.requires_grad, gradient)

    def put_back(self) -> Iterator[str]:
        """Put back what has changed; yield what that was."""
        import torch

        tensor = self.tensor
        if tensor.requires_grad != self.learns:
            tensor.requires_grad_(self.learns)
            yield "requires_grad"
        if tensor.is_leaf and tensor.grad is not self.gradient:
            tensor.grad = self.gradient
            yield "gradients"
        with torch.no_grad():
            if not _equal(tensor, self.copy):
                tensor.data = self.copy
                yield "weights or buffers"


def _equal(one: Tensor, other: Tensor) -> bool:
    """Say whether two tensors hold the same values; NaN is the same as NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())  # noqa: PLR0124
