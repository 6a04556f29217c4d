"""NaN and infinity are no gradient: counted, named, never handed on, whatever they come from."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import Classifier, Degradation, Restoration
from adversity.contracts import PostHoc
from adversity.engine.attack.attacking import attack
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError, PluginError

BUDGETS = {"linf": 0.2, "l2": 1.5, "l1": 8.0}
BY_GRADIENTS: dict[str, dict[str, Any]] = {
    "fgsm": {"norm": "linf", "eps": 0.2},
    "pgd": {"norm": "l2", "eps": 1.5, "steps": 5},
    "apgd": {"norm": "l1", "eps": 8.0, "steps": 10},
    "fab": {"norm": "linf", "eps": 0.2, "steps": 10},
    "fmn": {"norm": "l1", "eps": 8.0, "steps": 30},
    "carlini_wagner": {"eps": 1.5, "steps": 50, "search_steps": 3},
    "ddn": {"eps": 1.5, "steps": 10},
    "deepfool": {"eps": 1.5},
    "feature_space": {"eps": 0.4, "steps": 5},
}
"""One of each family, in each norm some; few steps do for a linear network."""
BY_SCORES: dict[str, dict[str, Any]] = {
    "nes": {"eps": 0.2, "queries": 102},
    "spatial": {"angles": 5, "shifts": 3},
    "natural_variation": {"degradation": "gaussian_blur", "over": {"sigma_px": (0.3, 3.0)}},
}


def sinc(values: torch.Tensor) -> torch.Tensor:
    """Return sin(z) / z, 1 at 0, as people write it: the gradient at 0 is 0 / 0."""
    return torch.where(values == 0, torch.ones_like(values), values.sin() / values)


class Sine(torch.nn.Module):
    """A linear network to which sinc(0), which is 1, is added: in all pixels, in some, in none."""

    def __init__(self, through: str) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.weights = torch.randn(48, 4, generator=draw)
        self.through = through

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.flatten(1)
        nothing = {"all": rows, "some": rows[:, :12], "none": rows[:, :0]}[self.through]
        zero = 0 * nothing
        value = zero if self.through == "none" else sinc(zero) - 1
        logits: torch.Tensor = rows @ self.weights + value.sum(1, keepdim=True)
        return logits


@pytest.fixture(scope="module")
def eight() -> torch.Tensor:
    """Eight images `[8, 3, 4, 4]` away from the bounds."""
    return 0.3 + 0.4 * torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(1))


class Plain(Classifier):
    """A network whose features are the pixels."""

    name: ClassVar[str] = "plain"

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(map(str, range(48)))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits(images)


class Broken(Plain):
    """The same, and its derivative is 0 / 0 or the root's at 0, for bright images."""

    name: ClassVar[str] = "broken"

    how: str = "sinc"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.flatten(1)
        bright = rows.mean(1, keepdim=True) > 0.8
        if self.how == "root":
            return rows + torch.where(bright, (0 * rows).abs().sqrt(), 0 * rows)
        shy = torch.where(bright, 0 * rows, 1 + 0 * rows)
        return rows + sinc(shy) - sinc(torch.ones_like(shy))


def run(name: str, through: str, images: torch.Tensor, **given: Any) -> Any:
    """Attack the network; what it says of the images is the truth."""
    network = Sine(through)
    labels = network(images).argmax(1)
    given = {"network": Plain(), **given} if name == "feature_space" else given
    return adversity.create("attack", name, **given)(adversity.target(network), images, labels)


@pytest.mark.parametrize("name", BY_GRADIENTS)
def test_nan_is_no_gradient(name: str, eight: torch.Tensor) -> None:
    """All 8 fall without the NaN; with it none is felt, all 8 are named, and no image is NaN."""
    sound = run(name, "none", eight, **BY_GRADIENTS[name])
    assert int(sound.success.sum()) == 8
    assert (sound.flags["nan_gradient"], sound.flags["zero_gradient"]) == (0, 0)
    broken = run(name, "all", eight, **BY_GRADIENTS[name])
    assert bool(broken.images.isfinite().all())
    assert (broken.flags["nan_gradient"], broken.flags["zero_gradient"]) == (1, 1)
    assert int(broken.success.sum()) < 8


@pytest.mark.parametrize("name", BY_GRADIENTS)
def test_the_rest_of_a_gradient_is_used_and_does_not_count(name: str, eight: torch.Tensor) -> None:
    """NaN in a quarter of each gradient: the attack goes on with the others, all 8 are named."""
    partly = run(name, "some", eight, **BY_GRADIENTS[name])
    assert (partly.flags["nan_gradient"], partly.flags["zero_gradient"]) == (1, 1)
    moved = (partly.images - eight).flatten(1)
    assert bool((moved[:, 12:] != 0).any(1).all())
    assert int(partly.success.sum()) > 4


@pytest.mark.parametrize("name", BY_SCORES)
def test_attacks_by_scores_are_as_strong_without_a_gradient(name: str, eight: torch.Tensor) -> None:
    """They ask for none, so none is missed: the images are those of the network without NaN."""
    sound, broken = (run(name, how, eight, **BY_SCORES[name]) for how in ("none", "all"))
    assert int(sound.success.sum()) > 0
    assert torch.equal(broken.images, sound.images)
    assert (broken.flags["nan_gradient"], broken.flags["zero_gradient"]) == (0, 0)


def test_a_climb_without_a_gradient_stays_where_it_starts(eight: torch.Tensor) -> None:
    """`spatial` by gradients is then its own random search with one draw; without NaN it is not."""
    start = run("spatial", "none", eight, method="random", draws=1)
    climb = {"method": "first_order", "draws": 1, "steps": 5, "early_stop": False}
    sound, partly, broken = (run("spatial", how, eight, **climb) for how in ("none", "some", "all"))
    assert (sound.flags["nan_gradient"], sound.flags["zero_gradient"]) == (0, 0)
    assert (partly.flags["nan_gradient"], broken.flags["nan_gradient"]) == (1, 1)
    assert torch.equal(broken.images, start.images)
    for result in (sound, partly):
        assert bool((result.images != start.images).flatten(1).any(1).all())


@pytest.mark.parametrize("how", ["sinc", "root"])
@pytest.mark.parametrize("solver_steps", [1, 5])
def test_a_feature_network_without_a_derivative_is_named(
    how: str, solver_steps: int, eight: torch.Tensor
) -> None:
    """The victim is sound and cannot tell: the message names `network:` and 3 of 8 images."""
    images = eight.clone()
    images[:3] = 0.8 + 0.2 * images[:3]
    given = {"eps": 1.5, "normalise": False, "steps": 2, "solver_steps": solver_steps}
    words = r'network: .* of classifier "broken" .* NaN or infinity for 3 of 8 images'
    with pytest.raises(InputError, match=words):
        run("feature_space", "none", images, network=Broken(how=how), **given)
    assert int(run("feature_space", "none", images, **given).success.sum()) == 8


@pytest.mark.parametrize("norm", BUDGETS)
def test_only_the_broken_rows_are_named(norm: str, eight: torch.Tensor) -> None:
    """Where an image alone makes NaN, the others are as they are without it, bit for bit."""

    class Some(Sine):
        """Break the gradient of bright images alone."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            rows = images.flatten(1)
            shy = torch.where(rows.mean(1, keepdim=True) > 0.8, 0 * rows, 1 + 0 * rows)
            return rows @ self.weights + (sinc(shy) - sinc(torch.ones_like(shy))).sum(1)[:, None]

    images = eight.clone()
    images[:3] += 0.25
    images[:3] = images[:3].clamp_min(0.81)
    network = Some("all")
    labels = network(images).argmax(1)
    pgd = adversity.create("attack", "pgd", norm=norm, eps=BUDGETS[norm] / 100, steps=3)
    both = pgd(adversity.target(network), images, labels)
    assert both.nan_gradient.tolist() == [True] * 3 + [False] * 5
    ids = [str(k) for k in range(3, 8)]
    alone = pgd(adversity.target(network), images[3:], labels[3:], ids=ids)
    assert torch.equal(both.images[3:], alone.images)


def test_an_overflow_in_half_precision_is_no_gradient(eight: torch.Tensor) -> None:
    """float16 ends at 65 504: logits of 1e3 times a slope of 1e3 come back infinite."""

    class Half(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            half = images.flatten(1).half()
            loud = (half * 1e-3).float().half() * 1e3
            steep = (1e4 * (loud - loud.detach())) * 1e4
            return torch.stack([loud.sum(1), 20 + steep.sum(1)], 1).float()

    network = Half()
    labels = network(eight).argmax(1)
    result = adversity.create("attack", "pgd", eps=0.1)(adversity.target(network), eight, labels)
    assert result.flags["nan_gradient"] == 1
    assert bool(result.images.isfinite().all())


class Lost(Restoration):
    """Change nothing, and lose the gradient of each image's first value."""

    name: ClassVar[str] = "lost"
    differentiable: ClassVar[bool] = True

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        first = torch.zeros_like(images)
        first[:, 0, 0, 0] = 1
        return images + first * (sinc(0 * images) - 1)


class Surrogate(Lost):
    """Say that there is no gradient, and offer one that is lost."""

    name: ClassVar[str] = "surrogate"
    differentiable: ClassVar[bool] = False

    def surrogate(self, images: torch.Tensor) -> torch.Tensor:
        return Lost.restore(self, images)


class Divided(PostHoc):
    """A calibrator that divides 0 by 0 on the way back."""

    name: ClassVar[str] = "divided"

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        return (logits + (sinc(0 * logits) - 1)).softmax(1)


@pytest.mark.parametrize("where", [Lost, Surrogate, Divided], ids=lambda cls: str(cls.name))
def test_every_link_is_looked_at(
    where: Any, plugins: Any, make_ready: Any, images: Any, ids: Any
) -> None:
    """NaN of a restoration, of a surrogate (BPDA) and of a calibrator are seen alike."""
    broken = make_ready(where())
    links = [plugins["net"], broken] if where is Divided else [broken, plugins["net"]]
    victim = ChainTarget([Link(f"step{k}", link) for k, link in enumerate(links)], ids=ids)
    labels = victim.answer(images).predicted
    ready = adversity.create("attack", "pgd", eps=0.1, steps=3).ready
    result = attack(ready, victim, images, labels)
    assert result.flags["nan_gradient"] == 1
    assert bool(result.images.isfinite().all())


class SometimesLost(Degradation):
    """Add noise, and lose the gradient where the first number drawn is high: in some draws."""

    name: ClassVar[str] = "sometimes_lost"
    differentiable: ClassVar[bool] = True
    stochastic: ClassVar[bool] = True

    share: float = 0.5

    def degrade(self, images: torch.Tensor, rng: Any) -> torch.Tensor:
        lost = rng.uniform((1, 1, 1)).to(images) < self.share
        noise = 0.01 * rng.normal(tuple(images.shape[1:])).to(images)
        quiet = torch.where(lost, 0 * images, 1 + 0 * images)
        extra = (sinc(quiet) - sinc(torch.ones_like(quiet))) * 0
        return adversity.clip(images + noise + extra)


def test_one_draw_without_a_gradient_leaves_the_others(
    plugins: Any, make_ready: Any, images: Any, ids: Any
) -> None:
    """Of 8 draws about half are NaN: named, and the mean of the rest fools as many as all do."""
    fooled = {}
    for share in (0.0, 0.5):
        links = [make_ready(SometimesLost(share=share)), plugins["net"]]
        victim = ChainTarget([Link(f"step{k}", link) for k, link in enumerate(links)], ids=ids)
        labels = victim.answer(images).predicted
        ready = adversity.create("attack", "pgd", eps=0.02, steps=5).ready
        result = attack(ready, victim, images, labels)
        fooled[share] = int(result.success.sum())
        assert (result.flags["nan_gradient"] > 0.9) is (share > 0)
    assert fooled[0.5] >= fooled[0.0] - 1
    assert fooled[0.0] > 3


def test_images_of_nan_are_not_the_network_s_fault(plugins: Any, images: Any, ids: Any) -> None:
    """Who asks about NaN is told so; the victim is not accused of its logits."""
    victim = ChainTarget([Link("net", plugins["net"])], ids=ids)
    with pytest.raises(PluginError, match="the attack queried images that hold NaN"):
        victim.logits(images * torch.nan)
