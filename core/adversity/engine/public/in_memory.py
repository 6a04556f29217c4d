"""Tensors in memory as a stream for fitting, for `.fit(...)` from Python."""

from __future__ import annotations

from copy import copy
from itertools import compress
from typing import TYPE_CHECKING

from adversity.contracts import Block, Fitted
from adversity.contracts.fitted import UNLABELLED
from adversity.contracts.side import side_fault
from adversity.data.weights import weights_fault
from adversity.engine.attack.attack_labels import label_rows
from adversity.engine.calls.blocks import spans
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.fit_rows import ROWS
from adversity.errors import DataError
from adversity.metrics.predictions import array_of
from adversity.pipeline.plan.recorded import history_of
from adversity.seeding import fit_generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor

    from adversity.contracts import FitData, State
    from adversity.engine.calls.fit_watch import Keeper
    from adversity.engine.calls.ready import Ready

__all__ = ["TensorRows", "learnt", "with_sources"]


class TensorRows:
    """Tensors in memory as a stream for fitting."""

    def __init__(
        self,
        labels: ArrayLike | Tensor | None,
        class_names: tuple[str, ...],
        *,
        images: Tensor | None = None,
        logits: Tensor | None = None,
        features: Tensor | None = None,
        members: Tensor | None = None,
        references: Tensor | None = None,
        side: Mapping[str, Tensor] | None = None,
        weights: ArrayLike | Tensor | None = None,
        numbers: ArrayLike | Tensor | None = None,
        target_names: Sequence[str] | None = None,
        groups: Sequence[str | None] | None = None,
    ) -> None:
        """Take images, with references or without, or logits, and labels `[N]`, whole numbers.

        Logits may have features beside them; those of members, `[M, N, K]`, stand alone. Of rows
        with `weights` those that weigh 0 are left out. In place of labels there may be `numbers`,
        `[N]` or `[N, D]`, what a regressor learns; `groups` are for what goes by them.
        """
        said = None if members is None else _said(members)
        rows = next((given for given in (images, logits, said) if given is not None), None)
        if rows is None:
            raise DataError("expected images or logits to fit on, got neither")
        if references is not None and len(references) != len(rows):
            raise DataError(
                f"expected one reference for each of {len(rows)} images, got {len(references)}"
            )
        self.class_names = class_names
        self._count = len(rows)
        known = None if labels is None else label_rows(labels, len(rows), len(class_names))
        self._columns = {
            "targets": known if numbers is None else _numbers(numbers, len(rows)),
            "images": images,
            "references": references,
            "logits": logits,
            "features": features,
            "members": said,
            "probs": None if logits is None else logits.double().softmax(1),
            "weights": None,
        }
        self.target_names = () if numbers is None else self._named(target_names)
        self._side = _side(side or {}, images)
        self._groups = None if groups is None else tuple(groups)
        if weights is not None:
            self._weigh(_weights(weights, len(rows)))
        self.sources: Mapping[str, FitData] = {}
        self.watch = FitWatch({}, "a fit")

    def again(
        self, *, labels: Tensor | None = None, weights: ArrayLike | Tensor | None = None
    ) -> TensorRows:
        """Return the same rows with other labels, or with weights."""
        other = copy(self)
        given = self._columns["targets"] if labels is None else labels
        other._columns = self._columns | {"targets": given}
        if weights is not None:
            other._weigh(_weights(weights, len(self)))
        return other

    @property
    def labels(self) -> Tensor | None:
        """The labels `[N]`, or numbers `[N, D]`, if there are any."""
        return self._columns["targets"]

    def _weigh(self, weights: Tensor) -> None:
        """Take weights `[N]`, and leave out the rows of 0."""
        kept, self._columns["weights"] = weights > 0, weights
        self._count = int(kept.sum())
        self._columns = {
            name: None if column is None else column[kept.to(column.device)]
            for name, column in self._columns.items()
        }
        self._side = {name: value[kept.to(value.device)] for name, value in self._side.items()}
        if self._groups is not None:
            self._groups = tuple(compress(self._groups, kept.tolist()))

    def _named(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """Return what the numbers are, if nothing is said `target`, or `target_0` and so on.

        Raises:
            DataError: If there are more or fewer names than numbers, or some come twice.
        """
        targets = self._columns["targets"]
        count = 0 if targets is None else targets.shape[1]
        if names is None:
            return ("target",) if count == 1 else tuple(f"target_{i}" for i in range(count))
        if len(names) != count or len(set(names)) != count:
            raise DataError(f"expected {count} different target_names, got {list(names)}")
        return tuple(names)

    @property
    def weighted(self) -> bool:
        """Whether there are weights."""
        return self._columns["weights"] is not None

    @property
    def labelled(self) -> bool:
        """Whether there are targets or references."""
        return any(self._columns[name] is not None for name in ("targets", "references"))

    def blind(self) -> None:
        """Take targets, references and groups away."""
        self._columns |= {"targets": None, "references": None}
        self._groups = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def epoch(self, _number: int, /) -> Iterator[Block]:
        """Go through the rows, which are given: nothing is drawn."""
        return iter(self)

    def __iter__(self) -> Iterator[Block]:
        """Go through the rows in blocks."""
        for span in spans(len(self), ROWS):
            cut = slice(span.start, span.stop)
            parts = {
                name: None if column is None else column[cut]
                for name, column in self._columns.items()
            }
            if parts["members"] is not None:
                parts["members"] = parts["members"].transpose(0, 1)
            side = {name: value[cut] for name, value in self._side.items()}
            groups = None if self._groups is None else self._groups[cut]
            yield Block(tuple(map(str, span)), **parts, side=side, groups=groups)


def _said(logits: Tensor) -> Tensor:
    """Return what members say, rows first, `[N, M, K]` float64, rounded as tables keep it."""
    return logits.double().softmax(2).transpose(0, 1).float().double()


def _weights(weights: ArrayLike | Tensor, count: int) -> Tensor:
    """Return weights `[N]` float64.

    Raises:
        DataError: If there are more or fewer, or they are no weights.
    """
    import numpy as np
    import torch

    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (count,):
        raise DataError(f"expected weights [{count}], one for each row, got {list(values.shape)}")
    fault = weights_fault(values, tuple(map(str, range(count))))
    if fault is not None:
        raise DataError(fault)
    return torch.from_numpy(values.copy())


def _numbers(given: ArrayLike | Tensor, count: int) -> Tensor:
    """Return targets `[N, D]` float64.

    Raises:
        DataError: If they are not finite, or not one row for each image.
    """
    import numpy as np
    import torch

    values = array_of(given, "targets")
    if values.dtype.kind == "U":
        raise DataError(f"expected finite targets [{count}] or [{count}, D], got text")
    numbers = torch.from_numpy(np.array(values, dtype=np.float64))  # a copy: no stride is negative
    wide = numbers[:, None] if numbers.ndim == 1 else numbers
    if wide.ndim != 2 or len(wide) != count or not wide.shape[1] or not wide.isfinite().all():
        raise DataError(
            f"expected finite targets [{count}] or [{count}, D], got {list(numbers.shape)}"
            + ("" if bool(numbers.isfinite().all()) else " with NaN or infinity")
        )
    return wide


def _side(side: Mapping[str, Tensor], images: Tensor | None) -> dict[str, Tensor]:
    """Return side information of images.

    Raises:
        DataError: If there are no images, or it does not fit them.
    """
    if side and images is None:
        raise DataError(f"expected images that {', '.join(side)} belong to, got none")
    for name, value in side.items():
        fault = None if images is None else side_fault(name, value, images)
        if fault is not None:
            raise DataError(fault)
    return dict(side)


def with_sources(data: TensorRows, first: str, others: Mapping[str, TensorRows]) -> TensorRows:
    """Let each source of a fit know all of them; return the first.

    Args:
        data: The first source.
        first: Its name.
        others: The others by name.
    """
    sources = {first: data, **others}
    if UNLABELLED in sources:
        sources[UNLABELLED].blind()
    for each in sources.values():
        each.sources = sources
    return data


def learnt(ready: Ready, data: TensorRows, seed: int, keeper: Keeper | None = None) -> State:
    """Fit a plugin that is set up on tensors; return what it found, `data.watch` has its history.

    Args:
        ready: The plugin.
        data: Its first source.
        seed: Of the fit.
        keeper: Where the fit is kept while it goes on; nowhere if None.
    """
    generator = fit_generator(seed, "fit", getattr(ready.plugin, "seed", 0))
    if isinstance(ready.plugin, Fitted):
        sources = data.sources or with_sources(data, ready.plugin.fit_sources[0], {}).sources
        data.watch = FitWatch(history_of(type(ready.plugin), sources), ready.label, keeper)
        data.watch.bind(generator)
    state = ready.learn(data, generator)
    data.watch.require_rows()
    return state
