"""What the adapters of calibrators share: probabilities in, probabilities out."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity import Fitted, PostHoc, State
from adversity.errors import NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData

__all__ = ["PeerCalibrator"]


class PeerCalibrator(Fitted, PostHoc):
    """A calibrator with `fit(probs, labels)` and `transform(probs)` on NumPy arrays.

    Such objects can be stored by pickle only. The state is therefore what they were fitted
    on, and loading it fits again.
    """

    fits_on: ClassVar[str] = "logits"

    _calibrator: Any = PrivateAttr(default=None)

    @abstractmethod
    def build(self) -> Any:
        """Return the library's calibrator, not fitted."""

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Return the held-out logits `[N, K]` and targets `[N]`."""
        import torch

        blocks = list(data)
        logits = torch.cat([block.logits for block in blocks if block.logits is not None])
        targets = torch.cat([block.targets for block in blocks if block.targets is not None])
        return State({"logits": logits.numpy(), "targets": targets.numpy()})

    def load(self, state: State) -> None:
        """Fit the library's calibrator on the stored logits."""
        import torch

        probs = torch.from_numpy(state.arrays["logits"]).double().softmax(1).numpy()
        self._calibrator = self.build()
        self._calibrator.fit(probs, state.arrays["targets"])

    def calibrate(self, logits: Tensor) -> Tensor:
        """Return `transform(softmax(logits))`.

        Raises:
            NotFittedError: If nothing was loaded.
        """
        import torch

        if self._calibrator is None:
            raise NotFittedError(f"{self.name}: expected a fitted calibrator; fit it first")
        probs = self._calibrator.transform(logits.detach().double().softmax(1).cpu().numpy())
        return torch.from_numpy(probs).to(logits)
