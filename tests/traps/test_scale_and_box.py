"""Eps is a size in the box [0, 1] that the victim is fed from, whatever it does inside."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

import adversity
from adversity import Attack
from adversity.engine.attack.attacking import attack
from adversity.errors import ParameterError, PipelineError, PluginError
from adversity_plugins.attack.gradient.pgd import PGD

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
EPS = 4 / 255


class Normalising(torch.nn.Module):
    """A linear victim of two classes that normalises each colour first."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.weights = torch.randn(3, 8, 8, generator=generator)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        normal = (images.double() - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
        margin = (normal * self.weights.double()).flatten(1).sum(1)
        return torch.stack([margin, -margin], 1).float()

    @property
    def slope(self) -> torch.Tensor:
        """How the margin changes with the images themselves."""
        return self.weights.double() / STD.double().view(3, 1, 1)


class NormalisedEps(PGD):
    """Takes eps for a size behind the normalisation: a fifth of what is allowed."""

    name: ClassVar[str] = "normalised_eps"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        inner = super().perturb(target, images, labels, rng) - images
        return (images + inner * STD.view(3, 1, 1)).clamp(0, 1)


def _share_of_the_optimum(ready: Any, images: torch.Tensor) -> float:
    """Return the smallest share of eps * |w|_1 by which a margin fell, away from the box."""
    victim = Normalising()
    inside = 0.25 + 0.5 * images
    bound = adversity.target(victim).bind([str(row) for row in range(len(images))])
    labels = bound.answer(inside).predicted
    found = attack(ready, bound, inside, labels).images
    sign = 1.0 - 2.0 * labels.double()
    fell = ((inside.double() - found.double()) * victim.slope).flatten(1).sum(1) * sign
    return float((fell / (EPS * victim.slope.abs().sum())).min())


def test_3_7_eps_is_meant_in_front_of_the_normalisation(images: torch.Tensor, ready: Any) -> None:
    """All of eps is used in the images' own space (1e-5: float32); the twin uses a fifth."""
    settings: dict[str, Any] = {"eps": EPS, "steps": 3, "random_start": False}
    assert _share_of_the_optimum(ready(PGD(**settings)), images) == pytest.approx(1, abs=1e-5)
    assert _share_of_the_optimum(ready(NormalisedEps(**settings)), images) < 0.25


class LeavesTheBox(Attack):
    """Moves every value by eps and forgets that images end at 0 and 1."""

    name: ClassVar[str] = "leaves_the_box"
    norm: Any = "linf"
    eps: float = EPS
    shift: float = 0.0

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        return images - self.shift - self.eps * (images - 0.5).sign()


@pytest.mark.parametrize(("shift", "figure"), [(2 * EPS, "-0.015"), (1.0, "-0.98")])
def test_3_7_images_outside_the_box_are_refused(
    network: Any, images: torch.Tensor, labels: torch.Tensor, ready: Any, shift: float, figure: str
) -> None:
    """Values below 0, or all of them in [-1, 0], end the attack with the figure; inside it passes."""
    victim = adversity.target(network).bind([str(row) for row in range(len(images))])
    assert float(attack(ready(LeavesTheBox()), victim, images, labels).images.min()) >= 0
    with pytest.raises(PluginError, match=rf"in \[0, 1\].*{figure}"):
        attack(ready(LeavesTheBox(shift=shift)), victim, images, labels)


class ByteScale(PGD):
    """Takes its eps for one on the scale of 0 to 255."""

    name: ClassVar[str] = "byte_scale"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        other = self.model_copy(update={"eps": self.eps / 255})
        return super(ByteScale, other).perturb(target, images, labels, rng)


def test_3_21_eps_is_the_fraction_that_was_written(images: torch.Tensor, ready: Any) -> None:
    """8/255 is that number and no rounded one, and all of it is used; the twin uses 1/255 of it."""
    assert adversity.create("attack", "pgd", eps="8/255").ready.plugin.eps == 8 / 255
    assert PGD(eps="8/255").fingerprint == PGD(eps=8 / 255).fingerprint
    assert PGD(eps="8/255").fingerprint != PGD(eps=0.031).fingerprint
    settings: dict[str, Any] = {"eps": "4/255", "steps": 3, "random_start": False}
    assert _share_of_the_optimum(ready(PGD(**settings)), images) > 0.9999
    assert _share_of_the_optimum(ready(ByteScale(**settings)), images) < 0.01


def test_3_21_eight_is_not_eight_levels(project: Any) -> None:
    """Above 1 in linf is refused with what was meant and the line; 1 is not, nor 8 in l2."""
    for name, more in (("pgd", {}), ("fmn", {}), ("random_noise", {}), ("square", {})):
        with pytest.raises(ParameterError, match=r"at most 1 in linf.*got 8; did you mean 8/255\?"):
            adversity.create("attack", name, norm="linf", eps=8, **more)
        assert adversity.create("attack", name, norm="linf", eps=1, **more)
        assert adversity.create("attack", name, norm="l2", eps=8, **more)
    with pytest.raises(ParameterError, match=r"got 1.5; did you mean 1.5/255"):
        adversity.create("attack", "pgd", eps=1.5)
    project.edit("eps: 8/255", "eps: 8")
    with pytest.raises(PipelineError, match=r'yaml:\d+: attack "pgd" .*got 8; did you mean 8/255'):
        project.run()


def test_3_21_the_record_has_norm_and_eps_as_written(ran: Any) -> None:
    """The report's record holds 8/255 beside the number; 0.031 is another attack."""
    import json

    keys = [ran.stage("attacked").cell_key(ran.stage("attacked").shards[0].cell)]
    report = json.loads((ran.out / "artifacts/small/report/report.json").read_text())
    (step,) = [found for found in report["steps"] if found["id"] == "attacked"]
    assert (step["threat"]["norm"], step["threat"]["eps"]) == ("linf", "8/255")
    assert step["cells"][0]["parameters"]["eps"] == 8 / 255
    ran.edit("eps: 8/255", "eps: 0.031")
    keys.append(ran.stage("attacked").cell_key(ran.stage("attacked").shards[0].cell))
    assert len(set(keys)) == 2


def test_3_22_every_setting_is_recorded_also_those_left_out(ran: Any) -> None:
    """Step size, random start and restarts stand in the record; the twin has what was written."""
    import json

    record = json.loads((ran.out / "artifacts/small/report/report.json").read_text())
    (step,) = [found for found in record["steps"] if found["id"] == "attacked"]

    def missing(recorded: Any) -> set[str]:
        return set(PGD.model_fields) - set(recorded)

    assert missing(step["cells"][0]["parameters"]) == set()
    written = ran.stage("attacked").plan.spec.steps["attacked"].parameters
    assert {"step_size", "random_start", "restarts"} <= missing(written)
