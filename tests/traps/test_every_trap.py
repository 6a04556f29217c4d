"""Every trap has tests that exist, and the page tells of each."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from table_of_traps import OF_ATTACKS, OF_FIGURES, TRAPS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/traps.md"


def _functions(file: str) -> set[str]:
    """Return the names of a file's own functions."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_all_are_there() -> None:
    """Numbered without a gap, each with a sentence on both sides and at least one test."""
    assert list(TRAPS) == list(range(1, 36))
    assert not OF_ATTACKS.keys() & OF_FIGURES.keys()
    assert all(trap.what and trap.against and trap.tests for trap in TRAPS.values())


@pytest.mark.parametrize("number", TRAPS)
def test_the_tests_of_a_trap_exist(number: int) -> None:
    """Each named file has the named function."""
    for node in TRAPS[number].tests:
        file, _, name = node.partition("::")
        assert name.partition("[")[0] in _functions(file), node


@pytest.mark.slow
def test_pytest_collects_every_one() -> None:
    """Names with parameters too: a twin that is renamed or dropped is missed."""
    nodes = sorted({node for trap in TRAPS.values() for node in trap.tests})
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *nodes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


def rows() -> str:
    """Return the table of the page."""
    lines = ["| | what makes a defence look better than it is | what is done here | tests |"]
    lines.append("|---|---|---|---|")
    for number, trap in TRAPS.items():
        files = dict.fromkeys(node.partition("::")[0] for node in trap.tests)
        links = ", ".join(f"[{Path(file).stem[5:]}](../{file})" for file in files)
        lines.append(f"| {number} | {trap.what} | {trap.against} | {links} |")
    return "\n".join(lines)


def test_the_page_tells_of_each() -> None:
    """The table is this one; where it differs, put it in its place."""
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("<!-- traps -->") + 15 : text.index("<!-- end of traps -->")].strip()
    assert table == rows(), f"\n{rows()}\n"
