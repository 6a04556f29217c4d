"""The public call of a method that asks a network several times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls.model import ClassifierModel
from adversity.engine.calls.networks import as_found
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.own_network import ready_network
from adversity.engine.public.public_call import Call, require_images, sample_ids
from adversity.errors import InputError
from adversity.seeding import SampleRng, preserve_global_rng

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from adversity.contracts import Predictive

__all__ = ["SamplingCall"]


class SamplingCall(Call):
    """`predictive = method(classifier, images, ids=..., seed=...)`."""

    def __call__(
        self,
        classifier: Call | nn.Module,
        images: Tensor,
        *,
        ids: Sequence[str] | None = None,
        seed: int = 0,
    ) -> Predictive:
        """Return `probs` `[N, K]` and `members` `[M, N, K]`, float32.

        Args:
            classifier: What `create` returned, or an `nn.Module` from images `[N, C, H, W]` in
                [0, 1] to logits `[N, K]`, which is left exactly as found.
            images: `[N, C, H, W]` float32 in [0, 1].
            ids: What keys each image's draws; their positions if not given.
            seed: Of the draws.

        Raises:
            DataError: If the images are none.
            InputError: If it is no classifier, or the method cannot be used on this one.
            NotFittedError: If the method or a classifier must be fitted first.
        """
        self.ready.require_fitted()
        ready = _ready(classifier)
        require_images(images, ready)
        names = sample_ids(ids, len(images))
        rng = SampleRng(seed=seed, step=self.ready.plugin.name, ids=names)
        own = [classifier] if _is_bare(classifier) else []
        with preserve_global_rng(), as_found(own):
            model = ClassifierModel(ready.call)
            said: Predictive = self.ready.call((model,), images.detach(), rng)
        return said


def _is_bare(given: Any) -> bool:
    from torch import nn

    return isinstance(given, nn.Module)


def _ready(given: Any) -> Ready:
    """Return a classifier that is set up, of what a user gave.

    Raises:
        InputError: If it is none.
    """
    if _is_bare(given):
        return ready_network(given)
    ready = getattr(given, "ready", None)
    if not isinstance(ready, Ready) or ready.plugin.describes.makes != "predictions":
        what = ready.label if isinstance(ready, Ready) else type(given).__name__
        raise InputError(f"expected a classifier from adversity.create or an nn.Module, got {what}")
    ready.require_fitted()
    return ready
