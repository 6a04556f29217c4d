"""The page on the arrangement of the code lists the folders that are there."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
SOURCES = ("core/adversity", "plugins/adversity_plugins", "flows/adversity_flows")


def table() -> str:
    """Return the table of all packages, from their first lines."""
    lines = ["| folder | what happens there |", "|---|---|"]
    for source in SOURCES:
        for file in sorted((ROOT / source).rglob("__init__.py"), key=lambda file: file.parts):
            if "templates" in file.parts:
                continue
            said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            folder = file.parent.relative_to(ROOT).as_posix()
            lines.append(f"| `{folder}` | {said.partition(chr(10))[0]} |")
    return "\n".join(lines)


def test_the_page_lists_every_folder() -> None:
    """The table is that of the tree; where it differs, put this one in its place."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- rooms -->\n")
    listed = rest.partition("<!-- end of rooms -->")[0].strip()
    assert listed == table(), f"\n{table()}\n"
