"""What an attack is charged, and draws of a random chain that belong to a sample's own queries."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget


def chain(*readies: Any, ids: Any, **kwargs: Any) -> ChainTarget:
    """Compose ready plugins."""
    return ChainTarget([Link(f"step{i}", r) for i, r in enumerate(readies)], ids=ids, **kwargs)


def test_each_gradient_of_one_answer_is_counted(plugins: Any, images: Any, ids: Any) -> None:
    """One query that is differentiated three times costs one query and three gradients."""
    victim = chain(plugins["net"], ids=ids)
    point = images.clone().requires_grad_()
    logits = victim.logits(point)
    assert not victim.counts.gradients.any()
    for column in range(3):
        torch.autograd.grad(logits[:, column].sum(), point, retain_graph=True)
    assert victim.counts.queries[:21].tolist() == [1] * 21
    assert victim.counts.gradients[:21].tolist() == [3] * 21


@pytest.mark.parametrize("ask", ["logits", "decisions"])
def test_draws_belong_to_a_sample_s_own_queries(
    plugins: Any, images: Any, ids: Any, ask: str
) -> None:
    """A noisy chain answers a row's n-th query alike whoever stands beside it, and anew each time.

    With 21 rows the chain runs in several blocks, and sub-targets are asked in another order.
    """
    links = plugins["shift"], plugins["net"]

    def said(target: ChainTarget, rows: Any) -> list[torch.Tensor]:
        here = target.rows(rows)
        return [getattr(here, ask)(images[rows]) for _ in range(12)]

    whole = said(chain(*links, ids=ids), torch.arange(21))
    apart = chain(*links, ids=ids)
    late, early = torch.tensor([20, 3]), torch.tensor([7])
    alone, others = said(apart, early), said(apart, late)
    for n in range(12):
        assert torch.equal(alone[n][0], whole[n][7])
        assert torch.equal(others[n], whole[n][late])
    again = said(apart, early)
    everything = torch.stack([*whole, *[answer[[0] * 21] for answer in again]]).float()
    assert bool((everything.std(0) > 0).any())
    assert not torch.equal(torch.stack(again), torch.stack(alone))
