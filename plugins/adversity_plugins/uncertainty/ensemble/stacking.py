"""A weighted mean of the members' probabilities, the weights fitted on held-out data."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PrivateAttr

from adversity import Combine, Fitted, State
from adversity.errors import DataError, NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import Block, FitData

__all__ = ["Stacking"]

_FEW = 100


class Stacking(Combine, Fitted):
    """The members' probabilities, each weighted by what it adds on held-out data; weights sum to 1.

    The weights maximise the likelihood of held-out labels, which is a concave function of them: one
    that adds nothing gets 0. Rows in which no member gives the true class any chance say nothing of
    the weights; `State.info["note"]` counts them, and says where there were few rows.
    """

    name = "stacking"
    reference = (
        "P. Smyth, D. Wolpert, Linearly combining density estimators via stacking, 1999, section 3; "
        "D. H. Wolpert, Stacked generalization, 1992"
    )
    differentiable = True
    fits_on: ClassVar[Literal["images", "logits", "features", "members"]] = "members"
    takes_weights: ClassVar[bool] = True

    _weights: Tensor | None = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the weights.

        Args:
            data: Blocks with `members` `[M, N, K]` and `targets` `[N]`, and `weights` `[N]` of the
                log-likelihoods where there are any.
            rng: Not used; the fit has no randomness.

        Returns:
            The array `weights` `[M]`, and as information `weights`, `n` and `note` (empty if all
            went well).

        Raises:
            DataError: There are no rows, no members or no targets, or no row says anything.
        """
        import numpy as np

        from adversity_plugins.uncertainty.ensemble._stacking_weights import likeliest_weights

        blocks = [(_truths(block), block.weights) for block in data]
        if not blocks:
            raise DataError("stacking expects rows to fit on, got none")
        truths = np.concatenate([each for each, _ in blocks])
        given = [each.double().cpu().numpy() for _, each in blocks if each is not None]
        counts = np.concatenate(given) if given else None
        known = truths.max(axis=1) > 0
        if not known.any():
            raise DataError(
                f"stacking expects members that give true classes a chance, got 0 from all "
                f"{truths.shape[1]} in each of {len(truths)} rows: are these the right labels?"
            )
        weights = likeliest_weights(truths[known], None if counts is None else counts[known])
        return State({"weights": weights}, _info(weights, known))

    def load(self, state: State) -> None:
        """Take the weights.

        Raises:
            DataError: The stored weights are no shares of 1.
        """
        import torch

        stored = state.arrays.get("weights")
        fit = stored is not None and stored.ndim == 1 and bool((stored >= 0).all())
        if stored is None or not fit or abs(float(stored.sum()) - 1) > 1e-9:
            raise DataError(
                f"stacking expects stored weights of at least 0 that sum to 1, got {stored}: fit it "
                "again"
            )
        self._weights = torch.from_numpy(stored.astype("float64"))

    def combine(self, members: Tensor) -> Tensor:
        """Return probabilities `[N, K]` of members' probabilities `[M, N, K]`.

        Raises:
            NotFittedError: There are no weights yet.
            DataError: They are of another number of members.
        """
        if self._weights is None:
            raise NotFittedError(
                "stacking expects fitted weights, got none: add fit_on: with a step that combines "
                "the members on held-out images, or call .fit(logits, labels) first"
            )
        if len(members) != len(self._weights):
            raise DataError(
                f"stacking was fitted on {len(self._weights)} members, got {len(members)}: fit it on "
                "those that it is used on"
            )
        weights = self._weights.to(members)
        return (weights[:, None, None] * members).sum(dim=0)


def _truths(block: Block) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return what each member says of the true class, `[N, M]`.

    Raises:
        DataError: There are no members or no targets.
    """
    if block.members is None or block.targets is None:
        missing = "members" if block.members is None else "targets"
        raise DataError(
            f"stacking expects what members say of labelled images to fit on, got no {missing}"
        )
    index = block.targets[None, :, None].expand(len(block.members), -1, 1)
    truths: np.ndarray[tuple[int, int], np.dtype[np.float64]] = (
        block.members.double().gather(2, index)[:, :, 0].T.cpu().numpy()
    )
    return truths


def _info(
    weights: np.ndarray[tuple[int], np.dtype[np.float64]],
    known: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> dict[str, object]:
    count = int(known.sum())
    notes = []
    if count < len(known):
        notes.append(
            f"in {len(known) - count} of {len(known)} rows no member gives the true class a chance"
        )
    if count < _FEW:
        notes.append(f"only {count} rows to weigh {len(weights)} members by")
    return {"weights": weights.tolist(), "n": count, "note": "; ".join(notes)}
