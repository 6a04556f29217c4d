"""Whether a victim gives the same image the same answer twice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from adversity.engine.attack.looks import look_once
from adversity.seeding import SampleRng, preserve_global_rng

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.engine.attack.looks import Seen
    from adversity.engine.chain.answer import Answer
    from adversity.engine.chain.target import ChainTarget

__all__ = ["random_output"]

TOLERANCE = 1e-4
"""How far two probabilities of one deterministic victim may lie apart: far above what another
kernel rounds, far below what a draw of noise does."""


def random_output(
    judge: ChainTarget,
    images: Tensor,
    first: Answer,
    checked: Tensor,
    *,
    seed: int,
    seen: Seen | None = None,
) -> Tensor:
    """Ask for the starting images once more, with other draws, and compare the answers.

    Where a link says that it is stochastic, attacks average over its draws and only another
    class counts as another answer. Where none does, any other probability counts: nobody
    averaged. The second query is no query of the attack and is not counted as one.

    Args:
        judge: The whole chain, bound to these N samples.
        images: `[N, C, H, W]`, what an attack starts from.
        first: The first answer, to all N images.
        checked: `[N]` bool, which samples to check; of the others nothing is said.
        seed: The pipeline's seed; the second draws are those of the next one.
        seen: What was found of this start and these links before.

    Returns:
        `[N]` bool: checked, and answered otherwise.
    """
    import torch

    def differs(index: Tensor) -> Tensor:
        again = judge.anew(seed=seed + 1).rows(index)
        with preserve_global_rng():
            _move_global_rng(seed)
            second = again.answer(images[index])
        before = first.rows(index)
        other: Tensor = second.predicted != before.predicted
        if not any(link.stochastic for link in judge.links):
            other |= (second.probabilities - before.probabilities).abs().amax(1) > TOLERANCE
        return other

    changed = torch.zeros(len(checked), dtype=torch.bool)
    index = checked.nonzero().flatten()
    changed[index] = look_once(judge.ids, index, {} if seen is None else seen, differs)
    return changed


def _move_global_rng(seed: int) -> None:
    """Give global random numbers a state that nobody else has, the same each time.

    A plugin that draws from them against the contract would else draw the same again. A small
    number will not do: whoever called us may have seeded with it just before.
    """
    import torch

    drawn = int(SampleRng(seed=seed, step="asked again", ids=("all",)).seeds()[0])
    random.seed(drawn)
    np.random.seed(drawn)  # noqa: NPY002  (what such a plugin would use)
    torch.default_generator.manual_seed(drawn)
