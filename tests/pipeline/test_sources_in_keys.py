"""What of the core's source stands in a step's key: all that computes, and nothing that tells."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import adversity
from adversity import provenance
from adversity.pipeline.make_plan import ENGINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adversity.pipeline.plan.model import Plan

ROOT = Path(str(adversity.__file__)).parent

TELLS = {
    "_version": "is hashed as a value",
    "distributions": "names and versions, which are hashed as values",
    "did_you_mean": "messages",
    "errors": "messages",
    "pipeline.gates.earlier": "judges a run that is over",
    "pipeline.gates.gate_faults": "refuses a gate before the run, judges none",
    "pipeline.plan.apart": "refuses a run, changes none",
    "pipeline.plan.data_versions": "which version of data is read; its content is hashed",
    "pipeline.plan.engine_measures": "what a measure means, and names that no metric may take",
    "pipeline.plan.measures": "what is known of measures; what a fold gets is hashed",
    "pipeline.plan.model": "the plan as values, which are hashed",
    "pipeline.read.findings": "messages",
    "pipeline.read.project_paths": "where files lie; their content is hashed",
    "pipeline.read.reader": "how a number is written that is refused",
    "provenance": "computes the keys themselves",
    "registry.entry": "from names to classes, which are hashed",
    "registry.project_modules": "imports files of a project, which are hashed; messages",
    "report.doubts.void_figures": "what is void once a run is over; no attack stops by it",
    "report.values.model": "what is said of data sets that share images",
    "report.values.paired": "the name of a cell",
    "report.values.splits": "what is said of what fitted a figure",
    "user_cache": "where files of packages lie; their SHA-256 is checked",
}
"""What the hashed sources import and no number depends on, each with the reason."""


def hashed() -> Iterator[Path]:
    """Yield the files that count."""
    for part in ENGINE:
        yield from [ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of the core that run when a file runs, not those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("adversity."):
            for alias in node.names:
                name = f"{node.module}.{alias.name}".removeprefix("adversity.").replace(".", "/")
                inner = (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file()
                yield (name if inner else name.rpartition("/")[0]).replace("/", ".")
        yield from imported(node)


def test_all_that_computes_is_hashed() -> None:
    """No file that counts rests on one that does not, but for those that only tell."""
    parts = tuple(part.removesuffix(".py").replace("/", ".") for part in ENGINE)
    outside = {
        name
        for file in hashed()
        for name in imported(ast.parse(file.read_bytes()))
        if not any(name == part or name.startswith(f"{part}.") for part in parts)
    }
    assert outside == TELLS.keys()


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the core's source, which the fingerprint is taken of."""
    shutil.copytree(ROOT, tmp_path / "adversity", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "adversity" / "provenance.py"))
    return tmp_path / "adversity"


CODE = "\nfrom __future__"
"""Before the first import of every file."""


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("engine/chain/target.py", CODE, f"\nDEPTH = 2{CODE}", True),
        ("engine/__init__.py", "AUTO,STRICT", "AUTO", True),
        ("engine/chain/target.py", '"""', '"""In other words: ', False),
        ("engine/chain/target.py", CODE, f"\n# Why not?\n{CODE}", False),
        ("report/sections/attacks.py", CODE, f"\nDEPTH = 2{CODE}", False),
        ("engine/summary/summarise.py", CODE, f"\nDEPTH = 2{CODE}", False),
        ("engine/public/run.py", CODE, f"\nDEPTH = 2{CODE}", False),
        ("metrics/calibration.py", CODE, f"\nDEPTH = 2{CODE}", True),
        ("pipeline/plan/chain.py", "self.ids.index(id_)", "0", True),
        ("pipeline/plan/paths.py", "source[0]", "source[-1]", True),
        ("pipeline/plan/routes.py", "column[0]", "column[-1]", True),
        ("pipeline/plan/recorded.py", "if VALIDATE in sources or not", "if not", True),
        ("contracts/fit_data.py", CODE, f"\nDEPTH = 2{CODE}", True),
        ("pipeline/plan/engine_measures.py", CODE, f"\nDEPTH = 2{CODE}", False),
    ],
)
def test_an_edit_counts_where_it_computes(
    core: Path, file: str, old: str, new: str, counts: bool
) -> None:
    """A docstring, a comment and the report make nothing stale; code that computes does."""
    before = provenance.core_fingerprint(*ENGINE)
    source = (core / file).read_text(encoding="utf-8")
    assert old in source
    (core / file).write_text(source.replace(old, new, 1), encoding="utf-8")
    assert (provenance.core_fingerprint(*ENGINE) != before) is counts


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("pipeline/plan/engine_measures.py", 'better="lower"', 'better="higher"', True),
        ("pipeline/plan/engine_measures.py", "were never moved", "stood still", True),
        ("pipeline/plan/measures.py", "measures | dict(OF_DATA)", "measures", True),
        ("report/sections/attacks.py", CODE, f"\nDEPTH = 2{CODE}", True),
        ("pipeline/plan/engine_measures.py", '"""', '"""In other words: ', False),
    ],
)
def test_an_edit_makes_the_report_stale_where_it_shows(
    core: Path, plan: Callable[[], Plan], file: str, old: str, new: str, counts: bool
) -> None:
    """What the engine's measures are called and which way is better stands in every report."""
    before = plan().resolved["core"]["report"]
    source = (core / file).read_text(encoding="utf-8")
    assert old in source
    (core / file).write_text(source.replace(old, new, 1), encoding="utf-8")
    assert (plan().resolved["core"]["report"] != before) is counts
