"""Adversarial images belong to one victim, one data set, one attack: nothing stale is reused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from adversity.engine.stages.attack_stage import AttackRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _one_level_up(image: Path) -> None:
    """Change one byte of one image."""
    with Image.open(image) as file:
        pixels = file.copy()
    value = pixels.getpixel((3, 3))
    assert isinstance(value, int)
    pixels.putpixel((3, 3), value + 1 if value < 255 else value - 1)
    pixels.save(image)


CHANGES: dict[str, Callable[[Any], object]] = {
    "a byte of the attacked data": lambda p: _one_level_up(p.root / "data/test/left/00.png"),
    "a byte of the training data": lambda p: _one_level_up(p.root / "data/train/left/00.png"),
    "a parameter of the victim": lambda p: p.edit("c: 1.0", "c: 0.5"),
    "a parameter of the attack": lambda p: p.edit("steps: 3", "steps: 4"),
    "the seed": lambda p: p.edit("seed: 3", "seed: 4"),
}


def _key(project: Any) -> str:
    project.run_steps("linear", "predictions")
    stage = project.stage("attacked")
    key: str = stage.cell_key(stage.shards[0].cell)
    return key


def _kept_after(project: Any, *names: str) -> list[str]:
    """Return which of some changes leave the key of the adversarial images as it was."""
    keys = [_key(project)]
    same = []
    for name in names:
        CHANGES[name](project)
        keys.append(_key(project))
        if keys[-1] in keys[:-1]:
            same.append(name)
    return same


def test_3_28_one_changed_byte_is_another_set_of_images(project: Any) -> None:
    """Data, weights (through what they were learnt from), parameters and seed: each counts."""
    assert _kept_after(project, *CHANGES) == []


def test_3_27_a_key_without_the_victim_is_found_out(project: Any, monkeypatch: Any) -> None:
    """The twin that forgets who was attacked would reuse the images of another victim."""
    content = AttackRun.content

    def without_victim(self: Any, cell: Any) -> list[object]:
        data, labels, before, _links, metrics = content(self, cell)
        return [data, labels, before, metrics]

    monkeypatch.setattr(AttackRun, "content", without_victim)
    victims = ["a byte of the training data", "a parameter of the victim"]
    assert _kept_after(project, *victims, "a parameter of the attack") == victims


def test_3_28_a_key_of_names_is_found_out(project: Any, monkeypatch: Any) -> None:
    """The twin that names the data instead of reading them sees no byte of the images change."""
    content = AttackRun.content

    def by_name(self: Any, cell: Any) -> list[object]:
        return ["data set test", *content(self, cell)[1:]]

    monkeypatch.setattr(AttackRun, "content", by_name)
    data = "a byte of the attacked data"
    assert _kept_after(project, data, "a parameter of the attack") == [data]


def test_3_28_one_changed_byte_of_a_weight_file_is_another_victim(project: Any) -> None:
    """A path says nothing of the weights that lie there; neither images nor answers are reused."""
    weights = project.root / "weights.safetensors"
    weights.write_bytes(b"some weights")
    network = "classifier/torchvision, with: {architecture: resnet18, file: weights.safetensors}"
    project.edit("classifier/logistic_regression, fit_on: train, with: {c: 1.0}", network)

    def keys() -> list[str]:
        stages = [project.stage(step) for step in ("predictions", "attacked")]
        return [stage.cell_key(stage.shards[0].cell) for stage in stages]

    before = keys()
    assert keys() == before
    weights.write_bytes(b"Some weights")
    assert not set(keys()) & set(before)
