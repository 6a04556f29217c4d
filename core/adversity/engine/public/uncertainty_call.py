"""From Python: uncertainty methods, on logits in memory, and features beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from adversity.contracts import Combine, Detector, Fitted, Predictive, Sampling, Score
from adversity.engine.public.in_memory import TensorRows
from adversity.engine.public.public_call import Call
from adversity.engine.public.sampling import SamplingCall
from adversity.errors import DataError
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike
    from torch import Tensor

    from adversity.engine.calls.ready import Ready

__all__ = ["UncertaintyCall", "uncertainty"]


def uncertainty(ready: Ready) -> UncertaintyCall | SamplingCall:
    """Return the public call of an uncertainty method, by its shape."""
    return (SamplingCall if isinstance(ready.plugin, Sampling) else UncertaintyCall)(ready)


class UncertaintyCall(Call):
    """`score = method(logits)` or `probs = calibrator.fit(logits, labels)(logits)`.

    A detector takes `features=` beside the logits: `detector(logits, features=features)`.
    """

    def __call__(
        self,
        logits: Tensor | Predictive,
        *,
        features: Tensor | None = None,
        head: Callable[[Tensor], Tensor] | None = None,
        groups: Sequence[str | None] | None = None,
    ) -> Tensor:
        """Return probabilities `[N, K]`, scores `[N]` (higher = less sure), or what is decided.

        Decided are sets `[N, K]` bool, or which answers are accepted, `[N]` bool.

        Args:
            logits: `[N, K]`; for what goes by members `[M, N, K]`, the members' logits. A score
                also takes what a method that draws returned.
            features: `[N, D]`, for a detector, and for none else.
            head: For a detector that needs it, such as `.head` of a classifier.
            groups: N names, None for a sample in no group, for what decides by groups of samples,
                and for none else.

        Raises:
            DataError: If the tensors have other shapes, or are not finite.
            InputError: If a head is needed and not given.
        """
        self.ready.require_fitted()
        if isinstance(logits, Predictive):
            return self._of_predictive(logits)
        fault = _members_fault(logits) if self._takes_members else _logits_fault(logits)
        if fault is not None:
            raise DataError(f"{self.ready.label}: {fault}")
        detects = isinstance(self.ready.plugin, Detector)
        there = self._features(features, len(logits), needed=detects)
        if there is not None:
            return self.ready.call(there, logits.float(), head=head)  # type: ignore[no-any-return]
        known = self._groups(groups, len(logits))
        more = {} if known is None else {"groups": known}
        return self.ready.call.of_logits(logits, **more)  # type: ignore[no-any-return]

    def fit(  # type: ignore[override]  # (rows of a table, not images)
        self,
        logits: Tensor,
        labels: ArrayLike | Tensor,
        *,
        features: Tensor | None = None,
        weights: ArrayLike | Tensor | None = None,
        groups: Sequence[str | None] | None = None,
        sources: Mapping[str, tuple[Any, ...]] | None = None,
        seed: int = 0,
    ) -> Self:
        """Fit on held-out logits and labels; return a new object that carries the state.

        Args:
            logits: `[N, K]`; for what is fitted on members `[M, N, K]`, the members' logits.
            labels: `[N]` whole numbers.
            features: `[N, D]`, for what is fitted on features, and for none else.
            weights: `[N]` finite, 0 or more: what each row counts, for plugins that take weights.
            groups: N names, as in the call.
            sources: Further sources by name, each its logits and labels, and features behind them;
                of `unlabelled` its logits alone, or None in the place of its labels.
            seed: Of the fit.

        Raises:
            DataError: If the tensors do not fit each other.
        """
        plugin = self.ready.plugin
        fits_on = plugin.fits_on if isinstance(plugin, Fitted) else "logits"
        needed, of_members = fits_on == "features", fits_on == "members"
        names = tuple(str(k) for k in range(logits.shape[-1]))

        def stream(
            rows: Tensor, known: Any = None, more: Tensor | None = None, **given: Any
        ) -> TensorRows:
            if of_members:
                fault = _members_fault(rows)
                if fault is not None:
                    raise DataError(f"{self.ready.label}: {fault}")
                self._features(more, rows.shape[1], needed=False)
                return TensorRows(known, names, members=rows.float(), **given)
            there = self._features(more, len(rows), needed=needed)
            return TensorRows(known, names, logits=rows.float(), features=there, **given)

        others = {name: stream(*given) for name, given in (sources or {}).items()}
        told = self._groups(groups, len(logits))
        first = stream(logits, labels, features, weights=weights, groups=told)
        return self._learnt(first, seed, frozenset(), others)

    def _groups(
        self, groups: Sequence[str | None] | None, rows: int
    ) -> tuple[str | None, ...] | None:
        """Return the groups of samples, once it is known that they are needed, and fit."""
        by = getattr(self.ready.plugin, "goes_by", None)
        if by is None and groups is not None:
            raise DataError(f"{self.ready.label} goes by no groups: leave groups= out")
        if by is not None and (groups is None or len(groups) != rows):
            got = "none: pass groups=" if groups is None else str(len(groups))
            raise DataError(
                f"{self.ready.label} goes by {by}: expected the group of each of {rows} samples, "
                f"got {got}"
            )
        return None if groups is None else tuple(groups)

    def _features(self, features: Tensor | None, rows: int, *, needed: bool) -> Tensor | None:
        """Return features as float32, once it is known that they are needed, and fit."""
        if (features is None) == needed:
            got = "none: pass features=" if needed else "some: leave features= out"
            expected = f"features [{rows}, D]" if needed else "no features"
            raise DataError(f"{self.ready.label}: expected {expected}, got {got}")
        if features is None:
            return None
        fault = rows_fault(features, rows=rows, columns=0)
        if fault is not None:
            raise DataError(f"{self.ready.label}: features: {fault}")
        return features.float()

    def _of_predictive(self, predictive: Predictive) -> Tensor:
        """Score a prediction as it is.

        Raises:
            DataError: If this is no score, or there are no probabilities.
        """
        if not isinstance(self.ready.plugin, Score) or predictive.probs is None:
            raise DataError(
                f"{self.ready.label}: expected logits, got a Predictive, which is for scores and "
                "needs probs; give its logits, or probs.log()"
            )
        return self.ready.call(predictive)  # type: ignore[no-any-return]

    @property
    def _takes_members(self) -> bool:
        plugin = self.ready.plugin
        return isinstance(plugin, Combine) or getattr(plugin, "needs_members", False)


def _logits_fault(logits: Tensor) -> str | None:
    """Say what is wrong with logits `[N, K]`, or None."""
    return rows_fault(logits, rows=len(logits), columns=0)


def _members_fault(logits: Tensor) -> str | None:
    """Say what is wrong with members' logits `[M, N, K]`, or None."""
    if logits.ndim != 3 or not len(logits):
        return f"expected logits [M, N, K] of M members, got {list(logits.shape)}"
    return rows_fault(logits.flatten(0, 1), rows=logits.shape[0] * logits.shape[1], columns=0)
