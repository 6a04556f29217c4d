"""How `small_cnn` is trained: every random number from one NumPy generator, one thread."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.adam import adam

from adversity.contracts.values import State
from adversity.errors import DataError
from adversity_plugins.classifier.network._small_cnn_network import SmallNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from adversity.contracts.fit_data import Watch
    from adversity.contracts.values import Block, FitData

__all__ = ["Recipe", "gather", "gather_alike", "redrawn", "train"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of the training."""

    epochs: int
    width: int
    learning_rate: float
    batch_size: int
    dropout: float = 0.0


def gather(data: FitData) -> tuple[Tensor, Tensor]:
    """Collect the stream: images `[N, C, H, W]` and targets `[N]`.

    Raises:
        DataError: If labels or images are missing, or sizes differ.
    """
    images, labels = _labelled(data)
    present = np.unique(labels.numpy()).tolist()
    if len(present) < 2 or min(present) < 0:
        names = ", ".join(data.class_names[i] for i in present if i >= 0) or "none"
        raise DataError(
            f"training small_cnn needs at least two labelled classes, got {names} in "
            f"{len(labels)} images; check the labels of the training set, or name another one "
            "in fit_on:"
        )
    return images, labels


def gather_alike(validate: FitData, images: Tensor) -> tuple[Tensor, Tensor]:
    """Collect images to validate on, of the size of those to train on, and their targets.

    Raises:
        DataError: If labels or images are missing, or sizes differ.
    """
    held, labels = _labelled(validate)
    if held.shape[1:] != images.shape[1:]:
        raise DataError(
            "training small_cnn needs images of one size, got (C, H, W) = "
            f"{tuple(images.shape[1:])} to train on and {tuple(held.shape[1:])} to validate on; "
            "give both data sets one `prepare:`"
        )
    return held, labels


def redrawn(data: FitData, images: Tensor, epoch: int) -> Tensor:
    """Collect the stream as an epoch draws it.

    Raises:
        DataError: If images have another size then.
    """
    found, _ = _labelled(data.epoch(epoch))
    if found.shape != images.shape:
        raise DataError(
            f"training small_cnn needs images of one size, got (N, C, H, W) = {tuple(images.shape)} "
            f"at first and {tuple(found.shape)} in epoch {epoch}; give the data set a `prepare:`, "
            "and leave `redraw` where a step draws the size"
        )
    return found


def _labelled(data: Iterable[Block]) -> tuple[Tensor, Tensor]:
    images: list[Tensor] = []
    targets: list[Tensor] = []
    for block in data:
        if block.images is None or block.targets is None:
            raise DataError("training small_cnn needs labelled images; fit it on a data set")
        images.append(block.images)
        targets.append(block.targets)
    shapes = sorted({tuple(block.shape[1:]) for block in images})
    if len(shapes) != 1:
        raise DataError(
            f"training small_cnn needs images of one size, got (C, H, W) in {shapes[:5]}; give "
            "the data set `prepare: {resize_short: 32, centre_crop: 32}`"
        )
    return torch.cat(images), torch.cat(targets)


def train(
    images: Tensor,
    targets: Tensor,
    class_names: tuple[str, ...],
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    held: tuple[Tensor, Tensor] | None = None,
    watch: Watch | None = None,
    redraw: Callable[[int], Tensor] | None = None,
) -> State:
    """Train a network from scratch.

    Args:
        images: `[N, C, H, W]` float32 in [0, 1].
        targets: `[N]` int64.
        class_names: K classes.
        recipe: The parameters.
        rng: Initial weights first, then one permutation an epoch, then a mask for each of its
            batches where features are dropped.
        held: Images and targets to validate on.
        watch: Where epochs are recorded, and kept to go on from.
        redraw: Gives the images with the draws of an epoch; the same in all epochs if None.
    """
    network = SmallNetwork(channels=images.shape[1], classes=len(class_names), width=recipe.width)
    network.eval().draw(rng)
    deviation, mean = torch.std_mean(images.double(), dim=(0, 2, 3), keepdim=True)
    network.mean.copy_(mean)
    network.deviation.copy_(deviation.clamp_min(1e-3))  # a constant channel divides by no zero
    with _one_thread(), torch.enable_grad():
        drawn = redraw or (lambda _epoch: images)
        loss = _descend(network, drawn, targets, recipe, rng, held, watch)
    validated = {} if held is None else {"validation_accuracy": _accuracy(network, *held)}
    return State(
        arrays={name: value.numpy().copy() for name, value in network.state_dict().items()},
        info={
            "class_names": list(class_names),
            "shape": list(images.shape[1:]),
            "width": recipe.width,
            "training": {
                "n": len(images),
                "last_loss": round(loss, 6),
                "train_accuracy": _accuracy(network, images, targets),
                **validated,
            },
        },
    )


def _accuracy(network: SmallNetwork, images: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        starts = range(0, len(images), 256)
        answers = torch.cat([network(images[i : i + 256]).argmax(1) for i in starts])
    return int((answers == targets).sum()) / len(images)


def _descend(
    network: SmallNetwork,
    drawn: Callable[[int], Tensor],
    targets: Tensor,
    recipe: Recipe,
    rng: np.random.Generator,
    held: tuple[Tensor, Tensor] | None,
    watch: Watch | None,
) -> float:
    """Run Adam over shuffled batches; return the mean loss of the last epoch."""
    steps = math.ceil(len(targets) / recipe.batch_size) * recipe.epochs
    optimiser = _Adam(network.parameters())
    done, epochs, mean_loss = 0, 0, math.inf
    before = None if watch is None else watch.resume()
    if before is not None:
        optimiser.take(network, before)
        done, epochs, mean_loss = (before.info[name] for name in ("done", "epochs", "loss"))
    for epoch in range(epochs + 1, recipe.epochs + 1):
        images = drawn(epoch)
        order = torch.from_numpy(rng.permutation(len(images)))
        losses = []
        for start in range(0, len(order), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            rate = recipe.learning_rate * (1 + math.cos(math.pi * done / steps)) / 2
            answers = _answers(network, images[rows], recipe.dropout, rng)
            loss = cross_entropy(answers, targets[rows])
            optimiser.step(loss, rate)
            losses.append(float(loss.detach()) * len(rows))
            done += 1
        mean_loss = _finite(math.fsum(losses) / len(images), recipe)
        if watch is not None:
            more = {} if held is None else {"validation_accuracy": _accuracy(network, *held)}
            watch.row(epoch, loss=mean_loss, **more)
            info = {"done": done, "epochs": epoch, "loss": mean_loss}
            watch.save(partial(optimiser.so_far, network, info))
    return mean_loss


def _answers(
    network: SmallNetwork, images: Tensor, dropout: float, rng: np.random.Generator
) -> Tensor:
    """Return logits `[N, K]` with some features dropped, the others scaled by 1 / (1 - p).

    The masks come from the generator of the training, where the network's own dropout would draw
    from torch's.
    """
    if not dropout:
        return network(images)  # type: ignore[no-any-return]
    features = network.features(images)
    kept = torch.from_numpy(rng.random(tuple(features.shape)) >= dropout).to(features.dtype)
    return network.head(features * (kept / (1 - dropout)))  # type: ignore[no-any-return]


def _finite(loss: float, recipe: Recipe) -> float:
    """Refuse a loss that is no number.

    Raises:
        DataError: With what to do.
    """
    if not math.isfinite(loss):
        raise DataError(
            f"training small_cnn diverged (loss {loss}); choose a smaller learning_rate than "
            f"{recipe.learning_rate:g}"
        )
    return loss


class _Adam:
    """`torch.optim.Adam` by the function that computes it.

    The class would first import PyTorch's compiler, which is not used, and takes as long as
    the whole training of a small pipeline.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        self._means = [torch.zeros_like(each) for each in self._parameters]
        self._squares = [torch.zeros_like(each) for each in self._parameters]
        self._steps = [torch.tensor(0.0) for _ in self._parameters]

    def step(self, loss: Tensor, rate: float) -> None:
        """Go one step down a loss."""
        gradients = list(torch.autograd.grad(loss, self._parameters))
        with torch.no_grad():
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

    def so_far(self, network: SmallNetwork, info: Mapping[str, Any]) -> State:
        """Return all that the next step hangs on: weights, moments, and what else is given."""
        named = {f"network.{name}": value for name, value in network.state_dict().items()}
        for part, values in self._parts().items():
            named |= {f"{part}.{at}": value for at, value in enumerate(values)}
        return State({name: value.numpy().copy() for name, value in named.items()}, info)

    def take(self, network: SmallNetwork, state: State) -> None:
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
def _one_thread() -> Iterator[None]:
    """Sum in one order: the number of threads changes how kernels split their sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
