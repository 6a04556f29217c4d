"""For each check that every kind shares, a plugin that fails exactly that one.

The twins differ from a sound degradation in one promise. Where the engine makes it impossible
for a degradation to break a promise (it hands out copies), the twin is of another kind.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from kit_subjects import Fade
from pydantic import ConfigDict, PrivateAttr

from adversity import ImageMetric, MeasureInfo
from adversity.registry import discover
from adversity.testing import check_plugin
from adversity.testing.bench import effort
from adversity.testing.common import every_plugin, light_import

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"inside": MeasureInfo(better="lower")}
    smallest: ClassVar[int] = 5

    def measure(self, images: Any, reference: Any) -> Any:
        gap = (images - reference).abs()[..., 2:-2, 2:-2]
        return gap.double().mean(dim=(1, 2, 3))

    def convention(self) -> dict[str, object]:
        return {"border": 2}


class BlackensBorder(Inside):
    """Measures the same, and leaves black borders in the caller's images."""

    def measure(self, images: Any, reference: Any) -> Any:
        found = super().measure(images, reference)
        images[..., :1, :] = 0
        return found


class StopsTheDebugger(Fade):
    """Takes whatever traces the program away (AutoAttack's check for stochastic networks)."""

    def degrade(self, images: Any, rng: Any) -> Any:
        sys.settrace(None)
        return super().degrade(images, rng)


class ShapedByTheFirst(Fade):
    """Is brighter for ever if the first images it saw were 47 wide."""

    _first: int | None = PrivateAttr(default=None)

    def degrade(self, images: Any, rng: Any) -> Any:
        self._first = self._first or images.shape[-1]
        return self.raised(images, rng) if self._first == 47 else super().degrade(images, rng)


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


ELSEWHERE = {"light_import", "device", "input_untouched"}
"""The first two need another place to run. Images are copied before a plugin sees them, so the
twin of the last one is among the metrics of tables."""
TWINS = {
    "identity": NoSentence,
    "parameters": TakesAnything,
    "pickles": UnequalToItself,
    "answers": TooBright,
    "no_memory": ShapedByTheFirst,
    "global_random_state": DrawsAndForgets,
    "host_left_alone": StopsTheDebugger,
    "modes_and_buffers": LeftInTraining,
}


@pytest.mark.parametrize("plugin", [Fade, Inside, Networked])
def test_sound_plugin_passes(plugin: Any) -> None:
    """A plugin that keeps its promises fails nothing: parents of the twins."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(TWINS[name]).keys() == {name}


@pytest.mark.parametrize("limit", [effort.SLOW_SECONDS, -1.0], ids=["quick", "slow"])
def test_memory_is_found_however_it_began(
    limit: float, failed: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one call changes for all later ones is named, whatever else then disagrees."""
    monkeypatch.setattr(effort, "SLOW_SECONDS", limit)
    assert "after other calls as from a new plugin" in failed(Remembers)["no_memory"]


@pytest.mark.parametrize("twin", [InPlace, BlackensBorder, Raises])
def test_plugin_that_answers_nothing_is_told_once(
    twin: Any, failed: Callable[..., dict[str, str]]
) -> None:
    """Where the engine refuses every answer, or none comes, `answers` alone says so."""
    assert failed(twin).keys() == {"answers"}


def test_heavy_import_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: Callable[..., dict[str, str]]
) -> None:
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

    assert failed(heavy_twin.Copy).keys() == {"light_import"}


def test_a_heavy_module_is_not_held_against_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three modules of a package one imports torch and one is broken: each is found out."""
    for name, text in {"heavy": "import torch", "broken": "1 / 0", "light": ""}.items():
        (tmp_path / f"twin_{name}.py").write_text(text)
    (tmp_path / "torch.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = ("twin_broken", "twin_heavy", "twin_light")
    monkeypatch.setattr(light_import, "modules_beside", lambda _: names)
    found = [light_import.heavy_imports(name) for name in names]
    assert found == [None, ("torch",), ()]


def test_one_python_is_enough_for_a_light_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many built-ins are asked about, at most one other Python is started."""
    started = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: (started.append(a), run(*a, **k))[1])
    modules = sorted({entry.cls.__module__ for entry in discover().entries() if entry.cls})
    ours = [name for name in modules if name.startswith("adversity_plugins.")]
    assert len(ours) > 50
    assert {light_import.heavy_imports(name) for name in ours} == {()}
    assert len(started) <= 1


def test_another_device_is_tried(
    monkeypatch: pytest.MonkeyPatch, failed: Callable[..., dict[str, str]]
) -> None:
    """An answer that depends on the device fails `device` alone; "cpu:0" plays the device."""
    monkeypatch.setattr(every_plugin, "second_device", lambda: "cpu:0")
    assert failed(OtherElsewhere).keys() == {"device"}
    assert failed(Fade) == {}


def test_no_check_lacks_a_twin() -> None:
    """Each check of every plugin has a twin that fails it."""
    assert {check.name for check in every_plugin.CHECKS} == set(TWINS) | ELSEWHERE


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
