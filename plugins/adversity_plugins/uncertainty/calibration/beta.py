"""Beta calibration: a logistic regression on log p and log(1 - p)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity_plugins.uncertainty.calibration._held_out_calibrator import (
    HeldOutCalibrator,
    Learnt,
)

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_plugins.uncertainty.calibration._held_rows import HeldRows

__all__ = ["Beta"]


class Beta(HeldOutCalibrator):
    """Map each class's probability by the ratio of two Beta densities, one class against the rest.

    logit(q) = a log p - b log(1 - p) + c, with a and b not below 0, so that the map rises; a, b and
    c make held-out labels likeliest. With a = b and c = 0 it is a temperature. What all classes get
    is divided by its sum. Answers can change. A class keeps its probability, and the others share the
    rest, where it has no held-out row, or where a threshold tells its rows from the others, so that
    no a, b and c are the likeliest. With fewer than 100 rows, or where the loss of these rows would
    rise, nothing is changed, and the note says so.

    Reference:
        M. Kull, T. Silva Filho, P. Flach, Beta calibration: a well-founded and easily implemented
        improvement on logistic calibration for binary classifiers, 2017, section 3; one class
        against the rest is ours.
    """

    name = "beta"
    reference = (
        "M. Kull, T. Silva Filho, P. Flach, Beta calibration: a well-founded and easily implemented "
        "improvement on logistic calibration for binary classifiers, 2017"
    )
    differentiable = True
    arrays: ClassVar[tuple[str, ...]] = ("coefficients",)

    def _learn(self, rows: HeldRows) -> Learnt:
        import numpy as np
        import torch

        from adversity_plugins.uncertainty.calibration._logistic_newton import likeliest_line

        yes, no = (value.numpy() for value in _log_odds_parts(rows.logits))
        fitted = torch.zeros(rows.logits.shape[1], dtype=torch.bool)
        found = []
        for k in rows.present.tolist():
            features = np.column_stack([yes[:, k], -no[:, k]])
            true = (rows.targets.numpy() == k).astype(np.float64)
            line = likeliest_line(features, true, rows.weights.numpy())
            if line is not None:
                fitted[k] = True
                found.append(line)
        table = torch.from_numpy(np.stack(found)) if found else torch.zeros(0, 3)
        return fitted, {"coefficients": table.double()}, {}, []

    def _log_shares(self, logits: Tensor) -> Tensor:
        from torch.nn.functional import logsigmoid

        yes, no = (value[:, self._fitted] for value in _log_odds_parts(logits))
        a, b, c = self._tables["coefficients"].to(logits.device).unbind(1)
        return logsigmoid(a * yes - b * no + c).log_softmax(1)


def _log_odds_parts(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return log p and log(1 - p), both `[N, K]`, exact also where p is next to 1."""
    import torch

    yes = logits.log_softmax(1)
    top = logits.argmax(1, keepdim=True)
    # The largest alone can be next to 1; the others sum to 1 less it.
    others = yes.scatter(1, top, -torch.inf).logsumexp(1, keepdim=True)
    no = torch.log1p(-yes.scatter(1, top, -1.0).exp()).scatter(1, top, others)
    return yes, no
