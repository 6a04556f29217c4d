"""Ensembles as victims: the mean of what members say, its gradient, counts, draws and refusals."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from toy_ensemble import Mean, Other, by_hand, gradient_of

from adversity import PostHoc
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.target import ChainTarget


def test_values_and_gradients_are_those_of_the_mean_by_hand(
    ensemble: Any, members: Any, plugins: Any, images: Any
) -> None:
    """In float64 but for the members' own float32: equal up to its rounding."""
    victim = ensemble(*members)
    exact = by_hand(plugins, images)
    assert torch.allclose(victim.logits(images).double(), exact, atol=1e-5, rtol=1e-6)
    found = gradient_of(victim.logits, images)
    expected = gradient_of(lambda point: by_hand(plugins, point), images)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5
    assert torch.allclose(victim.answer(images).values.double(), exact.exp(), atol=1e-7)


def test_the_gradient_is_that_of_differences(ensemble: Any, members: Any, images: Any) -> None:
    """Along random directions, with steps far above float32's rounding of the answer."""
    victim, images = ensemble(*members), 0.1 + 0.8 * images
    found = gradient_of(victim.logits, images)
    way = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        losses = [
            -victim.logits(images + sign * 1e-3 * way).double().log_softmax(1)[:, 2]
            for sign in (1, -1)
        ]
    slope = (losses[0] - losses[1]) / 2e-3
    assert torch.allclose((found * way).flatten(1).sum(1).double(), slope, rtol=2e-2, atol=2e-2)


def test_one_member_answers_as_the_member_to_the_bit(
    ensemble: Any, members: Any, images: Any, ids: Any
) -> None:
    """The judge's probabilities, and what a sign attack makes of the images."""
    for member in members:
        alone, bundled = ChainTarget(member, ids=ids), ensemble(member)
        probs = alone.answer(images).probabilities.float()
        assert torch.equal(bundled.answer(images).values, probs)
        assert torch.equal(
            gradient_of(bundled.logits, images).sign(), gradient_of(alone.logits, images).sign()
        )


def test_an_image_is_one_query_however_many_members_it_asks(
    ensemble: Any, members: Any, images: Any
) -> None:
    """And one gradient each time its answer is differentiated."""
    victim = ensemble(*members, members[0])
    gradient_of(victim.logits, images)
    victim.granted("decisions").decisions(images)
    assert set(victim.counts.queries[:-1].tolist()) == {2}
    assert set(victim.counts.gradients[:-1].tolist()) == {1}


def test_every_member_is_described(ensemble: Any, members: Any, plugins: Any, ids: Any) -> None:
    """With its own views, and what its gradient goes through; then what combines."""
    rounding = (Link("round", plugins["rounded"]), *members[0])
    shown = ensemble(rounding, members[1]).described
    assert [(link["step"], link["gradient"]) for link in shown] == [
        ("round", "BPDA (identity)"),
        ("one", "exact"),
        ("halved", "exact"),
        ("two[seed=1]", "exact"),
        ("mean", "exact"),
    ]


def test_bpda_of_one_member_leaves_the_other_exact(
    ensemble: Any, members: Any, plugins: Any, images: Any
) -> None:
    """Rounding in front of the first: forward as it is, backward the identity there alone."""
    victim = ensemble((Link("round", plugins["rounded"]), *members[0]), members[1])
    rounded = (images * 7).round() / 7

    def surrogate(point: torch.Tensor) -> torch.Tensor:
        first = plugins["net"].plugin.logits(point + (rounded - images))
        second = Other().logits(point * 0.5)
        return ((first.double().softmax(1) + second.double().softmax(1)) / 2).log()

    assert torch.allclose(victim.logits(images).double(), surrogate(images), atol=1e-5)
    found, expected = gradient_of(victim.logits, images), gradient_of(surrogate, images)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-4


def test_members_draw_for_themselves_and_attacks_average(
    ensemble: Any, members: Any, plugins: Any, images: Any, ids: Any
) -> None:
    """The answer is the mean over members in each draw, then over draws; streams go by steps."""
    noisy = [
        (Link(f"noise{number}", plugins["shift"]), Link(f"net{number}", plugins["net"]))
        for number in range(2)
    ]
    once = [ChainTarget(member, ids=ids).answer(images).probabilities for member in noisy]
    assert not torch.equal(*once)
    judged = ensemble(*noisy).answer(images).values.double()
    assert torch.allclose(judged, sum(once) / 2, atol=1e-7)
    draws = [
        [ChainTarget(member, ids=ids, draws=count).logits(images).double() for member in noisy]
        for count in (1, 4)
    ]
    for count, each in zip((1, 4), draws, strict=True):
        exact = sum(one.softmax(1) for one in each) / 2
        asked = ensemble(*noisy, draws=count).logits(images).double().exp()
        assert torch.allclose(asked, exact, atol=1e-6)
    mixed = ensemble(noisy[0], members[0])
    assert mixed.draws == 8
    assert ensemble(*members).draws == 1
    assert "with EOT" in mixed.described[0]["gradient"]


def test_rows_do_not_depend_on_their_neighbours(ensemble: Any, members: Any, images: Any) -> None:
    """Of an ensemble as of one network: alone, in any part, in any order."""
    victim = ensemble(*members)
    whole, judged = victim.logits(images), victim.answer(images).values
    for index in ([3], [20, 3, 11], list(range(21))):
        part = victim.rows(index)
        assert torch.equal(part.logits(images[index]), whole[index])
        assert torch.equal(part.answer(images[index]).values, judged[index])


def test_where_float32_is_sure_the_gradient_still_leads_somewhere(
    ensemble: Any, make_ready: Any, images: Any
) -> None:
    """Logits hundreds apart: every probability but one is 0 in float32, and log p is finite."""
    steep = [(Link(f"m{slope}", make_ready(Other(slope=slope))),) for slope in (20.0, 30.0)]
    victim = ensemble(*steep)
    assert bool((victim.answer(images).values == 0).any())
    answer = victim.logits(images)
    assert bool(answer.isfinite().all())
    assert float(answer.min()) < -100
    point = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(victim.logits(point).sum(), point)
    assert bool((found.flatten(1).abs().amax(1) > 0).all())
    steeper = ensemble((Link("m", make_ready(Other(slope=1e4))),))
    answer = steeper.logits(images.clone().requires_grad_())
    assert bool(answer.isfinite().all())


def test_a_calibrator_behind_it_gets_what_the_judge_s_gets(
    ensemble: Any, make_ready: Any, images: Any
) -> None:
    """Also where a probability is 0 in float32: log p is not below the smallest float32's."""

    class Warm(PostHoc):
        """A temperature of a thousand."""

        name: ClassVar[str] = "warm"
        differentiable: ClassVar[bool] = True

        def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
            return (logits / 1000).softmax(1)

    victim = ensemble(
        (Link("m", make_ready(Other(slope=30.0))),), behind=[Link("warm", make_ready(Warm()))]
    )
    probs = victim.answer(images).probs
    assert probs is not None
    assert torch.allclose(victim.logits(images).exp(), probs, atol=1e-6)
    assert bool(gradient_of(victim.logits, images).abs().sum() > 0)


def test_ensembles_may_be_members(
    ensemble: Any, members: Any, make_ready: Any, images: Any, plugins: Any
) -> None:
    """The mean of a mean and a third; nothing of it is laid open."""
    inner = Bundle("inner", make_ready(Mean()), tuple(members))
    victim = ensemble((inner,), members[0])
    net = plugins["net"].plugin.logits(images).double().softmax(1)
    exact = (by_hand(plugins, images).exp().float().double() + net) / 2
    assert torch.allclose(victim.answer(images).values.double(), exact, atol=1e-7)
    assert torch.allclose(victim.logits(images).double().exp(), exact, atol=1e-6)
    assert victim.structure() is None
