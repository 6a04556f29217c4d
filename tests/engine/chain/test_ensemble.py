"""Ensembles as victims: the mean of what members say, its gradient, counts, draws and refusals."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import adversity
from adversity import Classifier, Combine, PostHoc
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError


class Mean(Combine):
    """The mean, written here once more."""

    name: ClassVar[str] = "mean"
    differentiable: ClassVar[bool] = True

    def combine(self, members: torch.Tensor) -> torch.Tensor:
        return members.sum(0) / len(members)


class Other(Classifier):
    """Another fixed linear classifier of 3 x 6 x 6 images into the same four classes."""

    name: ClassVar[str] = "other"
    slope: float = 1.0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        weights = torch.randn(108, 4, generator=torch.Generator().manual_seed(5))
        return self.slope * (images.flatten(1) - 0.5) @ weights


@pytest.fixture
def members(plugins: Any, make_ready: Any) -> list[tuple[Link, ...]]:
    """Two members: the net, and another behind a restoration that halves."""
    return [
        (Link("one", plugins["net"]),),
        (Link("halved", plugins["halve"]), Link("two", make_ready(Other()), "seed=1")),
    ]


@pytest.fixture
def ensemble(make_ready: Any, ids: Any) -> Any:
    """A function that makes the target of some members, and what stands around them."""

    def made(*members: Any, before: Any = (), behind: Any = (), **kwargs: Any) -> ChainTarget:
        bundle = Bundle("mean", make_ready(Mean()), tuple(members))
        return ChainTarget((*before, bundle, *behind), ids=ids, **kwargs)

    return made


def by_hand(plugins: Any, images: torch.Tensor) -> torch.Tensor:
    """Log of the mean of both members' softmax, in float64."""
    first = plugins["net"].plugin.logits(images)
    second = Other().logits(images * 0.5)
    return ((first.double().softmax(1) + second.double().softmax(1)) / 2).log()


def gradient_of(answer: Any, images: torch.Tensor) -> torch.Tensor:
    """Differentiate the cross-entropy of class 2."""
    point = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(-answer(point).log_softmax(1)[:, 2].sum(), point)
    return found


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


@pytest.mark.parametrize("name", ["pgd", "square", "hop_skip_jump"])
def test_an_attack_on_one_member_is_the_attack_on_it(name: str) -> None:
    """Gradients, scores and decisions: the same images, verdicts and counts, to the bit."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.ReLU(), nn.Linear(8, 3))
    combine = adversity.create("uncertainty", "deep_ensemble")
    images = torch.rand(20, 3, 4, 4)
    labels = net(images).argmax(1)
    options: dict[str, Any] = {"eps": 0.1} | ({"queries": 60} if name != "pgd" else {"steps": 5})
    attack = adversity.create("attack", name, **options)
    alone = attack(adversity.target(net), images, labels)
    bundled = attack(adversity.target(adversity.target(net), combine), images, labels)
    assert alone.success.any()
    for part in ("images", "prediction", "success", "queries", "gradients", "norms"):
        assert torch.equal(getattr(alone, part), getattr(bundled, part)), part


class Line(nn.Module):
    """Two logits whose difference is linear in two pixels."""

    def __init__(self, weights: list[float], bias: float) -> None:
        super().__init__()
        self.weights = torch.tensor(weights)
        self.bias = bias

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        lead = images.flatten(1) @ self.weights + self.bias
        return torch.stack([lead, -lead], 1)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_two_lines_against_every_image_within_the_budget(norm: str) -> None:
    """On a grid of 401 x 401 images: the attack fools where one of them does, and no other.

    The mean of two sigmoids has several peaks, which is what the restarts are for.
    """
    lines = [Line([9.0, 2.0], -5.2), Line([-3.0, 8.0], -2.0)]
    victim = adversity.target(
        *(adversity.target(line) for line in lines),
        adversity.create("uncertainty", "deep_ensemble"),
    )
    eps = 0.12
    side = torch.linspace(0.05, 0.95, 8)
    images = torch.cartesian_prod(side, side).view(-1, 1, 1, 2)

    def share(points: torch.Tensor) -> torch.Tensor:
        return sum(line(points).double().softmax(1)[:, 0] for line in lines) / 2

    labels = (share(images) < 0.5).long()
    steps = torch.linspace(-eps, eps, 401)
    grid = torch.cartesian_prod(steps, steps)
    grid = grid[grid.norm(dim=1) <= eps] if norm == "l2" else grid
    worst = torch.empty(len(images), dtype=torch.float64)
    for row, (image, label) in enumerate(zip(images.view(-1, 2), labels, strict=True)):
        near = share((image + grid).clamp(0, 1)[:, None, None])
        worst[row] = near.max() if label else 1 - near.min()
    decided = (worst - 0.5).abs() > 2e-3  # what a grid step moves the mean by, at most
    effort = {"steps": 100, "restarts": 20} if norm == "linf" else {"steps": 40, "restarts": 3}
    attack = adversity.create("attack", "apgd", norm=norm, eps=eps, **effort)
    found = attack(victim, images, labels)
    assert torch.equal(found.success[decided], (worst > 0.5)[decided])
    assert 10 < int(found.success.sum()) < len(images) - 10


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


class Blind(Other):
    """Has no gradient."""

    name: ClassVar[str] = "blind"
    differentiable: ClassVar[bool] = False


class Labels(Other):
    """Gives labels only."""

    name: ClassVar[str] = "labels"
    gives: ClassVar[Any] = "labels"


class Strangers(Other):
    """Knows other classes."""

    name: ClassVar[str] = "strangers"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b", "d", "c")


class Infinite(Other):
    """Gives infinity where an image is bright."""

    name: ClassVar[str] = "infinite"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        answer = super().logits(images)
        return answer.masked_fill(images.mean((1, 2, 3))[:, None] > 0.5, torch.inf)


def test_a_member_without_a_gradient_is_named(
    ensemble: Any, members: Any, make_ready: Any, images: Any
) -> None:
    """For attacks by gradients alone: others see scores and decisions as of any victim."""
    victim = ensemble(members[0], (Link("dark", make_ready(Blind()), "seed=2"),))
    assert bool(victim.logits(images).isfinite().all())
    why = r'has no gradient \(dark\[seed=2\], classifier "blind" \(test 1.0\): it is not diff'
    with pytest.raises(InputError, match=why):
        victim.logits(images.clone().requires_grad_())


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (
            Labels,
            r'"labels" \(test 1.0\) gives labels only, and uncertainty "mean" \(test 1.0\) com',
        ),
        (
            Strangers,
            r"must answer with the same classes in the same order; classifier \"net\" \(te",
        ),
    ],
)
def test_members_that_cannot_be_combined_are_refused(
    ensemble: Any, members: Any, make_ready: Any, member: Any, message: str
) -> None:
    """When the target is made."""
    with pytest.raises(InputError, match=message):
        ensemble(members[0], (Link("odd", make_ready(member())),))


def test_a_member_whose_answer_is_not_finite_is_named(
    ensemble: Any, members: Any, make_ready: Any, images: Any
) -> None:
    """And not what combines; where the attack's images are not finite, the attack is."""
    victim = ensemble(members[0], (Link("odd", make_ready(Infinite())),))
    with pytest.raises(PluginError, match='classifier "infinite"'):
        victim.logits(images)
    with pytest.raises(PluginError, match="the attack queried images that hold NaN"):
        ensemble(members[0]).logits(images * torch.nan)


def test_what_combines_without_a_gradient_is_named(
    members: Any, make_ready: Any, images: Any, ids: Any
) -> None:
    """Whether it says so or does not."""

    class Said(Mean):
        """Says that it has none."""

        name: ClassVar[str] = "said"
        differentiable: ClassVar[bool] = False

    class Unsaid(Mean):
        """Has none."""

        name: ClassVar[str] = "unsaid"

        def combine(self, members: torch.Tensor) -> torch.Tensor:
            return super().combine(members.detach())

    point = images.clone().requires_grad_()
    for cls, error, message in (
        (Said, InputError, r'has no gradient \(mean, uncertainty "said"'),
        (Unsaid, PluginError, 'uncertainty "unsaid".*expected an answer that can be differ'),
    ):
        victim = ChainTarget((Bundle("mean", make_ready(cls()), tuple(members)),), ids=ids)
        with pytest.raises(error, match=message):
            victim.logits(point)


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


def test_from_python_victims_stand_before_what_combines_them() -> None:
    """Also of networks without names for their classes; each draws for itself."""
    torch.manual_seed(1)
    nets = [nn.Sequential(nn.Flatten(), nn.Linear(12, 3)) for _ in range(2)]
    combine = adversity.create("uncertainty", "deep_ensemble")
    noise = adversity.create("degradation", "gaussian_noise", sigma=0.2)
    images = torch.rand(9, 3, 2, 2)
    plain = adversity.target(*map(adversity.target, nets), combine)
    exact = sum(net(images).double().softmax(1) for net in nets) / 2
    for _ in range(2):  # once when nobody knows how many classes there are, and again
        answer = plain.bind(["s"] * 9).answer(images)
        assert torch.allclose(answer.values.double(), exact, atol=1e-7)
    twice = adversity.target(*(adversity.target(noise, nets[0]) for _ in range(2)), combine)
    steps = [link["step"] for link in twice.bind([str(k) for k in range(9)]).described]
    assert steps == [
        "link-2/0/link-0",
        "link-2/0/link-1",
        "link-2/1/link-0",
        "link-2/1/link-1",
        "link-2",
    ]
    modes = [net.training for net in nets]
    adversity.create("attack", "fgsm", eps=0.1)(plain, images, exact.argmax(1))
    assert [net.training for net in nets] == modes
    assert all(weight.requires_grad for net in nets for weight in net.parameters())


def test_from_python_what_is_missing_is_said() -> None:
    """Victims without what combines them, and the other way round."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    other = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    combine = adversity.create("uncertainty", "deep_ensemble")
    entropy = adversity.create("uncertainty", "entropy")
    victim = adversity.target(net)
    for links, message in (
        ((victim, victim), "expected what makes one answer of 2 victims behind them, got nothing"),
        ((victim, entropy), 'one answer of 1 victims at position 1, got uncertainty "entropy"'),
        ((net, combine), "at position 1 combines members: expected them before it"),
        ((victim, combine, net), "exactly one classifier, got 2"),
    ):
        with pytest.raises(InputError, match=message):
            adversity.target(*links)
    uneven = adversity.target(victim, adversity.target(other), combine)
    with pytest.raises(InputError, match="must answer with the same classes, got other numbers"):
        uneven.bind(["s"]).answer(torch.rand(1, 3, 2, 2))


def test_the_toy_has_a_failure_that_no_member_has() -> None:
    """What `test_two_lines...` rests on: the mean is another victim than either line."""
    lines = [Line([9.0, 2.0], -5.2), Line([-3.0, 8.0], -2.0)]
    points = torch.tensor(list(itertools.product((0.1, 0.5, 0.9), repeat=2))).view(-1, 1, 1, 2)
    mean = sum(line(points).softmax(1) for line in lines).argmax(1)
    assert all(not torch.equal(line(points).argmax(1), mean) for line in lines)
