"""A network fitted to images without labels: statistics of batch norm, then its scales."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from adversity import State
from adversity.errors import DataError, InputError, WeightsError
from adversity_plugins.classifier.network._batch_norm_mode import (
    Layer,
    OtherBatchNorm,
    Reached,
    Sums,
    hidden_batch_norm,
    layers_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity import Classifier, FitData, Plugin

__all__ = ["Adapted", "entropy"]

_FIELDS = ("mean", "var", "weight", "bias")


class Adapted:
    """The layers of a network, as they are found by adaptation."""

    def __init__(self, network: Plugin[Classifier]) -> None:
        """Take the network, with batch norm as it has it.

        Raises:
            InputError: It has no batch norm that can be reached.
        """
        self.network: Any = network
        networks = self.network.networks()
        for each in networks:
            why = hidden_batch_norm(each)
            if why is not None:
                raise InputError(
                    f"batch_norm_adaptation cannot reach the batch norm of {type(each).__name__}: {why}"
                )
        self._parts = layers_of(networks)
        if not self._parts:
            names = " and ".join(type(each).__name__ for each in networks)
            raise InputError(
                "batch_norm_adaptation estimates batch norm anew, and "
                f"{names or 'the classifier, which keeps no network in Python,'} has none with "
                "running statistics: use a network that has, such as resnet18 of torchvision or "
                "efficientnet_lite0. Of exported programs and ONNX files none is left"
            )
        self.layers = {name: self._own(name) for name in self._parts}

    def _own(self, name: str) -> Layer:
        part: Any = self._parts[name]
        weight, bias = (None if p is None else p.detach() for p in (part.weight, part.bias))
        return Layer(part.running_mean, part.running_var, weight, bias)

    def mode(self) -> OtherBatchNorm:
        """Return what makes the network use these layers while it is on."""
        known: Mapping[str, Any] = {name: part.running_mean for name, part in self._parts.items()}
        return OtherBatchNorm({name: (known[name], self.layers[name]) for name in self.layers})

    def state(self, **info: Any) -> State:
        """Return the layers as arrays."""
        arrays = {
            f"{field}.{name}": value.detach().cpu().numpy().copy()
            for name, layer in self.layers.items()
            for field in _FIELDS
            if (value := getattr(layer, field)) is not None
        }
        return State(arrays, info)

    def take(self, state: State) -> None:
        """Take layers from arrays.

        Raises:
            WeightsError: They are those of another network.
        """
        expected = self.state().arrays
        if state.arrays.keys() != expected.keys() or any(
            state.arrays[name].shape != value.shape for name, value in expected.items()
        ):
            raise WeightsError(
                f"batch_norm_adaptation expects stored batch norm of this network, "
                f"{len(expected)} arrays, got others: run the step that fits it again"
            )
        for name in self.layers:
            own = self._own(name)
            found = {
                field: torch.from_numpy(state.arrays[f"{field}.{name}"].copy()).to(own.mean.device)
                for field in _FIELDS
                if getattr(own, field) is not None
            }
            self.layers[name] = replace(own, **found)

    def order(self, data: FitData) -> list[str]:
        """Return the layers in the order in which an image meets them; others are never called.

        Raises:
            DataError: There are no images.
            InputError: None is called, or one is called twice for an image.
        """
        images = next((b.images for b in data if b.images is not None and len(b.images)), None)
        if images is None:
            raise DataError("batch_norm_adaptation expects images to adapt to, got none")
        called = self._probe(images).called
        twice = next((name for name in called if called.count(name) > 1), None)
        if twice is not None or not called:
            found = "none was called" if twice is None else f"{twice} was called twice"
            raise InputError(
                "batch_norm_adaptation estimates one batch norm after the other: expected each of "
                f"the network's to be called once for an image, {found}; use another network"
            )
        return called

    def _probe(self, images: Tensor) -> OtherBatchNorm:
        """Let the network answer one image, and return what was seen."""
        probe = self.mode()
        with torch.no_grad(), probe:
            self.network.answers(images[:1])
        return probe

    def blocks(self, data: FitData) -> Iterator[Tensor]:
        """Yield images, no more at once than the network is called with."""
        sizes: dict[tuple[int, ...], int] = {}
        for images in (block.images for block in data):
            if images is None or not len(images):
                continue
            shape = tuple(images.shape[1:])
            if shape not in sizes:
                sizes[shape] = self._probe(images).rows
            for start in range(0, len(images), sizes[shape]):
                yield images[start : start + sizes[shape]]

    def estimate(self, name: str, data: FitData, prior: float) -> None:
        """Find the statistics of a layer, over all images, behind those before it as they are.

        Args:
            name: The layer.
            data: Images.
            prior: How many images the network's own statistics count as.
        """
        count, sums = 0, Sums()
        for images in self.blocks(data):
            mode = self.mode()
            mode.wanted, mode.counted, mode.sums = name, len(images), sums
            with torch.no_grad(), suppress(Reached), mode:
                self.network.answers(images)
            count += len(images)
        own, share = self._own(name), count / (prior + count)
        mean, var = (
            (before.double() + share * (now - before.double())).to(before.dtype)
            for before, now in ((own.mean, sums.mean), (own.var, sums.var))
        )
        self.layers[name] = replace(self.layers[name], mean=mean, var=var)

    def mean_entropy(self, data: FitData) -> float:
        """Return the mean entropy of the answers to all images, in nats."""
        said = []
        for images in self.blocks(data):
            with torch.no_grad(), self.mode():
                said.append(entropy(self.network.answers(images)).double())
        return float(torch.cat(said).mean())


def entropy(logits: Tensor) -> Tensor:
    """Return the Shannon entropy of answers `[N, K]`, `[N]`, in nats; differentiable."""
    logs = logits.log_softmax(1)
    return -(logs.exp() * logs).sum(1)
