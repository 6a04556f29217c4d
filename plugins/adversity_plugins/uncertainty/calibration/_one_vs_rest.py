"""What calibrators share that map each class's probability by itself, and renormalise."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from adversity_plugins.uncertainty.calibration._held_out_calibrator import (
    HeldOutCalibrator,
    Learnt,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity_plugins.uncertainty.calibration._held_rows import HeldRows

    Floats = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["OneVsRest"]


class OneVsRest(HeldOutCalibrator):
    """Each class is one problem of two classes, itself and the rest; then p is what sums to 1.

    Answers can change, since each class is mapped by itself. Where the map gives 0 to all classes
    the answer is uniform over them, and `uniform` tells these rows. Its gradient, which is none or
    flat almost everywhere, is in attacks that of the probabilities that come in (BPDA).
    """

    @abstractmethod
    def _learn_class(
        self, probs: Floats, true: Floats, weights: Floats
    ) -> tuple[dict[str, Floats], dict[str, float]]:
        """Return arrays and counts of one class.

        Args:
            probs: `[N]`, ascending.
            true: `[N]`, 1 where a row is of this class, else 0; both occur.
            weights: `[N]` above 0.
        """

    @abstractmethod
    def _pack(self, name: str, rows: list[Floats]) -> Tensor:
        """Return one array of all classes, `[F, L]`."""

    @abstractmethod
    def _mapped(self, probs: Tensor) -> Tensor:
        """Return what the maps give `[N, F]`, of the fitted classes' probabilities `[N, F]`."""

    def uniform(self, logits: Tensor) -> Tensor:
        """Return for which rows the maps give 0 to all classes, `[N]` bool, of logits `[N, K]`.

        Raises:
            NotFittedError: Nothing was fitted yet.
        """
        import torch

        self._log_probs(logits.double())  # refuses what `calibrate` refuses
        if not self._fitted.any():
            return torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
        return self._shares(logits.double())[1].sum(1) == 0

    def _shares(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the fitted classes' probabilities, and what the maps give, both `[N, F]`."""
        probs = logits.softmax(1)[:, self._fitted]
        return probs, self._mapped(probs.detach())

    def _log_shares(self, logits: Tensor) -> Tensor:
        import torch

        probs, mapped = self._shares(logits)
        total = mapped.sum(1, keepdim=True)
        found = torch.where(
            total > 0, mapped / torch.where(total > 0, total, 1.0), 1 / mapped.shape[1]
        )
        if not probs.requires_grad:
            return found.log()
        plain = probs / probs.sum(1, keepdim=True).clamp_min(torch.finfo(probs.dtype).tiny)
        return _through(found, plain)

    def _learn(self, rows: HeldRows) -> Learnt:
        import numpy as np
        import torch

        probs, targets = rows.logits.softmax(1).numpy(), rows.targets.numpy()
        present = rows.present.tolist()
        fitted = torch.zeros(probs.shape[1], dtype=torch.bool)
        fitted[present] = True
        columns: dict[str, list[Floats]] = {name: [] for name in self.arrays}
        counts: dict[str, float] = {}
        for k in present:
            order = np.argsort(probs[:, k], kind="stable")
            arrays, found = self._learn_class(
                probs[order, k],
                (targets[order] == k).astype(np.float64),
                rows.weights.numpy()[order],
            )
            for name, value in arrays.items():
                columns[name].append(value)
            counts = {name: counts.get(name, 0) + value for name, value in found.items()}
        packed = {name: self._pack(name, values) for name, values in columns.items()}
        return fitted, packed, dict(counts), []


def _through(found: Tensor, plain: Tensor) -> Tensor:
    """Return log of what was found, with the gradient of what came in."""
    import torch

    tiny = torch.finfo(found.dtype).tiny
    log = plain.clamp_min(tiny).log()
    return found.clamp_min(tiny).log() + (log - log.detach())
