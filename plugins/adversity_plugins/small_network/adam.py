"""Adam in one thread, whose steps can be kept and gone on from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from adversity.contracts.values import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import nn

__all__ = ["Adam", "one_thread"]


class Adam:
    """`torch.optim.Adam` by the function that computes it.

    The class would first import PyTorch's compiler, which is not used, and takes as long as the
    whole training of a small pipeline.
    """

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float = 0.0) -> None:
        """Begin with moments of zero."""
        self._parameters, self._decay = list(parameters), weight_decay
        self._means = [torch.zeros_like(each) for each in self._parameters]
        self._squares = [torch.zeros_like(each) for each in self._parameters]
        self._steps = [torch.tensor(0.0) for _ in self._parameters]

    def step(self, loss: Tensor, rate: float) -> None:
        """Go one step down a loss; weights shrink beside it, as in AdamW, and biases do not."""
        gradients = list(torch.autograd.grad(loss, self._parameters))
        with torch.no_grad():
            for each in self._parameters if self._decay else ():
                if each.ndim > 1:
                    each.mul_(1 - rate * self._decay)
            adam(
                *(self._parameters, gradients, self._means, self._squares, [], self._steps),
                lr=rate,
                beta1=0.9,
                beta2=0.999,
                eps=1e-8,
                weight_decay=0.0,
                amsgrad=False,
                maximize=False,
                foreach=False,
            )

    def so_far(self, network: nn.Module, info: Mapping[str, Any]) -> State:
        """Return all that the next step hangs on: weights, moments, and what else is given."""
        named = {f"network.{name}": value for name, value in network.state_dict().items()}
        for part, values in self._parts().items():
            named |= {f"{part}.{at}": value for at, value in enumerate(values)}
        return State({name: value.numpy().copy() for name, value in named.items()}, info)

    def take(self, network: nn.Module, state: State) -> None:
        """Go on from there."""
        saved = {name: torch.from_numpy(value.copy()) for name, value in state.arrays.items()}
        with torch.no_grad():
            for name, value in network.state_dict().items():
                value.copy_(saved[f"network.{name}"])
            for part, values in self._parts().items():
                for at, value in enumerate(values):
                    value.copy_(saved[f"{part}.{at}"])

    def _parts(self) -> dict[str, list[Tensor]]:
        return {"mean": self._means, "square": self._squares, "step": self._steps}


@contextmanager
def one_thread() -> Iterator[None]:
    """Sum in one order: the number of threads changes how kernels split their sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
