"""For each check that every kind shares, a plugin that fails exactly that one.

The twins differ from a sound degradation in one promise. Where the engine makes it impossible
for a degradation to break a promise (it hands out copies), the twin is of another kind.
"""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from pydantic import ConfigDict, Field, PrivateAttr

from adversity import Degradation, Fitted, ImageMetric, State
from adversity.contracts import Degraded
from adversity.errors import NotFittedError
from adversity.testing import check_plugin, every_plugin, fitted, row_by_row
from adversity.testing.degradation import DegradationBench

if TYPE_CHECKING:
    from pathlib import Path


def failed(plugin: Any, **options: Any) -> set[str]:
    """Return the names of the checks that speak against a plugin."""
    return {outcome.check for outcome in check_plugin(plugin, raises=False, **options).failures}


class Fade(Degradation):
    """Take contrast away, smoothly."""

    name: ClassVar[str] = "fade"
    differentiable: ClassVar[bool] = True
    levels: ClassVar[Any] = {"amount": (0.1, 0.2, 0.3, 0.4, 0.5)}
    block_rows: ClassVar[int] = 16

    amount: float | None = Field(default=None, ge=0, le=1)

    def degrade(self, images: Any, rng: Any) -> Any:
        amount = self.level("amount")
        return images * (1 - amount) + 0.5 * amount

    def raised(self, images: Any, rng: Any) -> Any:
        """A hundredth brighter, still in range and differentiable."""
        return Fade.degrade(self, images, rng) * 0.99 + 0.01


class Grain(Fade):
    """The same with noise, as stochastic as it says."""

    stochastic: ClassVar[bool] = True

    def degrade(self, images: Any, rng: Any) -> Any:
        faded = super().degrade(images, rng)
        return faded * 0.9 + 0.1 * rng.uniform(images.shape[1:])


class NoSentence(Fade):
    """has a first line that users cannot read"""


class TakesAnything(Fade):
    """Ignores parameters that it does not have."""

    model_config = ConfigDict(extra="ignore")


class UnequalToItself(Fade):
    """Takes every object for another plugin."""

    __hash__ = Fade.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class TooBright(Fade):
    """Leaves [0, 1] on grey images."""

    def degrade(self, images: Any, rng: Any) -> Any:
        faded = super().degrade(images, rng)
        return faded + 0.9 if images.shape[1] == 1 else faded


class InPlace(Fade):
    """Writes into its input; the engine refuses every answer."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return images.mul_(0.5)


class Raises(Fade):
    """Ends the process whatever it is given."""

    def degrade(self, images: Any, rng: Any) -> Any:
        raise SystemExit(3)


class Inside(ImageMetric):
    """Mean absolute difference, without a border of two pixels."""

    name: ClassVar[str] = "inside"
    produces: ClassVar[tuple[str, ...]] = ("inside",)
    smallest: ClassVar[int] = 5

    def measure(self, images: Any, reference: Any) -> Any:
        gap = (images - reference).abs()[..., 2:-2, 2:-2]
        return gap.double().mean(dim=(1, 2, 3))

    def describe(self) -> dict[str, object]:
        return {"unit": "", "better": "lower", "convention": {"border": 2}}


class BlackensBorder(Inside):
    """Measures the same, and leaves black borders in the caller's images."""

    block_rows: ClassVar[int] = 1

    def measure(self, images: Any, reference: Any) -> Any:
        found = super().measure(images, reference)
        images[..., :1, :] = 0
        return found


class StopsTheDebugger(Fade):
    """Takes whatever traces the program away (AutoAttack's check for stochastic networks)."""

    def degrade(self, images: Any, rng: Any) -> Any:
        sys.settrace(None)
        return super().degrade(images, rng)


class Remembers(Fade):
    """Is brighter once it has seen images of 64 x 64."""

    _seen: bool = PrivateAttr(default=False)

    def degrade(self, images: Any, rng: Any) -> Any:
        answer = self.raised(images, rng) if self._seen else super().degrade(images, rng)
        self._seen = self._seen or images.shape[-1] == 64
        return answer


class DrawsAndForgets(Fade):
    """Draws from torch's global generator and does not use it."""

    def degrade(self, images: Any, rng: Any) -> Any:
        import torch

        torch.rand(1)
        return super().degrade(images, rng)


class Networked(Fade):
    """Holds a network that changes nothing."""

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        from torch import nn

        super().setup(device)
        self._network = nn.Identity().eval()

    def degrade(self, images: Any, rng: Any) -> Any:
        return self._network(super().degrade(images, rng))


class LeftInTraining(Networked):
    """Leaves its network in training mode."""

    def degrade(self, images: Any, rng: Any) -> Any:
        answer = super().degrade(images, rng)
        self._network.train()
        return answer


class OtherElsewhere(Fade):
    """Is brighter on another device."""

    def degrade(self, images: Any, rng: Any) -> Any:
        here = self._device == "cpu"
        return super().degrade(images, rng) if here else self.raised(images, rng)


class ReadsTheSeed(Fade):
    """Is brighter for odd global seeds."""

    def degrade(self, images: Any, rng: Any) -> Any:
        import torch

        odd = torch.initial_seed() % 2
        return self.raised(images, rng) if odd else super().degrade(images, rng)


class NotStochastic(Fade):
    """Says that it draws random numbers and draws none."""

    stochastic: ClassVar[bool] = True


class SecretlyStochastic(Grain):
    """Draws random numbers and does not say so."""

    stochastic: ClassVar[bool] = False


class BrighterAlone(Fade):
    """Is brighter where all images of a block are one."""

    def degrade(self, images: Any, rng: Any) -> Any:
        one = bool((images == images[:1]).all())
        return self.raised(images, rng) if one else super().degrade(images, rng)


class BrighterBackwards(Fade):
    """Is brighter where the first id of a block comes after the last."""

    def degrade(self, images: Any, rng: Any) -> Any:
        backwards = rng.ids[0] > rng.ids[-1]
        return self.raised(images, rng) if backwards else super().degrade(images, rng)


class BrighterTwice(Fade):
    """Is brighter where the first image comes twice, and others too."""

    def degrade(self, images: Any, rng: Any) -> Any:
        twice = rng.ids[0] == rng.ids[1] and rng.ids[0] != rng.ids[-1]
        return self.raised(images, rng) if twice else super().degrade(images, rng)


class BrighterStrided(Fade):
    """Is brighter where rows do not follow each other in memory."""

    block_rows: ClassVar[int] = 1

    def degrade(self, images: Any, rng: Any) -> Any:
        dense = images.is_contiguous()
        return super().degrade(images, rng) if dense else self.raised(images, rng)


class Darkest(Fitted, Degradation):
    """Subtract half of the darkest value that was learnt."""

    name: ClassVar[str] = "darkest"
    differentiable: ClassVar[bool] = True
    _black: float | None = PrivateAttr(default=None)

    def fit(self, data: Any, rng: Any) -> State:
        darkest = min(float(block.images.min()) for block in data)
        return State({"black": np.array([darkest])}, {"divisors": {"2": 2}})

    def load(self, state: State) -> None:
        self._black = float(state.arrays["black"][0]) / state.info["divisors"]["2"]

    def degrade(self, images: Any, rng: Any) -> Any:
        if self._black is None:
            raise NotFittedError("darkest: fit it first")
        return (images - self._black).clamp(0, 1)


class AnswersUnfitted(Darkest):
    """Takes 0 where nothing was learnt."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return images.clone() if self._black is None else super().degrade(images, rng)


class FitsByChance(Darkest):
    """Learns a number from the global generator."""

    def fit(self, data: Any, rng: Any) -> State:
        import torch

        return State({"black": 0.1 * torch.rand(1).numpy()}, super().fit(data, rng).info)


class KeepsWhatItLearns(Darkest):
    """Can be used after `fit` without `load`."""

    def fit(self, data: Any, rng: Any) -> State:
        state = super().fit(data, rng)
        self.load(state)
        return state


class NumbersAsKeys(Darkest):
    """Writes numbers as keys, which JSON turns into texts."""

    def fit(self, data: Any, rng: Any) -> State:
        return State(super().fit(data, rng).arrays, {"divisors": {2: 2}})

    def load(self, state: State) -> None:
        self._black = float(state.arrays["black"][0]) / state.info["divisors"][2]


class Upside(Fade):
    """Gets weaker with severity."""

    levels: ClassVar[Any] = {"amount": (0.5, 0.4, 0.3, 0.2, 0.1)}


class AnyParameters(Fade):
    """Takes a severity and physical parameters together."""

    def _one_way_to_say_how_much(self) -> Any:
        return self


class HalfAGradient(Fade):
    """Hands on half of the gradient."""

    def degrade(self, images: Any, rng: Any) -> Any:
        return super().degrade((images + images.detach()) / 2, rng)


EVERY = {
    "identity": NoSentence,
    "parameters": TakesAnything,
    "pickles": UnequalToItself,
    "answers": TooBright,
    "input_untouched": BlackensBorder,
    "no_memory": Remembers,
    "global_random_state": DrawsAndForgets,
    "host_left_alone": StopsTheDebugger,
    "modes_and_buffers": LeftInTraining,
}
"""`light_import` and `device` have tests of their own: they need another place to run."""
BY_ROW = {
    "same_seed": ReadsTheSeed,
    "stochastic_claim": NotStochastic,
    "alone": BrighterAlone,
    "order": BrighterBackwards,
    "duplicates": BrighterTwice,
    "layout": BrighterStrided,
}
"""`cost` has a test of its own: nobody wants to wait."""
LEARNING = {
    "unfitted_refuses": AnswersUnfitted,
    "same_fit": FitsByChance,
    "fit_keeps_nothing": KeepsWhatItLearns,
    "state_is_stored": NumbersAsKeys,
}
DEGRADING = {
    "severity_goes_further": Upside,
    "one_way_to_say_how_much": AnyParameters,
    "gradient_is_right": HalfAGradient,
}
TWINS = EVERY | BY_ROW | LEARNING | DEGRADING


@pytest.mark.parametrize("plugin", [Fade, Grain, Inside, Networked, Darkest])
def test_sound_plugin_passes(plugin: Any) -> None:
    """A plugin that keeps its promises fails nothing: parents of the twins."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]) == {name}


@pytest.mark.parametrize(
    ("twin", "name"),
    [(InPlace, "answers"), (Raises, "answers"), (SecretlyStochastic, "stochastic_claim")],
)
def test_other_ways_to_break_a_promise(twin: Any, name: str) -> None:
    """A plugin that answers nothing is told once, and a claim is wrong either way round."""
    assert failed(twin) == {name}


def test_heavy_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that imports torch at its top fails `light_import` alone."""
    assert "torch" in sys.modules
    source = (
        "import torch\n"
        "from typing import ClassVar\n"
        "from adversity import Degradation\n"
        "class Copy(Degradation):\n"
        '    """Change nothing."""\n'
        '    name: ClassVar[str] = "copy"\n'
        "    differentiable: ClassVar[bool] = True\n"
        "    def degrade(self, images, rng):\n"
        "        return images.clone()\n"
    )
    (tmp_path / "heavy_twin.py").write_text(source)
    (tmp_path / "torch.py").touch()  # in the other Python: its name counts, not its weight
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    import heavy_twin  # type: ignore[import-not-found]

    assert failed(heavy_twin.Copy) == {"light_import"}


def test_another_device_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that depends on the device fails `device` alone; "cpu:0" plays the device."""
    monkeypatch.setattr(every_plugin, "second_device", lambda: "cpu:0")
    assert failed(OtherElsewhere) == {"device"}
    assert failed(Fade) == set()


def test_slow_plugin_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no patience at all, the cost of a sound plugin is too high and nothing else is."""
    monkeypatch.setattr(row_by_row, "PATIENCE_SECONDS", 0.0)
    assert failed(Fade) == {"cost"}


def test_no_check_lacks_a_twin() -> None:
    """Each shared check, and each of degradations, has a twin that fails it."""
    elsewhere = {"light_import", "device", "cost"}
    shared = (*every_plugin.CHECKS, *row_by_row.CHECKS, *fitted.CHECKS, *DegradationBench.checks)
    assert {check.name for check in shared} == set(TWINS) | elsewhere


def test_side_information_is_part_of_the_answer() -> None:
    """A degradation whose side information depends on the batch fails, though its images do not."""

    class Counts(Fade):
        """Tell how many images there are."""

        def degrade(self, images: Any, rng: Any) -> Any:
            distinct = len(set(rng.ids))
            return Degraded(images.clone(), {"count": images.new_full((len(images),), distinct)})

    assert failed(Counts, parameters={"amount": 0.1}, only=["alone"]) == {"alone"}


def test_numpy_and_python_generators_are_watched() -> None:
    """The global generators of NumPy and Python count as well as torch's."""

    class Draws(Fade):
        """Draw from two global generators."""

        def degrade(self, images: Any, rng: Any) -> Any:
            random.random()
            np.random.rand()  # noqa: NPY002  (what must not be done)
            return super().degrade(images, rng)

    (outcome,) = check_plugin(Draws, only=["global_random_state"], raises=False).outcomes
    assert "Python's and NumPy's moved" in outcome.message
