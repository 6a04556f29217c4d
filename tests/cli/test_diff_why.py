"""`adversity diff --why`: planted changes are recovered, against runs of every combination."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

import adversity
from adversity_flows.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

FILE = "pipelines/shots.yaml"
PIPELINE = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix: {sigma: [0.10, 0.3]}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2, width: 4}}
  shaded: {uses: "./own/shade.py:Shade", from: test, with: {factor: 0.9}}
  noisy: {uses: degradation/gaussian_noise, from: shaded, with: {sigma: $sigma}}
  predictions: {uses: net, from: noisy}
run: {shard_size: 4}
"""
SHADE = '''\
"""Darkens."""

from adversity import Degradation


class Shade(Degradation):
    """Darkens images."""

    name = "shade"

    factor: float = 0.5
    """What images are multiplied with."""

    def degrade(self, images, rng):
        return images * self.factor
'''
NUMBER = "predictions[sigma=0.10].nll"
"""A mean over images: with accuracies of eight images many combinations would be equal."""


class Planted:
    """A project with one run, in which things are changed one by one."""

    def __init__(self, shots: Any, git: Callable[..., None]) -> None:
        self.root: Path = shots.root
        self._shots, self._git = shots, git

    def commit(self, tag: str) -> str:
        """Add the data, run, and commit what came of it; return the run."""
        added = ["dvc", "add", "-q", "data/test", "data/train"]
        subprocess.run([sys.executable, "-m", *added], check=True)
        assert main(["run", FILE, "--direct"]) == 0
        self._git("add", "-A")
        self._git("commit", "-q", "-m", tag)
        self._git("tag", tag.replace(" ", "-"))
        return max(path.name for path in (self.root / "runs").glob("2*"))

    def pin(self, tag: str) -> None:
        """Read the test data of a version."""
        text = self._shots.file.read_text(encoding="utf-8")
        line = f"  test: {{uses: dataset/folder, with: {{path: data/test}}, rev: {tag}}}"
        self._shots.file.write_text(re.sub("^  test: .*$", line, text, flags=re.MULTILINE), "utf-8")

    def data(self) -> None:
        """Relabel an image and take one out."""
        test = self.root / "data" / "test"
        (test / "dark" / "0.png").rename(test / "light" / "was dark.png")
        (test / "light" / "3.png").unlink()

    def model(self) -> None:
        """Train longer: other weights."""
        self._shots.edit("epochs: 2", "epochs: 9")

    def parameters(self) -> None:
        """Darken more."""
        self._shots.edit("factor: 0.9", "factor: 0.3")

    def code(self) -> None:
        """Edit the plugin of the project."""
        path = self.root / "own" / "shade.py"
        path.write_text(
            SHADE.replace("images * self.factor", "images * self.factor / 4"), encoding="utf-8"
        )

    def why(self, call: Callable[..., Any], first: str = "v1") -> dict[str, Any]:
        """Split the change since the first run."""
        answer = call("diff", first, FILE, "--why", NUMBER, "--json")
        assert answer.code == 0, answer.err
        found: dict[str, Any] = json.loads(answer.out)
        assert sum(found["parts"].values()) == pytest.approx(found["change"], abs=1e-12)
        assert found["change"] == found["after"] - found["before"] != 0
        return found


@pytest.fixture(scope="module")
def template(
    new_shots: Callable[[Path], Any],
    git: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
    undrawn_charts: None,
) -> Path:
    """The project after its first run, `v1`, made once."""
    shots = new_shots(tmp_path_factory.mktemp("template") / "trial")
    (shots.root / "own").mkdir()
    (shots.root / "own" / "shade.py").write_text(SHADE, encoding="utf-8")
    shots.file.write_text(PIPELINE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shots.root)
        Planted(shots, git).commit("v1")
    return shots.root


@pytest.fixture
def planted(shots: Any, template: Path, git: Callable[..., None]) -> Planted:
    """Return a copy of the template, and stand in it."""
    shutil.copytree(template, shots.root, dirs_exist_ok=True)
    return Planted(shots, git)


NAMES = ("data", "model", "parameters")
PARTS = {
    "data": "data",
    "model": "model and weights",
    "parameters": "parameters",
    "code": "code and libraries",
}


@pytest.mark.parametrize("what", ["data", "model", "code"])
def test_one_change_gets_the_whole_change(
    planted: Planted, call: Callable[..., Any], what: str
) -> None:
    """And the others exactly nothing; what did not change is not even computed."""
    getattr(planted, what)()
    planted.commit("v2")
    found = planted.why(call)
    parts = {name: part for name, part in found["parts"].items() if part}
    assert parts == {PARTS[what]: found["change"]}
    assert found["computed"] == (1 if what == "code" else 2)
    assert not found["failed"]


def test_variables_of_a_cell_are_named_in_any_order(
    planted: Planted, shots: Any, call: Callable[..., Any]
) -> None:
    """Before the measure as gates do, or behind it."""
    shots.edit("matrix: {sigma: [0.10, 0.3]}", "matrix: {sigma: [0.10, 0.3], factor: [0.9, 0.5]}")
    shots.edit("factor: 0.9}", "factor: $factor}")
    planted.commit("two variables")
    planted.model()
    planted.commit("v2")
    names = ("predictions[sigma=0.10,factor=0.5].nll", "predictions.nll[factor=0.5,sigma=0.10]")
    said = [call("diff", "two-variables", FILE, "--why", name, "--json").out for name in names]
    found = json.loads(said[0])
    assert found == json.loads(said[1])
    assert not found["failed"]
    assert {name for name, part in found["parts"].items() if part} == {PARTS["model"]}


def test_three_changes_are_split_as_runs_of_all_eight_combinations_say(
    planted: Planted, call: Callable[..., Any], tmp_path: Path
) -> None:
    """Each combination is run whole in a folder of its own, and Shapley's formula written out."""
    old = tmp_path / "old data"
    shutil.copytree(planted.root / "data" / "test", old)
    planted.data()
    planted.model()
    planted.parameters()
    planted.commit("v2")
    new = tmp_path / "new data"
    shutil.copytree(planted.root / "data" / "test", new)
    found = planted.why(call)

    values = {}
    for number, taken in enumerate(_subsets()):
        place = planted.root / "data" / "test"
        shutil.rmtree(place)
        shutil.copytree(new if "data" in taken else old, place)
        overrides = [
            f"steps.net.with.epochs={9 if 'model' in taken else 2}",
            f"steps.shaded.with.factor={0.3 if 'parameters' in taken else 0.9}",
        ]
        ran = adversity.run(
            FILE, into=tmp_path / str(number), root=planted.root, overrides=overrides
        )
        measures = ran.steps["predictions"].measures
        values[taken] = Fraction(measures["sigma=0.10"]["nll"].value)
    assert len(set(values.values())) == 8, "a combination that equals another shows less"

    assert found["orders"] == found["of_orders"] == 6, found
    assert found["computed"] == 8
    assert found["parts"]["code and libraries"] == 0
    for name, part in _shapley(values).items():
        assert found["parts"][PARTS[name]] == float(part)


def test_another_version_that_is_pinned_is_a_change_of_data(
    planted: Planted, call: Callable[..., Any]
) -> None:
    """`rev:` moved from one tag to the next, with the folder on the disk long another."""
    planted.data()
    planted.commit("v2")
    planted.pin("v1")
    first = planted.commit("pinned to v1")
    planted.pin("v2")
    planted.commit("pinned to v2")
    found = planted.why(call, first)
    assert {name for name, part in found["parts"].items() if part} == {"data"}
    assert not found["failed"]


def test_what_is_gone_is_a_remainder_with_its_reason(
    planted: Planted, call: Callable[..., Any]
) -> None:
    """Nothing is guessed: the parts still add up, and the command says what would help."""
    planted.data()
    planted.commit("v2")
    shutil.rmtree(planted.root / ".dvc" / "cache")
    found = planted.why(call, min(path.name for path in (planted.root / "runs").glob("2*")))
    assert "data before" in found["failed"]
    assert "data/t" in found["failed"]["data before"]
    assert "neither DVC's cache" in found["failed"]["data before"]
    assert found["orders"] == 0
    assert found["parts"]["cannot be told apart"] != 0


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("predictions[sigma=0.10].nl", "did you mean nll?"),
        ("predictions[sigma=0.2].nll", "did you mean sigma="),
        ("prediction.nll", "did you mean predictions?"),
        ("predictions", "expected STEP.MEASURE"),
        ("predictions[sigma].nll", "expected a cell of predictions, got [sigma]"),
    ],
)
def test_a_number_that_there_is_not_is_refused(
    planted: Planted, call: Callable[..., Any], number: str, said: str
) -> None:
    """With the nearest one, before anything is computed."""
    planted.model()
    answer = call("diff", "v1", "v1", "--why", number)
    assert answer.code == 2
    assert said in answer.err


def _shapley(v: dict[frozenset[str], Fraction]) -> dict[str, Fraction]:
    """Return the parts of three, by the formula."""
    parts = {}
    for one in NAMES:
        a, b = (frozenset({name}) for name in NAMES if name != one)
        own = frozenset({one})
        parts[one] = (
            (v[own] - v[frozenset()]) / 3
            + (v[own | a] - v[a]) / 6
            + (v[own | b] - v[b]) / 6
            + (v[own | a | b] - v[a | b]) / 3
        )
    return parts


def _subsets() -> list[frozenset[str]]:
    return list({frozenset(order[:n]) for order in permutations(NAMES) for n in range(4)})
