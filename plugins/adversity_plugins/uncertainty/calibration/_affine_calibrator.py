"""What calibrators share that are an affine map of logits, or of log-probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.uncertainty.calibration._held_out_calibrator import (
    HeldOutCalibrator,
    Learnt,
)

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.uncertainty.calibration._affine_fit import Affine
    from adversity_plugins.uncertainty.calibration._held_rows import HeldRows

__all__ = ["AffineCalibrator", "MatrixCalibrator"]


class AffineCalibrator(HeldOutCalibrator):
    """`softmax(weights @ features + bias)` over the classes that were fitted."""

    differentiable = True
    arrays: ClassVar[tuple[str, ...]] = ("weights", "bias")

    def _features(self, logits: Tensor) -> Tensor:
        """Return what is mapped, `[N, K]` of logits `[N, K]`."""
        return logits

    def _log_shares(self, logits: Tensor) -> Tensor:
        features = self._features(logits)
        weights, bias = (self._tables[name].to(logits.device) for name in self.arrays)
        if weights.ndim == 1:
            scores = features[:, self._fitted] * weights + bias
        else:
            scores = features @ weights.T + bias
        shares: Tensor = scores.log_softmax(1)
        return shares

    def _learnt(self, rows: HeldRows, affine: Affine, parameters: int) -> Learnt:
        """Return what was fitted, and say where it cannot be trusted."""
        import torch

        fitted = torch.zeros(rows.logits.shape[1], dtype=torch.bool)
        fitted[rows.present] = True
        arrays = {
            "weights": torch.from_numpy(affine.weights),
            "bias": torch.from_numpy(affine.bias),
        }
        notes = []
        n = len(rows.targets)
        if parameters >= n:
            notes.append(f"{parameters} parameters on {n} rows: it may fit these rows alone")
        if not affine.found:
            notes.append(f"the likelihood still rose after {affine.rounds} rounds")
        return fitted, arrays, {"rounds": affine.rounds, "parameters": parameters}, notes


class MatrixCalibrator(AffineCalibrator):
    """Each class's score is a weighted sum of all features, with penalties on the weights."""

    off_diagonal: float | None = Field(
        None,
        ge=0,
        description="Of the mean squared weight off the diagonal, in nats; 0 is no penalty. None is "
        "K (K - 1) / 10 for K classes: 0.1 nats for each squared weight.",
    )
    intercept: float | None = Field(
        None,
        ge=0,
        description="Of the mean squared shift, in nats; 0 is no penalty. None is K / 100 for K "
        "classes: 0.01 nats for each squared shift.",
    )
    rounds: int = Field(1000, ge=1, description="Of the search (L-BFGS), at most.")

    def _learn(self, rows: HeldRows) -> Learnt:
        from adversity_plugins.uncertainty.calibration._affine_fit import MatrixLoss, likeliest

        _, truth, start = prepared(rows)
        k = len(rows.present)
        loss = MatrixLoss(
            self._features(rows.logits).numpy(),
            truth,
            rows.weights.numpy(),
            rows.present.numpy(),
            start=start,
            off_diagonal=k * (k - 1) / 10 if self.off_diagonal is None else self.off_diagonal,
            intercept=k / 100 if self.intercept is None else self.intercept,
        )
        return self._learnt(rows, likeliest(loss, self.rounds), loss.size)


def prepared(rows: HeldRows) -> tuple[Any, Any, float]:
    """Return the fitted classes' logits `[N, P]`, the true columns `[N]` of these, and 1/T."""
    import torch

    from adversity import Block
    from adversity_plugins.uncertainty.calibration._temperature_search import HeldOut, search

    present = rows.present
    features, truth = rows.logits[:, present], torch.searchsorted(present, rows.targets)
    ids = tuple(map(str, range(len(truth))))
    block = Block(ids=ids, targets=truth, logits=features, weights=rows.weights)
    temperature = search(HeldOut([block]))  # type: ignore[arg-type]  # (a list is gone through alike)
    return features.numpy(), truth.numpy(), 1 / temperature.value
