"""`adversity check PIPELINE` and `--badge`: who is meant, and what may be shown of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

import adversity.testing
from adversity.registry import discover
from adversity.testing import Conformance, Outcome
from adversity_flows.cli.plugins.badge import badge
from adversity_flows.cli.plugins.checked import named_plugins
from adversity_flows.cli.project import unmarked_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANY = """\
name: many
conformance: required
matrix:
  method: [lime, gamma_correction]
data:
  test: {uses: dataset/digits, with: {split: test, limit: 20}}
  train: {uses: dataset/digits, with: {split: train, limit: 20}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1}}
  bent: {uses: "./own.py:Bent", from: test}
  both:
    uses: ./own.py:Both
    from: bent
    with: {parts: [{uses: gaussian_blur, with: {severity: 1}}, {uses: "./other.py:Faint"}]}
  better: {uses: restoration/$method, from: both}
  answers: {uses: net, from: better}
metrics: [metric/psnr]
"""
OWN = """\
from adversity import Degradation, Plugin


class Bent(Degradation):
    \"\"\"Square every value.\"\"\"

    name = "bent"
    licence = "MIT"

    def degrade(self, images, rng):
        return images * images


class Both(Degradation):
    \"\"\"Make images worse in several ways.\"\"\"

    name = "both"
    licence = "MIT"
    examples = ({"parts": [{"uses": "gaussian_blur", "with": {"severity": 1}}]},)
    parts: tuple[Plugin[Degradation], ...]

    def degrade(self, images, rng):
        for part in self.parts:
            images = part(images, rng)
        return images
"""
OTHER = """\
from adversity import Degradation


class Faint(Degradation):
    \"\"\"Halve every value.\"\"\"

    name = "faint"
    licence = "MIT"

    def degrade(self, images, rng):
        return images / 2
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def many(project: Path) -> str:
    """A pipeline whose plugins stand in every place where one can."""
    (project / "own.py").write_text(OWN, encoding="utf-8")
    (project / "other.py").write_text(OTHER, encoding="utf-8")
    (project / "pipelines/many.yaml").write_text(MANY, encoding="utf-8")
    return "pipelines/many.yaml"


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a kit of one check in place of ours; return who was tried."""
    names: list[str] = []

    def kit(cls: Any, **_: object) -> Conformance:
        names.append(f"{cls.kind}/{cls.name}")
        status: Any = "failed" if cls.name == "lime" else "passed"
        outcome = Outcome("alone", "rows are apart", {}, status, "found", 0.1)
        return Conformance(cls.kind, cls.name, 1, (outcome,))

    monkeypatch.setattr(adversity.testing, "check_plugin", kit)
    return names


ALL = [
    "classifier/small_cnn",
    "dataset/digits",
    "degradation/bent",
    "degradation/both",
    "degradation/faint",
    "degradation/gaussian_blur",
    "metric/psnr",
    "restoration/gamma_correction",
    "restoration/lime",
]


def test_all_plugins_that_a_pipeline_names_are_tried_once(
    call: Callable[..., Any], many: str, tried: list[str]
) -> None:
    """Of the matrix, in parameters, of the project, metrics; whatever marks it demands."""
    answer = call("check", many)
    assert answer.code == 1, answer.err
    assert sorted(tried) == ALL
    assert "✗ restoration/lime" in answer.out
    tried.clear()
    assert call("check", many, "--kind", "degradation").code == 0
    assert tried == [name for name in ALL if name.startswith("degradation/")]


def test_what_was_checked_is_what_the_pipeline_demands(
    call: Callable[..., Any], many: str, tried: list[str]
) -> None:
    """Without marks it is refused for each of them; with them it can run."""
    refused = call("validate", many)
    assert refused.code == 2
    plan = unmarked_plan(many)
    for entry in named_plugins(plan, discover()):
        assert f"adversity check {entry.uses}" in refused.err
    call("check", many)
    left = call("validate", many).err
    assert "lime" in left
    assert "was not checked" not in left


def test_a_plugin_that_cannot_be_made_does_not_keep_others_from_being_tried(
    call: Callable[..., Any],
    refused: Callable[..., str],
    many: str,
    tried: list[str],
    project: Path,
) -> None:
    """It is named and counts as failed; alone it is wrong input, as before."""
    lines = [line for line in OWN.splitlines() if "examples =" not in line]
    (project / "own.py").write_text("\n".join(lines), encoding="utf-8")
    answer = call("check", many)
    assert answer.code == 1
    assert sorted(tried) == [name for name in ALL if name != "degradation/both"]
    assert "degradation 'both' cannot be made with {}" in answer.out
    assert "adversity check" not in answer.err
    refused(call("check", "./own.py:Both"), "cannot be made with {}")


def test_a_pipeline_that_is_wrong_is_refused(
    call: Callable[..., Any], refused: Callable[..., str], many: str, project: Path
) -> None:
    """With file and line, as a run would; so is one that is not there, and a kind it lacks."""
    refused(call("check", many, "--kind", "attack"), "expected a plugin of kind attack")
    refused(call("check", many, "--set", "severity=1"), "expected one plugin to try it with")
    (project / many).write_text(MANY.replace("net, from", "nett, from"), encoding="utf-8")
    refused(call("check", many), "many.yaml:16", "nett")
    refused(call("check", "pipelines/none.yaml"), "none.yaml")


def record(name: str = "fog", version: str = "0.1.0", **counts: int) -> dict[str, Any]:
    """Return what `--json` writes of a plugin, with so many outcomes of each status."""
    outcomes = [{"status": status} for status, count in counts.items() for _ in range(count)]
    bad = counts.get("failed", 0) + counts.get("fixed", 0)
    return {"name": name, "version": version, "kit": 1, "passed": not bad, "outcomes": outcomes}


@pytest.mark.parametrize(
    ("records", "unusable", "message"),
    [
        ([record(passed=3, skipped=2)], 0, "fog 0.1.0: 3 passed"),
        ([record(passed=3, expected=1)], 0, "fog 0.1.0: 3 passed, 1 failed as declared"),
        ([record(passed=3, failed=1, fixed=1)], 0, "fog 0.1.0: 3 passed, 2 failed"),
        ([record(passed=3), record(passed=2)], 0, "2 plugins pass"),
        ([record(passed=3), record(passed=2, expected=1)], 0, "2 plugins pass, 1 failed as declared"),
        ([record(passed=3), record(failed=1)], 1, "2 of 3 plugins fail"),
        ([record("net", "", passed=1)], 0, "net: 1 passed"),
    ],
)  # fmt: skip
def test_a_badge_says_the_plugin_its_version_and_what_failed(
    records: list[dict[str, Any]], unusable: int, message: str
) -> None:
    """What fails as declared is said, too; the endpoint badge of shields.io takes these keys."""
    said = badge(records, unusable)
    assert (said["message"], said["label"]) == (message, "adversity kit 1")
    assert list(said) == ["schemaVersion", "label", "message", "color"]
    fails = " failed" in message.replace(" failed as declared", "") or " fail" in message[-6:]
    assert (said["color"] == "#005a9c") is not fails


def test_badges_are_written_in_both_forms(
    call: Callable[..., Any], many: str, tried: list[str], tmp_path: Path
) -> None:
    """The SVG is well-formed, says it in text, and loads nothing."""
    assert call("check", "gaussian_blur", "--badge", str(tmp_path / "a.json")).code == 0
    said = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert said["message"].startswith("gaussian_blur ")
    assert call("check", many, "--badge", str(tmp_path / "a.svg")).code == 1
    text = (tmp_path / "a.svg").read_text("utf-8")
    root = ET.fromstring(text)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["adversity kit 1", "1 of 9 plugins fail"]
    assert "href" not in text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--badge", "a.png"], "ends in .svg or .json, got a.png"),
        (["--badge", "a.svg", "--only", "alone"], "expected a run of the whole kit"),
        (["--badge", "no/folder/a.svg"], "expected a folder that is there, got no/folder"),
    ],
)
def test_a_badge_that_would_mislead_or_cannot_be_written_is_refused(
    call: Callable[..., Any],
    refused: Callable[..., str],
    tried: list[str],
    more: list[str],
    said: str,
) -> None:
    """Before anything is tried, which may take minutes."""
    refused(call("check", "gaussian_blur", *more), said)
    assert tried == []
