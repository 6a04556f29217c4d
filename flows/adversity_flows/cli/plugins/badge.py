"""A badge of what the conformance kit found, to show in a README: SVG, or JSON of shields.io."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["badge", "refuse_badge", "write_badge"]

_GOOD, _BAD = "#005a9c", "#a6290a"
"""White text has a contrast of 6.9 or more on each, and on the grey of the label."""
_PER_LETTER, _EDGE = 6.6, 7
"""Pixels; `textLength` fits the text to what was reckoned, whatever the font is."""


def refuse_badge(file: Path, *, whole: bool) -> None:
    """Refuse a badge that could not be written, or would say more than was tried.

    Args:
        file: Where it is to stand.
        whole: Whether the whole kit is run.

    Raises:
        InputError: Before the kit runs.
    """
    from adversity.errors import InputError

    if file.suffix not in (".svg", ".json"):
        raise InputError(
            f"--badge: expected a file that ends in .svg or .json, got {file}; an SVG is an image "
            "that stands by itself, JSON is for the endpoint badge of shields.io"
        )
    if not file.parent.is_dir():
        raise InputError(
            f"--badge: expected a folder that is there, got {file.parent}; make it first"
        )
    if not whole:
        raise InputError(
            "--badge: expected a run of the whole kit, got one with --only or --set; leave these "
            "out, a badge speaks for all of it"
        )


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {message}">
<title>{label}: {message}</title>
<rect width="{width}" height="20" rx="3" fill="#3b434c"/>
<path d="M{left} 0h{straight}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{straight}z" fill="{color}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="7" y="14" textLength="{label_width}">{label}</text>
<text x="{message_at}" y="14" textLength="{message_width}">{message}</text>
</g>
</svg>"""


def badge(records: Sequence[Mapping[str, Any]], unusable: int) -> dict[str, Any]:
    """Return what a badge says, as the endpoint badge of shields.io reads it.

    Args:
        records: What was found of each plugin, as `adversity check --json` writes it.
        unusable: How many further plugins could not be tried.

    Reference:
        https://shields.io/badges/endpoint-badge; it takes no further keys.
    """
    broken = [record for record in records if not record["passed"]]
    if len(records) == 1 and not unusable:
        message = f"{_called(records[0])}: {_counts(records[0])}"
    else:
        count = len(records) + unusable
        failed = len(broken) + unusable
        declared = sum(_count(record, "expected") for record in records)
        message = f"{failed} of {count} plugins fail" if failed else f"{count} plugins pass"
        message += _declared(declared)
    kits = sorted({record["kit"] for record in records})
    return {
        "schemaVersion": 1,
        "label": f"adversity kit {', '.join(map(str, kits))}".strip(),
        "message": message,
        "color": _BAD if broken or unusable else _GOOD,
    }


def write_badge(file: Path, said: Mapping[str, Any]) -> None:
    """Write a badge; the ending of the file says in which form.

    Raises:
        StorageError: If it cannot be written.
    """
    from adversity.errors import StorageError

    text = _svg(said) if file.suffix == ".svg" else json.dumps(said, ensure_ascii=False)
    try:
        file.write_text(text + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(
            f"--badge: cannot write {file}: {error.strerror or error}; name another file"
        ) from error


def _called(record: Mapping[str, Any]) -> str:
    return f"{record['name']} {record['version']}".strip()


def _counts(record: Mapping[str, Any]) -> str:
    failed = _count(record, "failed") + _count(record, "fixed")
    parts = f"{_count(record, 'passed')} passed" + (f", {failed} failed" if failed else "")
    return parts + _declared(_count(record, "expected"))


def _count(record: Mapping[str, Any], status: str) -> int:
    return sum(outcome["status"] == status for outcome in record["outcomes"])


def _declared(count: int) -> str:
    return f", {count} failed as declared" if count else ""


def _svg(said: Mapping[str, Any]) -> str:
    """Draw label and message beside each other; nothing is loaded from elsewhere."""
    label, message = str(said["label"]), str(said["message"])
    left, right = (round(len(text) * _PER_LETTER) + 2 * _EDGE for text in (label, message))
    return _SVG.format(
        label=escape(label),
        message=escape(message),
        color=said["color"],
        left=left,
        width=left + right,
        straight=right - 3,
        message_at=left + _EDGE,
        label_width=left - 2 * _EDGE,
        message_width=right - 2 * _EDGE,
    )
