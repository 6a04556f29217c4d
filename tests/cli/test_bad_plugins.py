"""Third-party plugins that break their promises, as a user meets them: named, exit code 3."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

FILE = "pipelines/shots.yaml"
RUN = ("run", FILE, "--direct", "--json")
PROGRAM = "import sys; from adversity_flows.cli import main; sys.exit(main())"
SOURCE = '''
from pathlib import Path
from typing import ClassVar

import torch

from adversity import Attack, Classifier, Degradation, hookimpl


class Worse(Degradation):
    """Darken, and break one promise of the contract."""

    name: ClassVar[str] = "worse"
    how: str = "none"

    def degrade(self, images, rng):
        if "light/0.png" in rng.ids and Path("no room").exists():
            raise MemoryError("no room")
        if self.how == "raises":
            raise ValueError("a kernel\\nof two lines \\x1b[31m")
        if self.how == "exits":
            raise SystemExit(0)
        if self.how == "mutates":
            return images.mul_(0.5)
        return {
            "none": lambda: images * 0.5,
            "nan": lambda: images * float("nan"),
            "shape": lambda: images[:, :, 1:],
            "rows": lambda: torch.cat([images, images]),
            "dtype": lambda: images.double(),
            "range": lambda: images + 2,
            "nothing": lambda: None,
        }[self.how]()


class Brightness(Classifier):
    """Call bright images light."""

    name: ClassVar[str] = "brightness"
    how: str = "none"

    @property
    def class_names(self):
        return ("dark", "light")

    def setup(self, device):
        super().setup(device)
        if self.how == "setup":
            raise KeyError("weights")

    def logits(self, images):
        light = images.mean((1, 2, 3))
        if self.how == "nan":
            light = light / 0 - light / 0
        return torch.stack([0.5 - light, light - 0.5][: 1 if self.how == "columns" else 2], 1)


class Greedy(Attack):
    """Take more than eps where `greed` is over 1."""

    name: ClassVar[str] = "greedy"
    norm: str = "linf"
    eps: float = 0.1
    greed: float = 1

    def perturb(self, target, images, labels, rng):
        inward = torch.where(images > 0.5, -1.0, 1.0)
        return images + inward * self.eps * self.greed


@hookimpl
def adversity_degradations():
    return [Worse]


@hookimpl
def adversity_classifiers():
    return [Brightness]


@hookimpl
def adversity_attacks():
    return [Greedy]
'''
PIPELINE = """\
name: shots
data:
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  worse: {uses: degradation/worse, from: test, with: {how: none}}
  net: {uses: classifier/brightness, with: {how: none}}
  predictions: {uses: net, from: worse}
  attacked: {uses: attack/greedy, from: test, against: clean, with: {greed: 1}}
  clean: {uses: net, from: test}
run: {shard_size: 4}
"""


@pytest.fixture
def bad(shots, acme):
    """Return a project in which every plugin that computes is a third party's."""
    shots.file.write_text(PIPELINE, encoding="utf-8")
    shots.site = acme(SOURCE)
    return shots


DEGRADATION = 'step predictions, 1/2: degradation "worse" (acme-bad 1.0), sample dark/0.png'
CLASSIFIER = 'step predictions, 1/2: classifier "brightness" (acme-bad 1.0)'
AUTHOR = "report it to "


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("nan", "expected finite values, got NaN or infinity"),
        ("shape", "expected shape [1, 3, 16, 16], got [1, 3, 15, 16]"),
        ("rows", "expected 1 images, got 2"),
        ("dtype", "expected float32, got torch.float64"),
        ("range", "expected values in [0, 1], got 2 .. "),
        ("nothing", "expected a tensor [N, C, H, W], got NoneType"),
        ("mutates", "it changed its input in place; expected the input to be left alone"),
        ("raises", "raised ValueError: a kernel\n  of two lines \\x1b[31m"),
        ("exits", "raised SystemExit: 0"),
    ],
)
def test_a_degradation_that_breaks_its_promise(how, said, bad, call, refused):
    """The message has step, shard, plugin, distribution and sample; nothing is written."""
    bad.edit("how: none", f"how: {how}")
    refused(call(*RUN), DEGRADATION, said, AUTHOR, code=3)
    bad.holds_nothing_of("predictions")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("nan", "expected finite values, got NaN or infinity"),
        ("columns", "expected shape [16, 2], got [16, 1]"),
        ("setup", "could not be set up: KeyError: 'weights'"),
    ],
)
def test_a_classifier_that_breaks_its_promise(how, said, bad, call, refused):
    """What a network does wrong is as clear as what an image's plugin does."""
    bad.edit("brightness, with: {how: none", f"brightness, with: {{how: {how}")
    refused(call(*RUN), CLASSIFIER, said, AUTHOR, code=3)
    bad.holds_nothing_of("predictions")


def test_an_attack_that_oversteps_its_budget(bad, call, refused):
    """Norm, eps and the figure are said; corrected, the run re-uses what was recorded."""
    bad.edit("greed: 1", "greed: 1.5")
    said = "overstepped its budget: expected linf <= 0.1, got 0.15"
    where = 'step attacked, 1/2: attack "greedy" (acme-bad 1.0), sample '
    refused(call(*RUN), where, said, AUTHOR, code=3)
    bad.holds_nothing_of("attacked")
    bad.edit("greed: 1.5", "greed: 1")
    answer = call(*RUN)
    assert answer.code == 0, answer.err
    assert "clean        unchanged" in answer.err


def test_the_second_shard_fails_and_the_first_is_kept(bad, call, refused):
    """In a process of its own, too; when the cause is gone, the run goes on from there."""
    (bad.root / "no room").touch()
    said = ("step predictions, 2/2", "sample light/0.png raised MemoryError: no room")
    refused(child(bad), *said, code=3)
    bad.holds_nothing_of("predictions")
    (bad.root / "no room").unlink()
    answer = call(*RUN)
    assert answer.code == 0, answer.err
    assert "(1 of 2 shards kept)" in answer.err


def child(bad):
    """Run in a process of its own, which finds the third party by its metadata."""
    path = os.pathsep.join([str(bad.site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, *RUN],
        capture_output=True,
        text=True,
        env=kept | {"PYTHONPATH": path},
        check=False,
    )
    return Ended(answer.returncode, answer.stdout, answer.stderr)


class Ended:
    """What a process left, as `call` gives it."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
