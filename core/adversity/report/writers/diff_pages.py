"""Two runs compared, as JSON and as markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.report.sections.since_last import diff_blocks
from adversity.report.values.blocks import Table, Text
from adversity.report.words.diff_words import first_sentence
from adversity.report.writers.markdown import markdown_of
from adversity.report.writers.record import json_values

if TYPE_CHECKING:
    from adversity.report.values.blocks import Block
    from adversity.report.values.run_diff import RunDiff

__all__ = ["DIFF_SCHEMA", "diff_json", "diff_markdown"]

DIFF_SCHEMA = "adversity-diff/1"
"""Changes when a reader of the JSON would have to change."""
_MOST = 100
"""So many rows of a table stand in a pull request, whose text is limited."""
_LONG = 10
"""A table of more rows is folded in a pull request."""
_TITLES = {
    "diff-measures": "Measures",
    "diff-flips": "Flipped images",
    "diff-labels": "Labels",
    "diff-changes": "What is not the same",
}


def diff_json(diff: RunDiff) -> dict[str, Any]:
    """Return a comparison as JSON values, the sentence first.

    Raises:
        PluginError: If a number is NaN.
    """
    body: dict[str, Any] = json_values(diff)
    for record, one in zip(body["measures"], diff.measures, strict=True):
        record["beyond_noise"] = one.beyond_noise
    return {
        "schema": DIFF_SCHEMA,
        "sentence": first_sentence(diff),
        "tests": diff.tests,
        **body,
    }


def diff_markdown(diff: RunDiff) -> str:
    """Return a comparison as markdown: the sentence, then tables, long ones folded."""
    first, *rest = diff_blocks(diff, most=_MOST)
    title = f"### {diff.after.pipeline or 'Two runs'}: what changed"
    parts = [title, *markdown_of([_bold(first)])]
    parts += [part for block in rest for part in _part(block)]
    return "\n\n".join(parts) + "\n"


def _bold(block: Block) -> Block:
    return Text("", lead=block.text) if isinstance(block, Text) else block


def _part(block: Block) -> list[str]:
    if not isinstance(block, Table):
        return [*markdown_of([block])]
    title = f"{_TITLES.get(block.id, block.id)} ({len(block.rows):,})"
    body = [*markdown_of([block])]
    if len(block.rows) <= _LONG:
        return [f"**{title}**", *body]
    return [f"<details><summary>{title}</summary>", *body, "</details>"]
