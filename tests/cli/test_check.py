"""`adversity check`: what is tried is shown, what a whole run found is kept as a trust mark."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from adversity.registry import discover, marks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMOKE = """\
name: smoke
conformance: required
data:
  test: {uses: dataset/folder, with: {path: data}}
steps:
  soft: {uses: degradation/gaussian_blur, from: test, with: {severity: 2}}
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def blur(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of a built-in plugin, to break and to fix."""
    return discover().get("degradation", "gaussian_blur").cls


def _mixed(self: Any, images: Any, rng: Any) -> Any:
    """Give every image half of the first one of its block."""
    return (images + images[:1]) / 2


def test_sound_plugin_is_marked(call: Callable[..., Any]) -> None:
    """Every check has a line, the exit code is 0, and the catalogue shows the mark."""
    before = call("plugins", "gaussian_blur")
    assert "not checked here: adversity check gaussian_blur" in before.out
    answer = call("check", "gaussian_blur")
    assert answer.code == 0, answer.out
    assert "✓ alone" in answer.out
    assert "degradation/gaussian_blur keeps its promises" in answer.out
    after = call("plugins", "gaussian_blur")
    assert "keeps its promises (20" in after.out
    assert "kit 1" in after.out
    row = next(line for line in call("plugins").out.splitlines() if "gaussian_blur" in line)
    assert row.lstrip().startswith("✓")
    (listed,) = [
        plugin
        for plugin in json.loads(call("plugins", "--json").out)["plugins"]
        if plugin["name"] == "gaussian_blur"
    ]
    assert listed["conformance"]["standing"] == "conforms"
    assert listed["conformance"]["failed"] == {}


def test_broken_promise_is_named(
    call: Callable[..., Any], blur: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that mixes the rows of a batch fails with a figure and exit code 1."""
    monkeypatch.setattr(blur, "block_rows", 4)
    monkeypatch.setattr(blur, "degrade", _mixed)
    answer = call("check", "gaussian_blur")
    assert answer.code == 1
    assert "✗ order" in answer.out
    assert "they differ by" in answer.out
    assert "breaks a promise" in answer.out
    document = json.loads(call("check", "gaussian_blur", "--json").out)["plugins"][0]
    assert not document["passed"]
    assert {o["check"] for o in document["outcomes"] if o["status"] == "failed"} >= {"order"}
    page = call("plugins", "gaussian_blur").out
    assert "breaks" in page
    assert "✗ order" in page


def test_what_must_fail_is_said_of_a_plugin_that_was_never_checked(
    call: Callable[..., Any], blur: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A declared failure is the author's word; it needs no mark to be seen."""
    declared = {"alone": "rows of a batch are mixed on purpose"}
    monkeypatch.setattr(blur, "expected_failures", declared)
    page = call("plugins", "gaussian_blur").out
    assert "not checked here" in page
    assert "≈ alone fails as declared: rows of a batch are mixed on purpose" in page
    (document,) = json.loads(call("plugins", "gaussian_blur", "--json").out)["plugins"]
    assert (document["conformance"], document["expected_failures"]) == (None, declared)


def test_marks_are_read_once_for_a_list(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many plugins there are; the list in words needs no plugin's page."""
    read, asked = marks.read_marks, []
    monkeypatch.setattr(marks, "read_marks", lambda: asked.append("marks") or read())
    monkeypatch.delitem(sys.modules, "adversity_flows.cli.plugins.page", raising=False)
    assert call("plugins").code == 0
    assert "adversity_flows.cli.plugins.page" not in sys.modules
    assert call("plugins", "pgd").code == 0
    assert asked == ["marks", "marks"]


def test_part_of_the_kit_makes_no_mark(call: Callable[..., Any]) -> None:
    """`--only` and `--set` try something, and say nothing of the whole."""
    answer = call("check", "gaussian_blur", "--only", "alone", "--set", "sigma_px=2")
    assert answer.code == 0
    assert "sigma_px=2" in answer.out
    assert "1 passed" in answer.out
    assert "not checked here" in call("plugins", "gaussian_blur").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gaussan_blur"], "did you mean gaussian_blur?"),
        ([], "expected the name of a plugin, --kind or --all"),
        (["--kind", "degradtion"], "did you mean degradation?"),
        (["gaussian_blur", "--only", "alon"], "there is no check 'alon'; did you mean alone?"),
        (["gaussian_blur", "--set", "sigma_px"], "expected PARAMETER=VALUE, got 'sigma_px'"),
        (["gaussian_blur", "--set", "sigma_px=-1"], "greater than 0"),
        (["--kind", "degradation", "--set", "severity=1"], "expected one plugin"),
    ],
)
def test_wrong_call_gets_one_message(
    call: Callable[..., Any], refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    """What was expected, what came, and what to do; exit code 2."""
    refused(call("check", *arguments), said)


def test_a_mark_that_cannot_be_kept_is_said(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check holds all the same; that the mark is missing must not be a surprise later."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adversity.registry.marks.write_whole", full)
    answer = call("check", "entropy")
    assert answer.code == 0
    assert "the trust mark could not be kept" in answer.out
    assert "No space left on device" in answer.out


def test_plugins_that_cannot_be_used_are_not_passed_over(
    call: Callable[..., Any], refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything blocked there is nothing to check, and that is an error."""
    monkeypatch.setenv("ADVERSITY_BLOCK", "adversity")
    discover(refresh=True)
    try:
        refused(call("check", "--all"), "expected an installed plugin, got none")
    finally:
        monkeypatch.delenv("ADVERSITY_BLOCK")
        discover(refresh=True)


def test_a_pipeline_can_demand_conformance(
    call: Callable[..., Any], project: Path, blur: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unchecked, changed and broken plugins are refused by line, with the command to run."""
    file = project / "pipelines" / "tiny.yaml"
    file.write_text(SMOKE, encoding="utf-8")
    command = "adversity check degradation/adversity:gaussian_blur"
    answer = call("validate", str(file))
    assert answer.code == 2
    said = answer.out + answer.err
    assert "was not checked in this environment" in said
    assert command in said
    assert "tiny.yaml:6" in said
    assert call("check", "gaussian_blur").code == 0
    said = call("validate", str(file))
    assert "gaussian_blur" not in said.out + said.err
    monkeypatch.setattr(blur, "block_rows", 4)
    monkeypatch.setattr(blur, "degrade", _mixed)
    assert call("check", "gaussian_blur").code == 1
    said = call("validate", str(file))
    assert "breaks alone" in said.out + said.err or "breaks order" in said.out + said.err
