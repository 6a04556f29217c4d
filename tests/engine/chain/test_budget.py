"""What counts: budgets of three threats, and the query that solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch

from adversity import Attack, Threat
from adversity.contracts import Perturbed
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError


@pytest.fixture
def victim(plugins: Any, ids: Any) -> ChainTarget:
    """The linear net alone."""
    return ChainTarget([Link("net", plugins["net"])], ids=ids)


@pytest.fixture
def labels(victim: ChainTarget, images: torch.Tensor) -> torch.Tensor:
    """What the net says, so that every sample is attacked."""
    return victim.answer(images).predicted


class Far(Attack):
    """Go all the way to black or white, and say that it looks for the nearest failure."""

    name = "far"
    threat = "minimum"
    norm: Any = "l2"
    eps: float | None = None

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        point = images.clone().requires_grad_()
        own = target.logits(point).gather(1, labels[:, None]).sum()
        (slope,) = torch.autograd.grad(own, point)
        return (slope < 0).float()


def test_a_minimum_attack_succeeds_at_any_distance_unless_eps_says_otherwise(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The same images are success without eps and none where eps is a millionth too small."""
    anywhere = attack(make_ready(Far()), victim, images, labels)
    assert anywhere.success.all()
    eps = float(anywhere.norms.median())
    near = attack(make_ready(Far(eps=eps)), victim, images, labels)
    assert torch.equal(near.images, anywhere.images)
    assert torch.equal(near.success, anywhere.norms <= eps * (1 + 1e-6))
    assert 0 < int(near.success.sum()) < len(images)


def test_success_or_clean_gives_the_clean_image_back_where_nothing_was_found(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """`images` are the worst points, `success_or_clean` the failures alone."""
    eps = float(attack(make_ready(Far()), victim, images, labels).norms.median())
    result = attack(make_ready(Far(eps=eps)), victim, images, labels)
    for row, success in enumerate(result.success.tolist()):
        expected = result.images[row] if success else images[row]
        assert torch.equal(result.success_or_clean[row], expected)


class Dim(Attack):
    """Multiply by a factor: a parametric attack, with twins that cheat."""

    name = "dim"
    threat = "parametric"
    access = "scores"
    cheat: str = ""

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """The factor."""
        return {"factor": (0.5, 1.0)}

    def apply(self, images: Any, parameters: Any) -> torch.Tensor:
        return images * parameters["factor"][:, None, None, None].float()

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        factor = 0.5 + 0.5 * rng.uniform()
        given = {"factor": factor - 0.2} if self.cheat == "bounds" else {"factor": factor}
        changed = self.apply(images, given)
        if self.cheat == "replay":
            changed = changed * 0.99
        if self.cheat == "alone":
            return changed
        if self.cheat == "missing":
            return Perturbed(changed)
        if self.cheat == "shape":
            given = {"factor": factor[:, None]}
        return Perturbed(changed, given)


def test_a_parametric_attack_is_replayed_and_its_parameters_are_kept(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The images are what `apply` makes; a sample that was not attacked has no parameters."""
    labels = labels.clone()
    labels[3] = (labels[3] + 1) % 4
    result = attack(make_ready(Dim()), victim, images, labels)
    factor = result.parameters["factor"]
    assert factor.isnan().nonzero().flatten().tolist() == [3]
    rest = torch.arange(21) != 3
    made = images * factor[:, None, None, None].float()
    assert torch.equal(result.images[rest], made[rest])
    assert torch.equal(result.images[3], images[3])


@pytest.mark.parametrize(
    ("cheat", "said"),
    [
        ("bounds", r"expected factor in \[0\.5, 1\], got 0\."),
        ("replay", "its images are not what its parameters make"),
        ("alone", "expected a Perturbed with the parameters, got images alone"),
        ("missing", r"expected the parameters \['factor'\], got \[\]"),
        ("shape", r"expected factor \[21\], got \[21, 1\]"),
    ],
)
def test_a_parametric_attack_that_cheats_is_refused(
    make_ready: Any,
    victim: ChainTarget,
    images: torch.Tensor,
    labels: torch.Tensor,
    cheat: str,
    said: str,
) -> None:
    """Bounds, images and parameters are checked by the core."""
    with pytest.raises(PluginError, match=said):
        attack(make_ready(Dim(cheat=cheat)), victim, images, labels)


class Boundless(Dim):
    """Say that a few numbers limit it, and not how; give back noise."""

    name = "boundless"
    bounds: ClassVar[Any] = {}

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        return 1 - images.round()


def test_a_parametric_attack_without_bounds_is_refused(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """Nothing would limit it: each image may become any other."""
    with pytest.raises(PluginError, match=r"parametric: expected `bounds`, .* got none"):
        attack(make_ready(Boundless()), victim, images, labels)


@dataclass(frozen=True, kw_only=True)
class Brightness(Threat):
    """How far the mean goes, at most 1; it has no answer for what is no image."""

    word = "brightness"

    def measure(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Return how far, and NaN outside of the box."""
        boxed = (images.sqrt() + (1 - images).sqrt()).flatten(1).sum(1)
        return (images - clean).flatten(1).double().mean(1).abs() + 0 * boxed

    def whole_space(self, shape: Any) -> float:
        """From black to white."""
        return 1.0


class Beyond(Attack):
    """Ask about what is no image, and then about black or white."""

    name = "beyond"
    threat = Brightness
    access = "decisions"
    eps: float = 1.0

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        target.decisions(2 - 3 * images.round())
        target.decisions(1 - images.round())
        return 1 - images.round()


def test_a_query_outside_of_the_box_is_not_measured(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The attack may ask about anything; the threat has to measure images alone."""
    outside = victim.answer(2 - 3 * images.round()).predicted != labels
    result = attack(make_ready(Beyond()), victim, images, labels)
    assert outside.any()
    assert result.success.any()
    assert result.solved_at.tolist() == [2 if hit else 0 for hit in result.success.tolist()]


def test_a_budget_larger_than_the_space_is_refused_in_words_that_fit(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """Only in a norm can an eps on the scale of bytes be meant."""
    with pytest.raises(InputError, match=r"at most 1 in a size of its own.* got 8; give less$"):
        attack(make_ready(Beyond(eps=8)), victim, images, labels)
    with pytest.raises(InputError, match=r"in l2, .*got 300; did you mean 300/255\?"):
        attack(make_ready(Guess(norm="l2", eps=300)), victim, images, labels)


class Guess(Attack):
    """Ask about the image `late` times, then about failures out of reach, then within it."""

    name = "guess"
    access = "scores"
    norm: Any = "linf"
    eps: float = 0.3
    late: int = 2
    asks: str = "decisions"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        ask = getattr(target, self.asks)
        for _ in range(self.late):
            ask(images)
        ask(1 - images.round())
        changed = images + self.eps * torch.where(images < 0.5, 1.0, -1.0)
        ask(changed)
        ask(changed)
        return changed


@pytest.mark.parametrize("asks", ["decisions", "logits"])
def test_the_query_that_solved_a_sample_is_seen_by_the_core(
    make_ready: Any, victim: ChainTarget, images: torch.Tensor, labels: torch.Tensor, asks: str
) -> None:
    """A failure beyond eps does not count; the first within it does, where it is one at all."""
    ready = make_ready(Guess(asks=asks))
    result = attack(ready, victim, images, labels)
    assert 0 < int(result.success.sum()) < len(images)
    assert result.solved_at.tolist() == [4 if hit else 0 for hit in result.success.tolist()]
    assert result.queries.tolist() == [5] * 21
    order = torch.arange(20, -1, -1)
    mixed = ChainTarget(victim.links, ids=[victim.ids[i] for i in order])
    again = attack(ready, mixed, images[order], labels[order])
    assert torch.equal(again.solved_at, result.solved_at[order])
