"""A user's own network as a link: what it may return, and words for what is wrong with it.

A fault of it is the user's to fix, not a plugin author's: every message here names the network
and, where that is known, the line that fixes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from adversity.contracts import Classifier
from adversity.engine.calls.ready import BREAKS, Ready
from adversity.errors import AdversityError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

__all__ = ["Network", "ready_network"]

_FIXED_BATCH = re.compile(r"^Guard failed: \w+\.size\(\)\[0\] (?:== )?((?:[<>]=? )?\d+)")
"""What torch.export's programs say where their first axis is not as exported."""
SHOWN = 3
"""So many layers or weights are named in a message."""


def ready_network(module: Any) -> Ready:
    """Return a bare `nn.Module` as a link, on the device where its weights are.

    Raises:
        InputError: If its weights are not there yet.
    """
    import torch

    wrapped = getattr(module, "_orig_mod", module)  # torch.compile
    name = getattr(wrapped, "original_name", None) or type(wrapped).__name__  # TorchScript
    label = f"network {name}"
    weights = list(chain(module.parameters(), module.buffers()))
    if any(torch.nn.parameter.is_lazy(weight) for weight in weights):
        raise InputError(
            f"{label} has lazy layers, whose weights are made by its first call: expected a network "
            "with weights; call net(images) once, or load its state dict"
        )
    devices = {str(weight.device) for weight in weights}
    if "meta" in devices:
        raise InputError(
            f"{label} has weights on the meta device, which hold no values: expected a network "
            "with weights; load its state dict with assign=True"
        )
    return _ReadyNetwork(
        Network(module, label), label, devices.pop() if len(devices) == 1 else "cpu"
    )


class _ReadyNetwork(Ready):
    """A user's network: what breaks in it is an input error, and says what fixes it."""

    def broke(self, what: str, ids: Sequence[str] = ()) -> NoReturn:
        where = f", sample {ids[0]}" if len(ids) == 1 else f", samples {ids[0]} .." if ids else ""
        raise InputError(f"{self.label}{where}: {what}; {self.plugin.advice()}")

    def mixes(self, sample: str, gap: float, what: str = "answer") -> NoReturn:
        raise InputError(
            f"{self.label}, sample {sample}: its answer depends on the images beside it: alone in "
            f"its block its logits differ by {gap:.2g} of the largest. Expected an answer to each "
            f"image by itself; {self.plugin.mixing()}"
        )

    def lacks_gradient(self) -> NoReturn:
        layers = self.plugin.quantised()
        fixes = (
            f"its quantised layers ({_some(layers)}) have none: attack the network before "
            "quantisation"
            if layers
            else "take torch.no_grad(), .detach() and NumPy out of its forward"
        )
        raise InputError(
            f"{self.label}: its logits have no gradient; {fixes}, or use an attack that needs none "
            "(`square`, `hop_skip_jump`)"
        )


class Network:
    """A bare `nn.Module` from images to logits, with what a chain needs of a classifier."""

    describes = Classifier.describes
    gives = "logits"
    stochastic = False
    differentiable = True
    without_gradient = None
    block_rows = None
    numbered = True
    """Its classes have no names: what they are called here is how many there are."""

    def __init__(self, module: Any, label: str) -> None:
        """Take the network and what messages call it."""
        self.module, self.label = module, label
        self._classes: int | None = None
        self._turns: dict[tuple[int, ...], bool] = {}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes by number; none before the first answer."""
        return tuple(f"class_{k}" for k in range(self._classes or 0))

    def takes_channels(self) -> None:
        """Return None: nobody knows how many; the network itself refuses others."""

    def structure(self) -> None:
        """Return None: a network has none that an exact attack could use."""

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]` float32.

        Raises:
            InputError: If the network cannot be called with images, or returns something else.
        """
        from adversity.engine.chain.channels_last import accepts_channels_last, channels_last

        shape = tuple(images.shape[1:])
        if shape not in self._turns:
            self._turns[shape] = accepts_channels_last(self.module, images, self._one_tensor)
        # Its own copy either way: a first layer may work in place.
        given = channels_last(images) if self._turns[shape] else images.clone()
        try:
            answer = self.module(given)
        except AdversityError:
            raise
        except BREAKS as error:
            first = (str(error) or "no message").split("\n", 1)[0]
            self._require_any_batch(first, images)
            raise InputError(
                f"{self.label} raised {type(error).__name__} for images {list(images.shape)} "
                f"float32 in [0, 1]: {first}; {self.advice()}"
            ) from error
        values = self._checked(self._one_tensor(answer), len(images))
        self._classes = self._classes or values.shape[1]
        return values.float()

    def _require_any_batch(self, message: str, images: Tensor) -> None:
        """Refuse an exported program that is fixed to a number of images, by what it said."""
        fixed = _FIXED_BATCH.search(message)
        if fixed is None:
            return
        two = ", ".join(map(str, (2, *images.shape[1:])))
        raise InputError(
            f"{self.label} is an exported program: expected one with a dynamic batch dimension, "
            f"got one whose number of images must be {fixed[1]}, and it was given {len(images)}; "
            f"export it again with torch.export.export(net, (torch.rand({two}),), "
            "dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)).module()"
        )

    def _one_tensor(self, answer: Any) -> Tensor:
        """Take the logits out of what a network may return beside them."""
        import torch

        if isinstance(answer, torch.Tensor):
            return answer
        named = answer.get("logits") if isinstance(answer, Mapping) else None
        named = getattr(answer, "logits", None) if named is None else named
        if isinstance(named, torch.Tensor):
            return named
        parts = answer if isinstance(answer, Mapping) else dict(enumerate(_sequence(answer)))
        tensors = {key: v for key, v in parts.items() if isinstance(v, torch.Tensor)}
        if len(tensors) == 1:
            return next(iter(tensors.values()))
        shapes = ", ".join(f"{key!r}: {list(value.shape)}" for key, value in tensors.items())
        what = f"{type(answer).__name__} ({shapes})" if shapes else type(answer).__name__
        advice = "let its forward return a torch.Tensor"
        if tensors:
            advice = (
                "say which it is, for example net.register_forward_hook(lambda net, given, answer: "
                f"answer[{next(iter(tensors))!r}])"
            )
        raise InputError(
            f"{self.label} returned {what}: expected one tensor of logits [N, K]; {advice}"
        )

    def _checked(self, values: Tensor, rows: int) -> Tensor:
        if values.shape in ((rows,), (rows, 1)) and values.is_floating_point():
            raise InputError(
                f"{self.label} returned one value for each image, {list(values.shape)}: expected "
                "logits [N, K], one for each class, K at least 2. Where the value is the logit of "
                "class 1, write net.register_forward_hook(lambda net, given, z: torch.stack(("
                "torch.zeros_like(z), z), 1).flatten(1)); where it comes out of a sigmoid, take "
                "that off first"
            )
        if values.ndim != 2 or values.shape[0] != rows or values.shape[1] < 2:
            raise InputError(
                f"{self.label} returned {list(values.shape)} for {rows} images: expected logits "
                "[N, K], a row for each image and a column for each class; pool or flatten what is "
                "left of places in its forward"
            )
        if not values.is_floating_point():
            raise InputError(
                f"{self.label} returned {values.dtype}: expected floating-point logits [N, K], as "
                "they are before argmax"
            )
        return values

    def advice(self) -> str:
        """Say what fixes the network, as far as its weights show it."""
        import torch

        weights = dict(chain(self.module.named_parameters(), self.module.named_buffers()))
        floats = {name: w for name, w in weights.items() if w.is_floating_point()}
        bad = [name for name, weight in floats.items() if not bool(weight.isfinite().all())]
        if bad:
            return (
                f"its weights hold NaN or infinity ({_some(bad)}): load them again, or train anew"
            )
        other = {str(w.dtype) for w in floats.values()} - {str(torch.float32)}
        if other:
            return f"its weights are {', '.join(sorted(other))}: call net.float()"
        if len({str(w.device) for w in weights.values()}) > 1:
            return "its weights are on several devices: bring it to one, net.to(device)"
        return (
            "it must lead from such images, [N, C, H, W], to finite logits [N, K]: normalise and "
            "resize inside it, as nn.Sequential(prepare, net)"
        )

    def mixing(self) -> str:
        """Say what in the network mixes rows, and what fixes it."""
        loose = list(self._batch_norms(lambda part: part.running_mean is None))
        if loose:
            return (
                f"its batch norm layers without running statistics ({_some(loose)}) normalise over "
                "the batch: train it with track_running_stats=True, or with nn.GroupNorm"
            )
        training = list(self._batch_norms(lambda part: part.training))
        if training:
            return (
                f"its batch norm layers ({_some(training)}) stay in training mode after net.eval():"
                " let its train() switch them"
            )
        if self.quantised():
            return (
                f"its dynamically quantised layers ({_some(self.quantised())}) take their scale "
                "from the whole batch: give the network before quantisation, or quantise statically"
            )
        return "look for what it normalises, sorts or sums over the first axis"

    def quantised(self) -> list[str]:
        """Return the names of layers whose activations are quantised as they come."""
        return [
            name
            for name, part in self.module.named_modules()
            if ".quantized.dynamic." in f"{type(part).__module__}."
        ]

    def _batch_norms(self, which: Any) -> Iterator[str]:
        from torch.nn.modules.batchnorm import _BatchNorm

        for name, part in self.module.named_modules():
            if isinstance(part, _BatchNorm) and which(part):
                yield name or type(part).__name__


def _sequence(answer: Any) -> Sequence[Any]:
    return answer if isinstance(answer, (tuple, list)) else ()


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" * (len(names) > SHOWN))
