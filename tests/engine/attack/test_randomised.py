"""The second query of a victim: what counts as another answer, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import torch

from adversity.engine.attack.randomised import random_output
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget


def asked_twice(
    links: list[Link], images: Any, ids: Any, *, asked: torch.Tensor | None = None
) -> torch.Tensor:
    """Ask for all images, or some, and ask again."""
    judge = ChainTarget(links, ids=ids, seed=5)
    every = torch.ones(len(ids), dtype=torch.bool)
    asked = every if asked is None else asked
    return random_output(judge, images, judge.answer(images), asked, seed=5)


def test_a_victim_without_chance_never_differs(plugins: Any, images: Any, ids: Any) -> None:
    """Not even where the logits are close: the same bits come back."""
    links = [Link("half", plugins["halve"]), Link("net", plugins["net"])]
    assert not bool(asked_twice(links, images, ids).any())


def test_declared_noise_differs_where_the_class_does(plugins: Any, images: Any, ids: Any) -> None:
    """Exactly the samples whose class two draws of the chain tell apart, and no other."""
    links = [Link("shift", plugins["shift"]), Link("net", plugins["net"])]
    first, second = (
        ChainTarget(links, ids=ids, seed=seed).answer(images).predicted for seed in (5, 6)
    )
    found = asked_twice(links, images, ids)
    assert torch.equal(found, first != second)
    assert 0 < int(found.sum()) < len(ids)


def test_only_those_asked_for_count_and_neighbours_do_not(
    plugins: Any, images: Any, ids: Any
) -> None:
    """Of the others nothing is said; the answer for one sample is the same without them."""
    links = [Link("shift", plugins["shift"]), Link("net", plugins["net"])]
    some = torch.arange(len(ids)) % 3 == 0
    assert torch.equal(
        asked_twice(links, images, ids, asked=some), asked_twice(links, images, ids) & some
    )


def test_global_random_state_is_left_alone(plugins: Any, images: Any, ids: Any) -> None:
    """The second query moves the global state for itself only."""
    before = torch.get_rng_state()
    asked_twice([Link("net", plugins["net"])], images, ids)
    assert torch.equal(torch.get_rng_state(), before)
