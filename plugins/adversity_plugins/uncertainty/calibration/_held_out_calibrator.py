"""What calibrators share that are fitted on held-out logits: when they leave answers alone.

Not for `temperature_scaling` and `label_shift`, whose fits have rules of their own.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Fitted, PostHoc, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData
    from adversity_plugins.uncertainty.calibration._held_rows import HeldRows

__all__ = ["HeldOutCalibrator", "Learnt"]

Learnt = tuple["Tensor", "dict[str, Tensor]", "dict[str, Any]", "list[str]"]
"""Which classes were fitted `[K]` bool, the arrays, what else is known, and notes."""

_ROWS = 4096
_NAMES = 5


class HeldOutCalibrator(PostHoc, Fitted):
    """A calibrator that answers `softmax(logits)` where its fit could not be trusted.

    A class that was not fitted keeps its probability; the others share what is left of 1 as the
    method says. None is fitted where there are fewer than 100 held-out rows, where all are of one
    class, or where the likelihood of these very rows gets worse.
    """

    fits_on: ClassVar[Literal["images", "logits"]] = "logits"
    takes_weights: ClassVar[bool] = True
    block_rows: ClassVar[int] = 64
    arrays: ClassVar[tuple[str, ...]] = ()
    """Names of the arrays of the state, beside `fitted`."""

    _tables: Any = PrivateAttr(default=None)
    _fitted: Any = PrivateAttr(default=None)

    @abstractmethod
    def _learn(self, rows: HeldRows) -> Learnt:
        """Learn from rows of two classes or more."""

    @abstractmethod
    def _log_shares(self, logits: Tensor) -> Tensor:
        """Return log of what each fitted class gets of what these share, `[N, F]` float64."""

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Learn from held-out rows.

        Args:
            data: Blocks with `logits` `[N, K]` and `targets` `[N]`, and `weights` `[N]` of the
                losses where there are any.
            rng: Not used; the fit has no randomness.

        Returns:
            The arrays of the method and `fitted` `[K]`, 1 for classes that were fitted; as
            information `nll_before` and `nll_after` (nats), `changed`, the share of these rows whose
            answer changes, `n`, what the method adds, and `note` (empty if all went well and no
            answer changes).

        Raises:
            DataError: There are no rows, no targets, or the logits are not finite.
        """
        import torch
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from adversity_plugins.uncertainty.calibration._held_rows import MINIMUM_ROWS, held_rows

        rows = held_rows(data, self.name)
        nothing = torch.zeros(rows.logits.shape[1], dtype=torch.bool)
        if (n := len(rows.targets)) < MINIMUM_ROWS:
            why = f"only {n} rows to fit on, at least {MINIMUM_ROWS} are needed"
            return self._settled(rows, (nothing, {}, {}, []), why)
        if len(rows.present) < 2:
            return self._settled(rows, (nothing, {}, {}, []), f"all {n} rows are of one class")
        with threadpool_limits(limits=1):  # a library's sums depend on its number of threads
            return self._settled(rows, self._learn(rows))

    def load(self, state: State) -> None:
        """Take what was fitted.

        Raises:
            DataError: An array is missing, or not finite where it must be.
        """
        import torch

        fitted = state.arrays.get("fitted")
        missing = [name for name in self.arrays if name not in state.arrays]
        if fitted is None or fitted.ndim != 1 or (fitted.any() and missing):
            raise DataError(
                f"{self.name} expects the stored arrays {', '.join(('fitted', *self.arrays))}, got "
                f"{', '.join(state.arrays) or 'none'}: fit it again"
            )
        self._tables = {
            name: torch.from_numpy(value.copy()).to(self._device)
            for name, value in state.arrays.items()
            if name != "fitted"
        }
        for name, value in self._tables.items():
            if value.isnan().any():
                raise DataError(f"{self.name} expects a stored {name} of numbers: fit it again")
        self._fitted = torch.from_numpy(fitted.astype(bool)).to(self._device)

    def calibrate(self, logits: Tensor) -> Tensor:
        """Return the calibrated probabilities, computed in float64.

        Args:
            logits: `[N, K]`, finite.

        Returns:
            `[N, K]` of the same type; rows sum to 1.

        Raises:
            NotFittedError: Nothing was fitted yet.
            DataError: They are of another number of classes.
        """
        return self._log_probs(logits.double()).exp().to(logits.dtype)

    def _log_probs(self, logits: Tensor) -> Tensor:
        """Return calibrated log p `[N, K]` of float64 logits."""
        import torch

        if self._fitted is None:
            raise NotFittedError(
                f"{self.name} expects to be fitted, got nothing: add fit_on: to the step, or call "
                ".fit(logits, labels) first"
            )
        if logits.shape[1] != len(self._fitted):
            raise DataError(
                f"{self.name} was fitted on {len(self._fitted)} classes, got {logits.shape[1]}: fit "
                "it on the classifier that it is used on"
            )
        plain = logits.log_softmax(1)
        if not self._fitted.any():
            return plain
        shares = self._log_shares(logits)
        if self._fitted.all():
            return shares
        index = self._fitted.nonzero()[:, 0]
        rest = plain[:, index].logsumexp(1, keepdim=True)
        return torch.index_copy(plain, 1, index, shares + rest)

    def _settled(self, rows: HeldRows, learnt: Learnt, why: str = "") -> State:
        """Return the state, or one that leaves answers alone where the likelihood gets worse."""
        import torch

        fitted, arrays, facts, notes = learnt
        plain = rows.logits.log_softmax(1)
        before = after = rows.nll(plain)
        changed = 0.0
        stored = {name: value.numpy() for name, value in arrays.items()}
        state = State({**stored, "fitted": fitted.numpy().astype("uint8")})
        if not why and not fitted.any():
            why = "no class could be fitted"
        if not why:
            twin = type(self)(**self.model_dump(exclude_unset=True))
            twin.load(state)
            firsts = range(0, len(rows.logits), _ROWS)
            parts = (rows.logits[first : first + _ROWS] for first in firsts)
            found = torch.cat([twin._log_probs(part) for part in parts])
            after = rows.nll(found)
            moved = (found.argmax(1) != plain.argmax(1)).double()
            changed = float((rows.weights * moved).sum() / rows.weights.sum())
            if not after <= before:
                why = f"the loss of these rows gets worse ({before:.4f} to {after:.4f} nats)"
        if why:
            state = State({"fitted": fitted.numpy().astype("uint8") * 0})
            notes = [*notes, f"{why}: probabilities are left as they are"]
            after, changed = before, 0.0
        else:
            notes = [*notes, *_said(rows, fitted, changed)]
        info = {
            **facts,
            "nll_before": before,
            "nll_after": after,
            "changed": changed,
            "n": len(rows.targets),
            "note": "; ".join(notes),
        }
        return State(state.arrays, info)


def _said(rows: HeldRows, fitted: Tensor, changed: float) -> list[str]:
    """Say what classes were not fitted, and how many answers change."""
    notes = []
    lacking = (~fitted).nonzero()[:, 0].tolist()
    if lacking:
        some = ", ".join(rows.class_names[k] for k in lacking[:_NAMES])
        more = ", ..." if len(lacking) > _NAMES else ""
        notes.append(
            f"{len(lacking)} of {len(fitted)} classes keep their probability, without held-out "
            f"rows or without a best fit: {some}{more}"
        )
    if changed:
        notes.append(f"{changed:.2%} of the answers to these rows change")
    return notes
