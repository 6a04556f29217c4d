"""Editing a pipeline file in place: values change, comments and layout stay."""

from __future__ import annotations

import codecs
import io
import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from adversity.data.atomic import atomic_write
from adversity.errors import PipelineError
from adversity.pipeline.read.overrides import apply_override, find_place, split_override
from adversity.pipeline.read.reader import parse, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adversity.pipeline.read.findings import KeyPath

__all__ = ["edited", "replace_content", "set_value"]

_NEVER_WRAP = 1 << 20


def set_value(path: Path, key: str, value: str) -> None:
    """Set one value in a pipeline file, as an override of the same text would.

    A value that stands in the file is replaced where it stands; nothing else changes. A
    key that is new is added by a round trip that keeps comments.

    Args:
        path: The file.
        key: For example `steps.attacked.with.eps`.
        value: YAML, for example `2/255` or `[1, 3]`.

    Raises:
        PipelineError: If the key leads nowhere or the value is not YAML.
        StorageError: If the file cannot be written.
    """
    replace_content(path, edited(path, [f"{key}={value}"]))


def edited(path: Path, overrides: Sequence[str]) -> bytes:
    """Return the content of a pipeline file with values set one after the other; write nothing.

    Args:
        path: The file.
        overrides: Each `KEY=VALUE`, as `set_value` takes them.

    Raises:
        PipelineError: If a key leads nowhere, a value is not YAML or cannot be written there.
    """
    text = read_text(path, path.name)
    for override in overrides:
        text = _with_value(text, override, path.name)
    return _as_it_was(text, path.read_bytes())


def replace_content(path: Path, content: bytes) -> None:
    """Replace a file's content as a whole; its permissions stay.

    Raises:
        StorageError: If it cannot be written; then the file is as it was.
    """
    mode = path.stat().st_mode

    def fill(partial: Path) -> None:
        partial.write_bytes(content)
        partial.chmod(mode)

    atomic_write(path, fill)


def _with_value(text: str, override: str, name: str) -> str:
    document = parse(text, name)
    keys, clean = split_override(override)
    place = find_place(document.tree, keys, f"--set {override}")
    span = document.spans.get(place)
    apply_override(document, override)
    for value in _written(clean):
        for candidate in (_spliced(text, span, value), _round_trip(text, place, value)):
            if candidate is not None and _reads_as(candidate, document.tree, name):
                return candidate
    raise PipelineError(f"--set {override}: cannot be written into {name}; edit it by hand")


def _written(value: str) -> Iterator[str]:
    """Yield a value as it was typed and, if it is text, in quotes, as brackets want some texts."""
    yield value
    tree = parse(value, "the value").tree
    if isinstance(tree, str):
        yield json.dumps(tree, ensure_ascii=False)


def _spliced(text: str, span: tuple[int, int] | None, value: str) -> str | None:
    """Put the value's text in the place of the old one."""
    return None if span is None else f"{text[: span[0]]}{value}{text[span[1] :]}"


def _round_trip(text: str, place: KeyPath, value: str) -> str | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _NEVER_WRAP
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    try:
        tree: Any = yaml.load(text)
        parent = tree
        for part in place[:-1]:
            if isinstance(parent, dict) and parent.get(part) is None:
                parent[part] = {}
            parent = parent[part]
        parent[place[-1]] = yaml.load(value)
        yaml.dump(tree, stream)
    except YAMLError:
        return None
    return stream.getvalue()


def _reads_as(text: str, tree: Any, name: str) -> bool:
    """Prove that the new text means what was to be set."""
    try:
        return bool(parse(text, name).tree == tree)
    except PipelineError:
        return False


def _as_it_was(text: str, before: bytes) -> bytes:
    """Return the text's bytes with the byte order mark and the line ends that the file had."""
    ends = re.findall(rb"\r?\n", before)
    lines = text.encode().split(b"\n")
    if len(ends) != len(lines) - 1:  # lines came or went: all get the end that most had
        ends = [max(set(ends), key=ends.count, default=b"\n")] * (len(lines) - 1)
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    return mark + b"".join(chain(*zip(lines, [*ends, b""], strict=True)))
