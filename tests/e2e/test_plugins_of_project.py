"""Plugins in files of the project, through every door: the same bytes, stale when they change."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Project

pytestmark = pytest.mark.slow

OWN = """\
name: own
data:
  test: {uses: dataset/digits, with: {split: test, limit: 30}}
steps:
  dimmed:
    uses: ./own/dim.py:Dim
    from: test
    with: {share: 0.5}
  net:
    uses: ./own/net.py:Net
  clean: {uses: net, from: test}
  answers: {uses: net, from: dimmed}
  attacked: {uses: attack/fgsm, from: test, against: clean, with: {norm: linf, eps: 8/255}}
"""
NET = '''\
"""A network of the project."""

from typing import ClassVar

from adversity import Classifier


class Net(Classifier):
    """A linear network with fixed weights."""

    name: ClassVar[str] = "net_of_project"
    differentiable: ClassVar[bool] = True
    licence: ClassVar[str] = "MIT"

    @property
    def class_names(self):
        """Ten digits."""
        return tuple(str(digit) for digit in range(10))

    def setup(self, device):
        """Make the network, whose module is imported here."""
        super().setup(device)
        from .layers import linear

        self._net = linear().to(device).eval()

    def logits(self, images):
        """Return `[N, 10]`."""
        from torch.nn.functional import interpolate

        return self._net(interpolate(images, size=(8, 8)).mean(1).flatten(1))
'''
LAYERS = '''\
"""Its layers."""

import torch


def linear():
    """Return 64 inputs to 10 outputs."""
    layer = torch.nn.Linear(64, 10)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-1, 1, 640).sin().mul(40).sin().reshape(10, 64))
        layer.bias.zero_()
    return layer
'''
DIM = '''\
"""A degradation of the project."""

from typing import ClassVar

from adversity import Degradation


class Dim(Degradation):
    """Make images darker."""

    name: ClassVar[str] = "dim"

    share: float = 0.7

    def degrade(self, images, rng):
        """Return darker images."""
        return images * self.share
'''


@pytest.fixture(scope="module")
def started_own(started: Project) -> Project:
    """A project with two plugins of its own, committed, in which nothing ran yet."""
    project = started.copy("own-started")
    (project.root / "pipelines" / "smoke.yaml").unlink()
    shutil.rmtree(project.root / "pipelines" / ".resolved")
    (project.root / "own").mkdir()
    for name, text in (("net.py", NET), ("layers.py", LAYERS), ("dim.py", DIM)):
        (project.root / "own" / name).write_text(text)
    (project.root / "pipelines" / "own.yaml").write_text(OWN)
    project.adversity("sync")
    project.commit()
    return project


@pytest.fixture(scope="module")
def finished_own(started_own: Project, program: Callable[[str], str]) -> Project:
    """The same after a direct run in a process of its own."""
    project = started_own.copy("own-finished")
    project.call(program("adversity"), "run", "pipelines/own.yaml", "--direct")
    project.commit()
    return project


def test_every_door_leaves_the_same_bytes(started_own, finished_own):
    """`dvc repro` and Prefect import the files anew, and leave what the direct run left."""
    assert "up to date" in finished_own.dvc("status").out
    repro = started_own.copy("own-repro")
    repro.dvc("repro")
    assert repro.differences(finished_own) == []
    prefect = started_own.copy("own-prefect")
    assert "without Prefect" not in prefect.adversity("run", "pipelines/own.yaml").err
    assert prefect.differences(finished_own) == []
    assert repro.adversity("run", "pipelines/own.yaml", "--direct").ran == {}


def test_dvc_and_report_name_the_files(finished_own):
    """DVC has them as dependencies; validation and report say whose they are, and the licence."""
    answer = finished_own.adversity("validate", "pipelines/own.yaml")
    assert "seed 0 · runs ./own/dim.py, ./own/net.py of the project" in answer.out
    lock = (finished_own.root / "dvc.lock").read_text()
    assert lock.count("path: own/layers.py") == lock.count("path: own/net.py") == 4
    assert lock.count("path: own/dim.py") == 2
    (page,) = finished_own.root.glob("runs/*-own/report.html")
    text = re.sub(r"\s*<[^>]+>\s*", "|", page.read_text())
    text = re.sub(r"\|+", "|", text)
    assert "classifier/net_of_project|./own/net.py|of this project|MIT" in text
    assert re.search(r"\./own/net\.py\|of the project, source [0-9a-f]{12}", text)


def test_late_import_makes_its_steps_stale(finished_own, tmp_path):
    """Of a file that only `setup` imports, the change is seen: its steps run, the others do not."""
    project = finished_own.copy(str(tmp_path / "edited"))
    path = project.root / "own" / "layers.py"
    path.write_text(LAYERS.replace("mul(40)", "mul(41)"))
    answer = project.adversity("run", "pipelines/own.yaml", "--direct")
    assert set(answer.ran) == {"clean", "answers", "attacked", "report"}
    assert "source changed" in answer.ran["clean"]
    path.write_text(LAYERS)
    project.adversity("run", "pipelines/own.yaml", "--direct")
    assert project.differences(finished_own) == []
    (project.root / "own" / "dim.py").write_text(DIM.replace("* self", "* 0.9 * self"))
    answer = project.adversity("run", "pipelines/own.yaml", "--direct")
    assert set(answer.ran) == {"answers", "report"}


def test_experiments_set_its_parameters(finished_own, tmp_path):
    """`dvc exp run -S` changes a parameter of a plugin of the project, and runs its step."""
    project = finished_own.copy(str(tmp_path / "experiment"))
    project.dvc("exp", "run", "-S", "pipelines/own.yaml:steps.dimmed.with.share=0.25")
    assert "share: 0.25" in (project.root / "pipelines" / "own.yaml").read_text()
    changed = project.differences(finished_own)
    assert any("own/answers" in name for name in changed)
    assert not any("own/clean/" in name or "own/attacked/" in name for name in changed)


def test_no_list_runs_the_files(finished_own, tmp_path):
    """What only lists or shows help imports no file of the project that is not named."""
    project = finished_own.copy(str(tmp_path / "poisoned"))
    for file in (project.root / "own").glob("*.py"):
        file.write_text("open('imported', 'w').close()\n")
    for command in (
        ("--help",),
        ("plugins",),
        ("plugins", "--json"),
        ("schema",),
        ("report",),
        ("check", "--help"),
    ):
        project.adversity(*command, code=None)
        assert not (project.root / "imported").exists(), command
    answer = project.adversity("plugins", "own/net.py:Net", code=2)
    assert "begins with ./, did you mean ./own/net.py:Net?" in answer.err
    assert not (project.root / "imported").exists()


def test_kit_marks_it_for_pipelines_that_demand_it(finished_own, tmp_path):
    """`adversity check` tries it and keeps its mark, which another source does not have."""
    project = finished_own.copy(str(tmp_path / "checked"))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    answer = project.call("adversity", "check", "./own/dim.py:Dim", **cache)
    assert "degradation/dim keeps its promises" in answer.out
    path = project.root / "pipelines" / "own.yaml"
    path.write_text("conformance: required\n" + OWN)
    said = project.call("adversity", "validate", "pipelines/own.yaml", code=2, **cache).err
    assert "`adversity check ./own/net.py:Net`" in said
    assert "dim.py" not in said
    (project.root / "own" / "dim.py").write_text(DIM.replace("* self", "* 0.9 * self"))
    said = project.call("adversity", "validate", "pipelines/own.yaml", code=2, **cache).err
    assert 'degradation "dim" (./own/dim.py) was checked with another source' in said


def test_create_takes_a_file(finished_own, program):
    """From Python the class stands relative to the current folder, alone and in a parameter."""
    code = (
        "import torch, adversity\n"
        "dim = adversity.create('degradation', './own/dim.py:Dim', share=0.25)\n"
        "print(dim(torch.ones(1, 1, 2, 2)).flatten().tolist())\n"
        "net = adversity.create('classifier', './own/net.py')\n"
        "attack = adversity.create('attack', 'natural_variation', over={'share': [0.1, 0.9]},\n"
        "    degradation={'uses': './own/dim.py:Dim'})\n"
        "images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))\n"
        "print(attack(adversity.target(net), images, net(images).argmax(1)).images.shape)\n"
    )
    out = finished_own.call(program("python"), "-c", code).out
    assert out.splitlines() == ["[0.25, 0.25, 0.25, 0.25]", "torch.Size([2, 1, 8, 8])"]
