"""How `small_cnn` is trained: every random number from one NumPy generator, one thread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from adversity.contracts.values import State
from adversity.errors import DataError
from adversity_plugins.classifier.network._small_cnn_network import SmallNetwork
from adversity_plugins.small_network.adam import Adam, one_thread
from adversity_plugins.small_network.body import shares_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from adversity.contracts.fit_data import Watch

__all__ = ["Recipe", "train"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of the training."""

    epochs: int
    width: int
    learning_rate: float
    batch_size: int
    dropout: float = 0.0


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
    weights: Tensor | None = None,
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
        weights: `[N]` float64 above 0, of which each loss counts its share of their mean.
    """
    network = SmallNetwork(channels=images.shape[1], classes=len(class_names), width=recipe.width)
    network.eval().draw(rng)
    network.scale_to(images)
    with one_thread(), torch.enable_grad():
        drawn = redraw or (lambda _epoch: images)
        loss = _descend(network, drawn, (targets, shares_of(weights)), recipe, rng, held, watch)
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


def _loss(answers: Tensor, targets: Tensor, shares: Tensor | None, rows: Tensor) -> Tensor:
    """Return the mean cross-entropy of a batch, each row by its share.

    It is not divided by the sum of the shares in the batch: over all batches each row then counts
    what its weight says, whatever the others of its batch weigh.
    """
    if shares is None:
        return cross_entropy(answers, targets[rows])
    return (cross_entropy(answers, targets[rows], reduction="none") * shares[rows]).mean()


def _accuracy(network: SmallNetwork, images: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        starts = range(0, len(images), 256)
        answers = torch.cat([network(images[i : i + 256]).argmax(1) for i in starts])
    return int((answers == targets).sum()) / len(images)


def _descend(
    network: SmallNetwork,
    drawn: Callable[[int], Tensor],
    asked: tuple[Tensor, Tensor | None],
    recipe: Recipe,
    rng: np.random.Generator,
    held: tuple[Tensor, Tensor] | None,
    watch: Watch | None,
) -> float:
    """Run Adam over shuffled batches; return the mean loss of the last epoch.

    Args:
        network: Changed in place.
        drawn: Gives the images of an epoch.
        asked: Targets `[N]`, and shares of the mean weight.
        recipe: The parameters.
        rng: For permutations and masks.
        held: What is validated on.
        watch: Of the fit.
    """
    targets, shares = asked
    steps = math.ceil(len(targets) / recipe.batch_size) * recipe.epochs
    optimiser = Adam(network.parameters())
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
            loss = _loss(answers, targets, shares, rows)
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
