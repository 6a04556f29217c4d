"""Natural variation: the worst weather for each image, against brute force and a closed form."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from pydantic import Field, ValidationError

import adversity
from adversity import Degradation, SampleRng
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.set_up import set_up
from adversity.errors import ParameterError
from adversity_plugins.attack.parametric._natural_variation_search import Search
from adversity_plugins.attack.parametric.natural_variation import NaturalVariation
from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise

if TYPE_CHECKING:
    from adversity.engine.calls.ready import Ready


class Fog(Degradation):
    """Mix every image with white, by the same share everywhere."""

    name: ClassVar[str] = "fog"
    share: float = Field(ge=0, le=1)
    smaller: ClassVar[bool] = False

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> torch.Tensor:
        return images * (1 - self.share) + self.share


class Shrink(Fog):
    """Claim to change the size."""

    name: ClassVar[str] = "shrink"
    resizes: ClassVar[bool] = True


def _ready(**parameters: Any) -> Ready:
    plugin = NaturalVariation(**parameters)
    return set_up(plugin, 'attack "natural_variation" (test)', "cpu")


def _noisy(**parameters: Any) -> Ready:
    return _ready(degradation=GaussianNoise(severity=1), **parameters)


def _run(ready: Ready, network: Any, images: Any, labels: Any, ids: Any = None) -> Any:
    names = ids or [str(row) for row in range(len(images))]
    victim = adversity.target(network).bind(names)
    return attack(ready, victim, images, labels, seed=5, step="storm")


def _margin(network: Any, image: torch.Tensor, label: int) -> float:
    with torch.no_grad():
        logits = network(image[None])[0]
    others = logits.clone()
    others[label] = -torch.inf
    return float(others.max() - logits[label])


def test_the_worst_of_the_grid_is_that_of_brute_force_for_each_image(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """Every severity with every draw of noise, made and asked about one by one."""
    over = {"sigma": (0.02, 0.14)}
    result = _run(_noisy(over=over, points=4, draws=2, early_stop=False), network, images, labels)
    severities = [0.02, 0.06, 0.10, 0.14]
    differ = 0
    for row, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        rng = SampleRng(seed=5, step="storm", ids=[str(row)])
        seeds = [int(rng.child(("noise", draw)).integers(0, 2**32)) for draw in range(2)]
        margins = {}
        for sigma, seed in product(severities, seeds):
            stream = SampleRng(seed=0, step="natural_variation", ids=[str(seed)])
            made = GaussianNoise(sigma=sigma).degrade(image[None], stream).images[0]
            margins[sigma, seed] = _margin(network, made, label)
        worst = max(margins, key=lambda key: margins[key])
        # The network sees the same images in other blocks: 1e-5 on its logits.
        assert margins[worst] == pytest.approx(
            _margin(network, result.images[row], label), abs=2e-5
        )
        assert bool(result.success[row]) == (margins[worst] > 0)
        differ += worst[0] != severities[-1]
    assert 0 < int(result.success.sum()) < len(images)
    assert differ > 0


def test_fog_on_a_linear_victim_has_its_worst_case_in_closed_form(
    images: torch.Tensor, linear: Any
) -> None:
    """w . ((1 - s) x + s) + b is linear in s: the worst share is one of the ends."""
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(images.shape[1:], generator=generator)
    bright, plain = float(weights.sum()), (images * weights).flatten(1).double().sum(1)
    victim = linear(weights, float(-plain.median()))
    start = plain - plain.median()
    labels = (start < 0).long()
    own = torch.where(labels == 0, 1.0, -1.0).double()
    low, high = 0.05, 0.6
    ends = torch.stack(
        [own * ((1 - s) * plain + s * bright - float(plain.median())) for s in (low, high)], 1
    )
    result = _run(
        _ready(
            degradation=Fog(share=0.05), over={"share": (low, high)}, points=7, early_stop=False
        ),
        victim,
        images,
        labels,
    )
    asked = torch.arange(len(images))[result.queries > 0]
    lower = torch.tensor([low, high], dtype=torch.float64)
    expected = lower[ends.argmin(1)]
    assert len(asked) > len(images) // 2
    assert torch.equal(result.parameters["share"][asked], expected[asked])
    assert torch.equal(result.success[asked], (ends.amin(1) < 0)[asked])
    assert set(expected[asked].tolist()) == {low, high}


class _Shared(Search):
    """The broken twin: one weather for the whole batch."""

    def look(self, values: Any, seed: Any, *, early_stop: bool) -> None:
        point = {"severity": values[:, 0], "noise_seed": seed.double()}
        logits = self._target.logits(self._apply(self._images, point))
        fooled = float((logits.argmax(1) != self._labels).sum())
        if fooled > float(self._worst.loss[0]):
            self._worst.loss[:] = fooled
            self.parameters.update(point)


def test_one_weather_for_the_whole_batch_leaves_more_standing(
    monkeypatch: pytest.MonkeyPatch,
    network: torch.nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> None:
    """The twin that shares its severity finds less than the search for each image."""
    ready = _ready(degradation=GaussianNoise(severity=1), over={"severity": (1, 2)}, draws=4)
    honest = _run(ready, network, images, labels).success
    monkeypatch.setattr(
        "adversity_plugins.attack.parametric._natural_variation_search.Search", _Shared
    )
    shared = _run(ready, network, images, labels).success
    assert int(shared.sum()) < int(honest.sum())


def test_more_trials_draws_and_points_never_leave_more(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """The trials of a longer search begin with those of a shorter one."""
    near = {"over": {"sigma": (0.02, 0.1)}, "search": "random"}
    few = _run(_noisy(trials=1, **near), network, images, labels).success
    many = _run(_noisy(trials=6, **near), network, images, labels).success
    lucky = _run(_noisy(trials=6, draws=3, **near), network, images, labels).success
    assert bool((few <= many).all())
    assert bool((many <= lucky).all())
    assert int(few.sum()) < int(lucky.sum())


@pytest.mark.parametrize("search", ["grid", "random"])
def test_an_image_s_weather_does_not_depend_on_its_neighbours(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, search: str
) -> None:
    """Alone and in another order: the same bytes, the same parameters."""
    ready = _noisy(search=search, trials=3, points=3)
    ids = [f"s{row}" for row in range(len(images))]
    whole = _run(ready, network, images, labels, ids)
    back = _run(ready, network, images.flip(0), labels.flip(0), ids[::-1])
    assert torch.equal(back.images.flip(0), whole.images)
    for row in (0, 7):
        alone = _run(ready, network, images[row : row + 1], labels[row : row + 1], [ids[row]])
        assert torch.equal(alone.images[0], whole.images[row])
        for name, values in alone.parameters.items():
            assert torch.equal(values, whole.parameters[name][row : row + 1]) or bool(
                values.isnan().all()
            )


def test_the_first_failure_is_the_mildest_on_the_grid(
    network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> None:
    """With early stop the severities come in order, so that a solved image keeps the mildest."""
    result = _run(_noisy(), network, images, labels)
    queries = result.queries[result.success]
    assert torch.equal(result.parameters["severity"][result.success], queries.double())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"degradation": Shrink(share=0.1)}, "changes the size of images"),
        ({"degradation": Fog(share=0.1)}, "over: the degradation refuses {'severity': 1.0}"),
        ({"degradation": Fog(share=0.1), "over": {"thickness": (0, 1)}}, "no parameter thickness"),
        ({"degradation": Fog(share=0.1), "over": {"share": (0.5, 0.1)}}, "[lowest, highest]"),
        ({"degradation": Fog(share=0.1), "over": {"share": (0.5, 1.5)}}, "share: Input should be"),
        (
            {"degradation": GaussianNoise(severity=1), "over": {"severity": (1, 2.5)}},
            "valid integer",
        ),
        (
            {
                "degradation": GaussianNoise(severity=1),
                "over": {"severity": (1, 2), "sigma": (0.1, 1)},
            },
            "severity excludes sigma",
        ),
    ],
)
def test_what_cannot_vary_is_refused(given: dict[str, Any], message: str) -> None:
    """Each refusal says what was expected."""
    with pytest.raises(ValidationError) as caught:
        NaturalVariation(**given)
    assert message in str(caught.value)


def test_what_varies_is_not_given_twice() -> None:
    """A severity under the degradation's own `with` and in `over` contradict each other."""
    with pytest.raises(ParameterError, match="severity is what the adversary chooses"):
        adversity.create(
            "attack",
            "natural_variation",
            degradation={"uses": "gaussian_noise", "with": {"severity": 3}},
        )


def test_fractions_and_the_rest_of_the_parameters_reach_the_degradation() -> None:
    """Bounds may be fractions; what does not vary stays under the degradation's `with`."""
    found = adversity.create(
        "attack",
        "natural_variation",
        degradation={"uses": "low_light", "with": {"white_photons": 100.0}},
        over={"gain": ["1/10", "1/2"]},
    )
    plugin = found.ready.plugin
    assert plugin.over == {"gain": (0.1, 0.5)}
    assert plugin.degradation.plugin.white_photons == 100.0
    assert plugin.bounds == {"gain": (0.1, 0.5), "noise_seed": (0.0, 2.0**32 - 1)}
