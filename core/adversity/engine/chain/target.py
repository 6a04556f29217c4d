"""The victim of an attack: the whole chain, composed to one function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Never, get_args

from adversity.contracts import Access
from adversity.engine.calls.blocks import in_blocks
from adversity.engine.chain.alarm import LABELS, Alarm
from adversity.engine.chain.answer import Answer
from adversity.engine.chain.answering import Draws, arranged
from adversity.engine.chain.links import parts_of
from adversity.engine.chain.watching import Backward, Counts, Watch
from adversity.errors import InputError, PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Structure
    from adversity.contracts.goal import Objective
    from adversity.engine.chain.alarm import Decided
    from adversity.engine.chain.answering import Line
    from adversity.engine.chain.links import Bundle, Link

__all__ = ["ChainTarget"]

_ACCESS: tuple[Access, ...] = get_args(Access)
EOT_DRAWS = 8
"""Draws over which the gradient of a stochastic chain is averaged; an answer that is itself a mean
over draws is asked for once."""


class ChainTarget:
    """Restorations, a classifier and what follows it, as one differentiable function.

    In the place of the classifier the members of an ensemble may stand, which answer as one.

    Rows keep their identity: side information, random streams and counts belong to them.
    """

    def __init__(
        self,
        links: Sequence[Link | Bundle],
        *,
        ids: Sequence[str],
        side: Mapping[str, Tensor] | None = None,
        seed: int = 0,
        draws: int = EOT_DRAWS,
        objective: Objective | None = None,
        labels: Tensor | None = None,
    ) -> None:
        """Compose the links for these samples.

        Args:
            links: Image links, then one classifier or bundle, then calibrators or scores.
            ids: N sample ids.
            side: Side information of the images, each with first axis N.
            seed: The pipeline's seed, for stochastic links.
            draws: EOT draws, where a link is stochastic and not a mean over draws itself.
            objective: What is attacked in the place of the answer: the decision whether to accept
                it, as two logits.
            labels: `[N]` int64, the true classes, which an objective goes by.
        """
        import torch

        self.links = tuple(links)
        line = arranged(links)
        self._chain: Line | Alarm = line if objective is None else Alarm(line, objective)
        self.counts = Counts(len(ids))
        self._random = any(link.stochastic for link in links)
        self.draws = draws if any(link.averaged for link in links) else 1
        self._seed = seed
        self.ids = tuple(ids)
        self._side = dict(side or {})
        if labels is not None:
            self._side[LABELS] = labels
        self._slots = torch.arange(len(ids))
        self._ones = torch.ones_like(self._slots)
        self._access: Access = "structure"
        self._watch: Watch | None = None

    def watched(self, watch: Watch) -> ChainTarget:
        """Return the same victim, whose answers to queries without a gradient are looked at."""
        other = object.__new__(ChainTarget)
        other.__dict__.update(self.__dict__)
        other._watch = watch
        return other

    def anew(self, *, seed: int | None = None) -> ChainTarget:
        """Return the same victim, which has counted nothing; `seed` is for other draws."""
        import torch

        other = object.__new__(ChainTarget)
        other.__dict__.update(self.__dict__)
        other.counts, other._watch = Counts(len(self.ids)), None
        other._slots = torch.arange(len(self.ids))
        other._ones = torch.ones_like(other._slots)
        other._seed = self._seed if seed is None else seed
        return other

    def granted(self, access: Access) -> ChainTarget:
        """Return the same victim, of which an attack sees no more than it says it queries."""
        other = object.__new__(ChainTarget)
        other.__dict__.update(self.__dict__)
        other._access = access
        return other

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return len(self._chain.class_names)

    @property
    def gives(self) -> str:
        """What the classifier gives: `logits`, `probs` or `labels`."""
        return self._chain.gives

    @property
    def described(self) -> tuple[dict[str, str], ...]:
        """For the report: each link, those of every member too, and what its gradient went through."""
        return tuple(
            {"step": link.name, "uses": link.label, "gradient": link.gradient}
            for link in parts_of(self.links)
        )

    def rows(self, index: Any) -> ChainTarget:
        """Return the same victim for some rows; a repeated row is padding and costs nothing."""
        import torch

        where = torch.as_tensor(index, dtype=torch.int64)
        other = object.__new__(ChainTarget)
        other.__dict__.update(self.__dict__)
        other.ids = tuple(self.ids[i] for i in where.tolist())
        other._side = {name: value[where] for name, value in self._side.items()}
        slots = self._slots[where].clone()
        seen: set[int] = set()
        for position, slot in enumerate(slots.tolist()):
            if slot in seen:
                slots[position] = len(self.counts.queries) - 1
            seen.add(slot)
        other._slots, other._ones = slots, torch.ones_like(slots)
        return other

    def logits(self, images: Tensor) -> Tensor:
        """Return finite logits `[N, K]`, differentiable where `images` require a gradient.

        Raises:
            PluginError: If a link gives what is not finite, or other than N rows; an `InputError`
                if the classifier is a user's own network.
            InputError: If the attack's `access` allows less, or there is no gradient to be had.
        """
        import torch

        self._allow("gradients" if images.requires_grad else "scores")
        self._expect(images)
        if images.requires_grad:
            self._require_gradient()
        self._count()
        if not len(images):
            return self._no_answer(images)
        given = (self.counts, self._slots, self._ones)
        backward = Backward(*given) if images.requires_grad else None
        # The classifier's blocks go through the whole chain, which bounds memory; `split` and
        # not slices: its backward is one copy, that of n slices n full-size sums.
        size = self._chain.rows(images)
        blocks = torch.split(images, size) if len(images) > size else (images,)
        parts = [
            self._block(block, slice(size * k, size * (k + 1)), backward)
            for k, block in enumerate(blocks)
        ]
        if backward is not None:
            backward.watch(images)
        answer = parts[0] if len(parts) == 1 else torch.cat(parts)
        # A finite sum has finite terms; only where it overflows must they be looked at.
        if not math.isfinite(answer.detach().sum()) and not bool(answer.isfinite().all()):
            self._not_finite(images)
        if self._watch is not None and not images.requires_grad:
            self._watch.look(images, answer.argmax(1), self._slots, self.counts.queries)
        return answer

    def decisions(self, images: Tensor) -> Tensor:
        """Return the predicted classes `[N]` of the chain, with new draws where it is stochastic.

        Raises:
            InputError: If the attack's `access` allows less.
        """
        self._allow("decisions")
        self._expect(images)
        self._count()
        answers = self._answered(images.detach(), self._asked(slice(None))).predicted
        if self._watch is not None:
            self._watch.look(images, answers, self._slots, self.counts.queries)
        return answers

    def structure(self) -> Structure | None:
        """Return what the classifier is made of, where nothing else stands in the chain."""
        self._allow("structure")
        return self._chain.structure

    def _allow(self, access: Access) -> None:
        if _ACCESS.index(access) > _ACCESS.index(self._access):
            raise InputError(
                f"the attack queries its victim for {access}, but says that it queries no more "
                f"than {self._access}: expected `access = {access!r}` on its class"
            )

    def _require_gradient(self) -> None:
        why = self._chain.source.no_gradient
        if why is None:
            return
        raise InputError(
            f"{self._chain.label} has no gradient ({why}): expected an attack that needs none (`exact`, "
            "`square`, `hop_skip_jump`), or a classifier that is differentiable"
        )

    def _expect(self, images: Tensor) -> None:
        if len(images) != len(self._slots):
            raise PluginError(
                f"expected {len(self._slots)} images for this target, got {len(images)}; "
                "use target.rows(index) for some of them"
            )

    def _count(self) -> None:
        self.counts.queries.index_add_(0, self._slots, self._ones)

    def _not_finite(self, images: Tensor) -> Never:
        """Say whose fault it is that an answer is not finite."""
        if not bool(images.isfinite().all()):
            raise PluginError("the attack queried images that hold NaN or infinity")
        what = f"expected finite logits at the end of {self._chain.label}, got NaN or infinity"
        self._chain.source.broke(what, self.ids)

    def _block(self, block: Tensor, cut: slice, backward: Backward | None) -> Tensor:
        """Run the chain on one block; average over draws where it is stochastic."""
        import torch

        side = {name: value[cut] for name, value in self._side.items()}
        streams = self._asked(cut)
        if self.draws == 1:
            part = backward.watch_part(block, cut) if backward else block
            return self._chain.sought(part, side, Draws(self._seed, streams, 0))
        drawn = []
        for draw in range(self.draws):
            # Each draw by itself: one that has no gradient does not take it from the others.
            own = backward.watch_part(block.view_as(block), cut) if backward else block
            drawn.append(self._chain.sought(own, side, Draws(self._seed, streams, draw)))
        size = self._chain.rows(block)
        return in_blocks(_mean_of_draws, torch.stack(drawn, 1), size)

    def _asked(self, cut: slice) -> tuple[str, ...]:
        """Return what keys the draws of an attack's query: the sample and which query it is.

        The sample's own count and nothing else, so that no draw comes twice and none depends
        on the sample's neighbours, or on when they leave.
        """
        ids = self.ids[cut]
        if not self._random:
            return ids
        counts = self.counts.queries[self._slots[cut]].tolist()
        return tuple(f"{sample} (query {n})" for sample, n in zip(ids, counts, strict=True))

    def answer(self, images: Tensor) -> Answer:
        """Return the real answer, as a step of the pipeline gives it: the judge's view."""
        return self._answered(images.detach(), self.ids)

    def decided(self, images: Tensor) -> Decided:
        """Return the real answer behind an objective, and what is decided of it: the judge's view."""
        if not isinstance(self._chain, Alarm):
            raise PluginError("expected a target with an objective, got one without")
        given = images.detach(), self._side, Draws(self._seed, self.ids), self.ids
        return self._chain.decided(*given)

    def attackable(self, images: Tensor) -> Tensor:
        """Return the labels of an objective, `[N]` int64: 0, or -1 where nothing can be fooled."""
        return self.decided(images).goals

    def _answered(self, images: Tensor, streams: tuple[str, ...]) -> Answer:
        if not len(images):
            nothing = self._no_answer(images)
            return Answer(nothing, self.gives, nothing if self._chain.calibrators else None)
        return self._chain.given(images, self._side, Draws(self._seed, streams), self.ids)

    def _no_answer(self, images: Tensor) -> Tensor:
        """Return the answer to no images: `[0, K]`, differentiable; K is 1 where it is unknown."""
        return images.flatten(1).sum(1, keepdim=True).expand(0, max(self.classes, 1))


def _mean_of_draws(logits: Tensor) -> Tensor:
    """Return log mean p `[N, K]` of draws `[N, M, K]`; in float64, then rounded once."""
    logs = logits.double().log_softmax(2)
    return (logs.logsumexp(1) - math.log(logits.shape[1])).float()
