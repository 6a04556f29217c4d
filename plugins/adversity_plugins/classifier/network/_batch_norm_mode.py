"""Batch norm with other statistics and weights, in a network that is left as it is.

Calls of batch norm are answered in their place, on this thread alone: nothing of the network is
changed, and no mode, hook or buffer either. A layer is known by its tensor of running means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Layer", "OtherBatchNorm", "Reached", "Sums", "hidden_batch_norm", "layers_of"]


@dataclass(slots=True)
class Layer:
    """What a batch norm normalises and scales with, each `[C]`.

    Attributes:
        mean: Is subtracted.
        var: Its root divides, with the layer's own small number added.
        weight: Multiplies afterwards; None where the layer has none.
        bias: Is added last; likewise.
    """

    mean: Tensor
    var: Tensor
    weight: Tensor | None
    bias: Tensor | None


class Sums:
    """Mean and variance `[C]` over rows and positions, a block after the other, in float64."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.count = 0
        self.mean = self._squares = torch.zeros(())

    def add(self, rows: Tensor) -> None:
        """Take rows `[N, C, ...]`: means and squares about them, put together as Chan et al. do."""
        flat = rows.detach().double().transpose(0, 1).flatten(1)
        count, mean = flat.shape[1], flat.mean(1)
        squares = (flat - mean[:, None]).square().sum(1)
        if self.count == 0:
            self.count, self.mean, self._squares = count, mean, squares
            return
        total, gap = self.count + count, mean - self.mean
        self._squares = self._squares + squares + gap.square() * (self.count * count / total)
        self.mean = self.mean + gap * (count / total)
        self.count = total

    @property
    def var(self) -> Tensor:
        """`[C]`, what the squares are on average, as batch norm divides them."""
        return self._squares / self.count


class Reached(BaseException):
    """A layer was seen: the rest of the network need not be computed. No plugin catches it."""


class OtherBatchNorm(TorchFunctionMode):
    """While it is on, batch norm uses what is given here.

    Attributes:
        rows: How many rows the last call of a batch norm got, with those that pad; 0 before.
        called: The layers in the order in which they were called.
        wanted: The layer of which all is to be seen that it gets; then `Reached` is raised.
        counted: How many rows of a call count: the first ones.
        sums: What was seen of that layer.
    """

    def __init__(self, layers: Mapping[str, tuple[Tensor, Layer]]) -> None:
        """Take what each layer uses.

        Args:
            layers: By name, the running means by which a layer is known, and what it uses.
        """
        super().__init__()
        self._layers = {id(known): (name, layer) for name, (known, layer) in layers.items()}
        self.rows = self.counted = 0
        self.called: list[str] = []
        self.wanted: str | None = None
        self.sums = Sums()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Answer calls of batch norm, and pass on all others."""
        given = kwargs or {}
        if func is functional.batch_norm:
            return self._answer(func, *args, **given)
        if func is torch.batch_norm:
            return self._low(func, *args, **given)
        return func(*args, **given)

    def _answer(self, func: Any, input: Tensor, running_mean: Any, *more: Any, **named: Any) -> Any:
        """Answer `batch_norm(input, running_mean, running_var, weight, bias, training, ...)`."""
        found = self._layers.get(id(running_mean))
        if found is None:
            return func(input, running_mean, *more, **named)
        layer = self._seen(input, *found)
        keys = ("running_var", "weight", "bias", "training", "momentum", "eps")
        given = dict(zip(keys, more, strict=False)) | named
        eps = given.get("eps", 1e-5)
        return func(input, layer.mean, layer.var, weight=layer.weight, bias=layer.bias, eps=eps)

    def _low(self, func: Any, input: Tensor, weight: Any, bias: Any, mean: Any, *more: Any) -> Any:
        """Answer `torch.batch_norm(input, weight, bias, running_mean, running_var, ...)`."""
        found = self._layers.get(id(mean))
        if found is None:
            return func(input, weight, bias, mean, *more)
        layer = self._seen(input, *found)
        return func(input, layer.weight, layer.bias, layer.mean, layer.var, *more[1:])

    def _seen(self, input: Tensor, name: str, layer: Layer) -> Layer:
        if self.rows and len(input) != self.rows:
            raise InputError(
                f"batch_norm_adaptation counts images: expected {name} to get a row for each of "
                f"{self.rows} images as the layers before it, got {len(input)}; use a network "
                "whose batch norm comes before images are cut up or put together"
            )
        self.rows = len(input)
        self.called.append(name)
        if name == self.wanted:
            self.sums.add(input[: self.counted])
            raise Reached
        return layer


def layers_of(networks: Sequence[nn.Module]) -> dict[str, nn.modules.batchnorm._BatchNorm]:
    """Return the batch norms that have running statistics, by name."""
    return {
        f"{number}.{name}": part
        for number, network in enumerate(networks)
        for name, part in network.named_modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None
    }


def hidden_batch_norm(network: nn.Module) -> str | None:
    """Say why a network's batch norm is out of reach, as far as it shows; None if it may not be."""
    if isinstance(network, torch.jit.ScriptModule):
        return "it is a TorchScript program, whose layers never come to Python; give the network itself"
    if hasattr(network, "_orig_mod") or network._compiled_call_impl is not None:
        return "it is compiled; give the network as it was before torch.compile"
    return None
