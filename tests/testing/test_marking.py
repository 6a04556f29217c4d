"""What a trust mark rests on: the plugin, what it was tried with, and the kind that it is of."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adversity.registry import Entry, discover, marks
from adversity.registry.marks import KIT_VERSION
from adversity.testing.kit import lock
from adversity.testing.kit.marking import mark_before, mark_of
from adversity.testing.kit.outcome import Conformance, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.registry.marks import Mark

THIRD_PARTY = Path(__file__).parents[1] / "thirdparty"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which the kinds of third parties can be imported."""
    for name in ("inspectors", "kernels"):
        source = THIRD_PARTY / f"acme-{name}" / "src" / f"acme_{name}"
        shutil.copytree(source, tmp_path / f"acme_{name}")
    monkeypatch.syspath_prepend(tmp_path)
    # What a process has found of imports holds for it; here each test has files of its own.
    monkeypatch.setattr(lock, "_IMPORTS", dict(lock._IMPORTS))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


def marked(entry: Entry) -> Mark:
    """Return the mark of a plugin that passed one trial."""
    passed = Outcome("alone", "Rows are alone.", {}, "passed", "they are", 0.1)
    return mark_of(mark_before(entry), Conformance(entry.kind, entry.name, KIT_VERSION, (passed,)))


def named(mark: Mark, package: str) -> set[str]:
    """Return the names of the files of a package that a mark rests on."""
    return {Path(file).name for file in mark.files if Path(file).parent.name == package}


@pytest.mark.parametrize(
    ("kind", "module", "plugin", "edited"),
    [
        ("inspector", "contrast", "Contrast", "inspector.py"),
        ("inspector", "contrast", "Contrast", "call.py"),
        ("inspector", "contrast", "Contrast", "kit.py"),
        ("kernel", "binomial", "Binomial", "kernel.py"),
        ("kernel", "binomial", "Binomial", "kit.py"),
    ],
)
def test_the_kind_of_a_distribution_counts(
    site: Path, kind: str, module: str, plugin: str, edited: str
) -> None:
    """A plugin was tried by its kind's contract, call and kit: an edit makes its mark stale."""
    package = f"acme_{kind}s"
    cls = getattr(importlib.import_module(f"{package}.{module}"), plugin)
    mark = marked(Entry(kind, cls.name, cls, package.replace("_", "-"), "1.0", cls.api))
    assert mark.standing("1.0") == "conforms"
    with (site / package / edited).open("a", encoding="utf-8") as file:
        file.write("EDITED = True\n")
    assert mark.standing("1.0") == "stale"


def test_the_core_stands_in_a_digest_of_its_own() -> None:
    """A built-in's mark lists its source and that of those it is tried with, none of the core."""
    mark = marked(discover().get("degradation", "gaussian_noise"))
    assert named(mark, "noise") >= {"gaussian_noise.py"}
    assert all("/core/adversity/" not in Path(file).as_posix() for file in mark.files)


def test_what_the_kit_asks_of_the_core_is_in_that_digest() -> None:
    """Engine, contracts and kit, as the imports of some plugins reach them."""
    found = set()
    for name in ("metric/accuracy", "restoration/ffdnet", "attack/fgsm"):
        cls = discover().get(*name.split("/")).cls
        assert cls is not None
        found |= {module for module in lock.sources_of(cls) if module.startswith("adversity.")}
    rooms = {module.split(".")[1] for module in found}
    tried = {part.partition("/")[0].removesuffix(".py") for part in marks._TRIED_BY}
    aside = {"hookspecs", "notifier", "report", "source_text", "user_cache", "_version"}
    assert rooms - tried <= aside
