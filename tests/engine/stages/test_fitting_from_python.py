"""Fitting from Python: the unfitted are refused, and what was learnt from is not attacked."""

from __future__ import annotations

import gc
import weakref
from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import Attack, Degradation, Fitted, Plugin, Restoration, State
from adversity.engine.calls.ready import Ready
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.attack_call import AttackCall
from adversity.engine.public.create import DegradationCall, RestorationCall
from adversity.errors import DataError, InputError, NotFittedError
from adversity.registry.claims import claim_faults


class _Learns(Fitted):
    """Learn the mean of the images and, if there are some, of the references."""

    _mean: float | None = None

    def fit(self, data: Any, rng: Any) -> State:
        blocks = list(data)
        rows = [b.images if b.references is None else b.references for b in blocks]
        return State({"mean": torch.cat(rows).mean().reshape(1).numpy()})

    def load(self, state: State) -> None:
        self._mean = float(state.arrays["mean"][0])

    def mean(self) -> float:
        if self._mean is None:
            raise NotFittedError("fit it first")
        return self._mean


class Lamp(_Learns, Restoration):
    """Give every pixel the mean."""

    name: ClassVar[str] = "lamp"

    def restore(self, images: Any, **needs: Any) -> Any:
        return torch.full_like(images, self.mean())


class Fog(_Learns, Degradation):
    """Give every pixel the mean."""

    name: ClassVar[str] = "fog"

    def degrade(self, images: Any, rng: Any) -> Any:
        return torch.full_like(images, self.mean())


class Pull(_Learns, Attack):
    """Pull every pixel to the mean."""

    name: ClassVar[str] = "pull"
    norm: Any = "linf"
    eps: float = 1.0

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return torch.full_like(images, self.mean())


class Holder(Degradation):
    """Hand images to another plugin."""

    name: ClassVar[str] = "holder"
    inner: Plugin[Restoration]

    def degrade(self, images: Any, rng: Any) -> Any:
        return self.inner(images, {})


@pytest.mark.parametrize(("cls", "call"), [(Lamp, RestorationCall), (Fog, DegradationCall)])
def test_restorations_and_degradations_are_fitted_from_python(cls: Any, call: Any) -> None:
    """Unfitted refuses; `.fit` returns a new object that has learnt, and the old one has not."""
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    blank = call(Ready(cls(), cls.name))
    with pytest.raises(NotFittedError, match=r"call \.fit"):
        blank(images)
    fitted = blank.fit(images)
    assert float(fitted(images)[0, 0, 0, 0]) == pytest.approx(float(images.mean()), abs=1e-6)
    paired = blank.fit(images, references=images / 2)
    assert float(paired(images)[0, 0, 0, 0]) == pytest.approx(float(images.mean()) / 2, abs=1e-6)
    with pytest.raises(NotFittedError):
        blank(images)
    with pytest.raises(DataError, match="one reference for each of 5 images, got 2"):
        blank.fit(images, references=images[:2])


class Level(Fitted, Restoration):
    """Give every pixel the mean noise level of what it was fitted on."""

    name: ClassVar[str] = "level"
    _level: float | None = None

    def fit(self, data: Any, rng: Any) -> State:
        return State({"level": torch.cat([b.side["sigma"] for b in data]).mean()[None].numpy()})

    def load(self, state: State) -> None:
        self._level = float(state.arrays["level"][0])

    def restore(self, images: Any, **needs: Any) -> Any:
        return torch.full_like(images, self._level)


def test_side_information_is_given_to_fit() -> None:
    """`.fit(images, side=noise.side)`: of 70 images in two blocks, each with its own value."""
    images = torch.full((70, 3, 4, 4), 0.5)
    blank = RestorationCall(Ready(Level(), "level"))
    fitted = blank.fit(images, side={"sigma": torch.arange(70) / 100})
    assert float(fitted(images[:1])[0, 0, 0, 0]) == pytest.approx(0.345, abs=1e-6)
    noise = adversity.create("degradation", "gaussian_noise", sigma=0.25)
    noisy = noise(images)
    assert float(blank.fit(noisy, side=noise.side)(images[:1]).max()) == pytest.approx(0.25)
    with pytest.raises(DataError, match="'sigma' with 70 rows, got shape"):
        blank.fit(images, side={"sigma": torch.ones(3)})


class Lit(_Learns, Degradation):
    """Give every pixel the mean, by another plugin that has learnt."""

    name: ClassVar[str] = "lit"
    lamp: Plugin[Restoration]
    weights: ClassVar[list[Any]] = []

    def setup(self, device: str) -> None:
        super().setup(device)
        self._weights = _Weights()
        self.weights.append(weakref.ref(self._weights))

    _weights: Any = None

    def degrade(self, images: Any, rng: Any) -> Any:
        return (self.lamp(images) + self.mean()) / 2


class _Weights:
    """What a plugin holds once it is set up."""


def test_the_unfitted_are_refused_at_every_door() -> None:
    """In a call, as a part of a victim, and as a parameter of another plugin."""
    blank = RestorationCall(Ready(Lamp(), "lamp"))
    images = torch.zeros(2, 1, 4, 4)
    net = adversity.create("classifier", "logistic_regression")
    with pytest.raises(NotFittedError, match=r"lamp must be fitted first: call \.fit"):
        blank(images)
    with pytest.raises(NotFittedError, match=r"lamp must be fitted first: call \.fit"):
        adversity.target(blank, net)
    with pytest.raises(NotFittedError, match=r"logistic_regression.*call \.fit"):
        adversity.target(net)
    with pytest.raises(NotFittedError, match=r"lamp must be fitted first: call \.fit"):
        set_up(Holder(inner=blank), "holder", "cpu")
    with pytest.raises(NotFittedError, match="must be fitted before another plugin can use it"):
        set_up(Holder(inner=Lamp()), "holder", "cpu")


def test_what_was_fitted_before_is_not_kept() -> None:
    """Fitted again and again, only the last set-up stays; the plugin in a parameter stays one."""
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    lamp = RestorationCall(Ready(Lamp(), "lamp")).fit(images)
    lit = DegradationCall(set_up(Lit(lamp=lamp), "lit", "cpu"))
    Lit.weights.clear()
    for _ in range(4):
        lit = lit.fit(images)
    gc.collect()
    assert sum(weights() is not None for weights in Lit.weights) == 1
    assert lit.ready.plugin.lamp.ready().ready is lamp.ready
    assert float(lit(images)[0, 0, 0, 0]) == pytest.approx(float(images.mean()), abs=1e-6)


def test_what_is_not_fitted_has_nothing_to_fit() -> None:
    """Asking a plugin without `fit` to learn is answered in words."""
    gamma = adversity.create("restoration", "gamma_correction", gamma=0.5)
    with pytest.raises(InputError, match="has nothing to fit"):
        gamma.fit(torch.zeros(2, 3, 4, 4))


def test_images_that_fitted_a_victim_are_not_attacked_from_python() -> None:
    """They are known by their pixels, whatever their ids, in any part of victim and attack."""
    images = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    others = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(20) % 2
    net = adversity.create("classifier", "logistic_regression").fit(images, labels)
    fgsm = adversity.create("attack", "fgsm", eps="1/255")
    mixed = torch.cat([others[:3], images[[4, 7, 9, 12]]])
    truth = torch.zeros(7, dtype=torch.int64)
    with pytest.raises(DataError, match=r"4 of the 7 images .* such as d, e, f; attack others"):
        fgsm(adversity.target(net), mixed, truth, ids=list("abcdefg"))
    assert len(fgsm(adversity.target(net), others, truth.new_zeros(8)).success) == 8
    lamp = RestorationCall(Ready(Lamp(), "lamp")).fit(others[:1], references=mixed[4:5])
    free = adversity.create("classifier", "logistic_regression").fit(others[4:], labels[:4])
    with pytest.raises(DataError, match="2 of the 7"):
        fgsm(adversity.target(lamp, free), mixed, truth)
    pull = AttackCall(Ready(Pull(), "pull"))
    with pytest.raises(NotFittedError):
        pull(adversity.target(free), mixed, truth)
    with pytest.raises(DataError, match="3 of the 7"):
        pull.fit(mixed[:3])(adversity.target(free), mixed, truth)


def test_what_a_plugin_learns_from_is_one_of_two() -> None:
    """A slip in `fits_on` is refused by the registry, with what was meant."""

    class Slip(Lamp):
        """Learn from nobody knows what."""

        fits_on: ClassVar[Any] = "logit"

    (fault,) = claim_faults(Slip)
    assert "fits_on" in fault
    assert "did you mean logits?" in fault
