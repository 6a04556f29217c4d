"""The tables of plugins, keys and commands say what is installed, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from adversity.contracts import KINDS
from adversity.pipeline.read import spec
from adversity.registry import discover
from adversity_flows.cli.entry import COMMANDS, cli

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
KEYS = ROOT / "docs/pipeline-file.md"
COMMAND_LINE = ROOT / "docs/command-line.md"
PARTS = [name for name in spec.__all__ if name.endswith("Spec")]
EVERYWHERE = {"--debug", "--color", "--help"}


def between(page: Path, start: str, end: str = "\n<!--|\n#") -> str:
    """Return the text of a page from a comment to the next comment or heading."""
    _, found, rest = page.read_text(encoding="utf-8").partition(f"<!-- {start} -->\n")
    assert found, f"{page.name} has no comment <!-- {start} -->"
    return re.split(end, rest, maxsplit=1)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the first Markdown table, without its head."""
    table = text[text.index("|") :].split("\n\n", 1)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def catalogue() -> str:
    """Return the table of built-in plugins."""
    lines = ["| kind | plugin | what it does |", "|---|---|---|"]
    lines += [
        f"| {entry.kind} | `{entry.name}` | {entry.cls.summary()} |"
        for entry in discover().entries()
        if entry.distribution == "adversity" and entry.cls is not None
    ]
    return "\n".join(lines)


def test_the_readme_lists_every_built_in_plugin() -> None:
    """The table is the registry's; where it differs, put this one in its place."""
    table = catalogue()
    assert between(README, "catalogue", "<!-- end of catalogue").strip() == table, f"\n{table}\n"


@pytest.mark.parametrize("part", PARTS)
def test_the_pipeline_file_page_has_every_key(part: str) -> None:
    """Each part of the file has a table with its keys in their order."""
    documented = [row[0].strip("`") for row in rows(between(KEYS, f"keys: {part}"))]
    fields = getattr(spec, part).model_fields
    assert documented == [field.alias or name for name, field in fields.items()]


@pytest.mark.parametrize("part", PARTS)
def test_the_pipeline_file_page_has_the_right_defaults(part: str) -> None:
    """A plain default is shown as it is; a required key says so; a refused one says that."""
    for key, _, default, meaning in rows(between(KEYS, f"keys: {part}")):
        fields = getattr(spec, part).model_fields
        found = next(f for n, f in fields.items() if (f.alias or n) == key.strip("`"))
        if found.is_required():
            assert default == "required", key
        elif found.annotation is type(None):
            assert "not available" in meaning, key
        elif isinstance(found.default, int | str):
            # As YAML writes it: `false`.
            written = str(found.default).lower() if found.annotation is bool else str(found.default)
            assert default.strip("`") == written, key


def leaves() -> dict[str, click.Command]:
    """Return every command that is shown, by its words."""
    found: dict[str, click.Command] = {}
    context = click.Context(cli)
    for name, known in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {sub}": leaf for sub, leaf in command.commands.items()}
        elif not known.hidden:
            found[name] = command
    return found


def options(command: click.Command) -> set[str]:
    """Return the long options of a command, without those that every command has."""
    given: set[Any] = set()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            given |= {name for name in parameter.opts if name.startswith("--")}
    return given - EVERYWHERE


def test_the_command_line_page_has_every_command_and_option() -> None:
    """Each command stands in the table with all its options and no others."""
    documented = {}
    for name, _, shown in rows(between(COMMAND_LINE, "commands")):
        words = [word for word in name.strip("`").split() if word.islower()]
        documented[" ".join(words)] = set(re.findall(r"--[a-z-]+", shown))
    assert documented == {name: options(command) for name, command in leaves().items()}


def test_help_keeps_its_examples_in_lines() -> None:
    r"""Click's mark for "do not wrap" must be a real \b, not a backslash and a letter."""
    for name, command in leaves().items():
        text = command.get_help(click.Context(command, info_name=name))
        assert "\\b" not in text, name
        if "Example" in text:
            assert re.search(r"^  Examples?:$", text, re.MULTILINE), name


def test_the_pipeline_file_page_says_where_each_kind_may_stand() -> None:
    """Each kind that is a step stands in the table, with what it may stand behind."""
    table = rows(between(KEYS, "what may stand where"))
    behind = {kind: row[1] for row in table for kind in row[0].split(", ")}
    steps = {name: cls.describes for name, cls in KINDS.items() if cls.describes.is_step}
    assert set(behind) == set(steps)
    words = {"data": "data set", "images": "images", "predictions": "predictions"}
    for name, kind in steps.items():
        for product, word in words.items():
            assert (word in behind[name].partition(",")[0]) == (product in kind.takes), name
