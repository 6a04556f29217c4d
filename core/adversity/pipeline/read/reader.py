"""Reading YAML safely, with the line of every key; knows nothing of pipelines.

Scalars follow YAML 1.2 (`no` is text, `1e-3` a number), as DVC reads the same file.
Anchors, aliases, tags, duplicate keys, deep nesting and large files are refused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import PipelineError
from adversity.pipeline.read.findings import Findings, KeyPath, dotted
from adversity.project import conflict_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "BRACES",
    "LEADING_ZERO",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_PARTS",
    "Document",
    "parse",
    "read_text",
]

MAX_BYTES = 1 << 20
MAX_DEPTH = 24
MAX_PARTS = 20_000
"""Keys, values and brackets of one file: each costs time, a file of 1 MiB may hold 500 000."""

BRACES = "${...} is refused: it breaks `dvc exp run -S`; write a matrix variable as $name"

REUSE = (
    "define a plugin once as a step (net: {uses: ...}) and write uses: net, or list the values "
    "under matrix: and write $name; a text that begins with & or * stands in quotes"
)
"""What replaces anchors, aliases and merge keys."""

LEADING_ZERO = re.compile(r"([-+]?)0+(0|[1-9][0-9]*)")
"""A whole number that is 8 or 10 in YAML 1.1 or 1.2 (`010`); it is refused wherever one stands."""


_STANDARD = "tag:yaml.org,2002:"
_MAP, _SEQ = f"{_STANDARD}map", f"{_STANDARD}seq"


class _Loader(yaml.SafeLoader):
    """A loader that only composes nodes; scalars are read below."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(
        f"{_STANDARD}{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


@dataclass(slots=True)
class Document:
    """A YAML document.

    Attributes:
        tree: Plain dicts, lists and scalars.
        lines: The line of every key path, from 1.
        written: Scalars as they stand in the file.
        spans: First and last character of every value.
    """

    tree: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    written: dict[KeyPath, str] = field(default_factory=dict)
    spans: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)


def read_text(path: Path, name: str) -> str:
    """Read a file that is not too large and is UTF-8.

    Raises:
        PipelineError: If it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PipelineError(f"{name}: cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise PipelineError(f"{name}: expected at most 1 MiB, got more; is it a pipeline file?")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PipelineError(
            f"{name}:{line}: expected UTF-8 text, got the byte 0x{raw[error.start]:02x}; save the "
            "file as UTF-8"
        ) from error


def parse(text: str, name: str) -> Document:
    """Read YAML text.

    Args:
        text: One YAML document.
        name: The file's name for messages.

    Raises:
        PipelineError: With every finding, if the text is not plain, safe YAML.
    """
    try:
        _refuse_unsafe(text, name)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise PipelineError(_syntax(error, text, name)) from error
    except yaml.YAMLError as error:
        what = "a character that YAML does not allow"
        raise PipelineError(f"{name}: {what}: {str(error).splitlines()[0]}") from error
    document = Document()
    findings = Findings(name, document.lines)
    if node is not None:
        document.tree = _Builder(document, findings).build(node, ())
    findings.raise_any()
    return document


def _refuse_unsafe(text: str, name: str) -> None:
    """Walk the events, which needs no recursion, before anything is built from them."""
    depth, brackets, documents = 0, 0, 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            brackets += bool(brackets or event.flow_style)  # brackets hold nothing but brackets
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            brackets -= bool(brackets)
        fault = _too_much(documents, depth, count) or _refused(event, in_brackets=brackets > 0)
        if fault:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise PipelineError(f"{name}:{line}: {fault}")


def _too_much(documents: int, depth: int, count: int) -> str | None:
    """Say what the file has too much of."""
    if documents > 1:
        return "expected one YAML document, got a second one (---)"
    if depth > MAX_DEPTH:
        return f"expected at most {MAX_DEPTH} levels of nesting, got more"
    if count > MAX_PARTS:
        return f"expected at most {MAX_PARTS:,} keys and values in one file, got more"
    return None


def _refused(event: yaml.Event, *, in_brackets: bool) -> str | None:
    """Say what YAML allows and a pipeline file does not.

    A colon within a plain text in brackets, `{uses: ./my_model.py:MyNet}` or `{at: 1:30}`, is
    where DVC's reader stops.
    """
    if getattr(event, "anchor", None) is not None:
        return f"anchors, aliases and merge keys (&, *, <<) are refused; {REUSE}"
    if getattr(event, "tag", None) is not None:
        return "tags (!) are refused; write the plain value"
    if in_brackets and isinstance(event, yaml.ScalarEvent):
        text: str = event.value
        if event.style is None and ":" in text:
            return (
                f"expected {text} in quotes, since DVC reads no colon within brackets otherwise, "
                f'got it without; write "{text}"'
            )
    return None


def _syntax(error: yaml.MarkedYAMLError, text: str, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    conflict = conflict_line(text)
    if conflict is not None:
        return f"{name}:{conflict}: expected YAML, got a merge conflict; keep one side of it"
    here = "".join(text.split("\n")[line - 1 : line])
    if "${" in here:
        return f"{name}:{line}: {BRACES}"
    if "\t" in here:
        return f"{name}:{line}: a tab where YAML needs spaces; indent with two spaces"
    what = " ".join(str(part) for part in (error.context, error.problem) if part)
    hint = f"; {REUSE}" if "scanning an a" in what else ""  # an alias, an anchor: `path: *.png`
    return f"{name}:{line}: this is not YAML: {what}{hint}"


class _Builder:
    """Builds plain values from nodes and notes where each stands."""

    def __init__(self, document: Document, findings: Findings) -> None:
        self._document = document
        self._findings = findings

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        self._document.spans[path] = (node.start_mark.index, node.end_mark.index)
        if isinstance(node, yaml.MappingNode):
            return {key: self.build(value, (*path, key)) for key, value in self._keys(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self.build(value, (*path, i)) for i, value in enumerate(node.value)]
        return self._scalar(node, path)

    def _keys(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._document.lines.setdefault((*path, "?"), line)
                self._findings.add((*path, "?"), "expected a name as key, got a list or mapping")
                continue
            if key.value == "<<":
                self._document.lines[(*path, "<<")] = line
                self._findings.add((*path, "<<"), f"merge keys (<<) are refused; {REUSE}")
                continue
            if key.value in seen:
                first = seen[key.value]
                self._document.lines[(*path, key.value)] = line
                name = dotted((*path, key.value))
                message = f"{name} is given twice, first in line {first}; keep one"
                self._findings.add((*path, key.value), message)
                continue
            seen[key.value] = line
            self._document.lines[(*path, key.value)] = line
            self._refuse_control(key.value, (*path, key.value))
            yield key.value, value

    def _refuse_control(self, text: str, path: KeyPath) -> None:
        """Refuse what YAML allows as an escape only, and what no name or value needs."""
        wrong = next((c for c in text if unicodedata.category(c) == "Cc" and c not in "\n\t"), "")
        if wrong:
            self._findings.add(
                path, f"{dotted(path)}: expected plain text, got U+{ord(wrong):04X} in it; drop it"
            )

    def _refuse_leading_zero(self, text: str, path: KeyPath) -> None:
        match = LEADING_ZERO.fullmatch(text)
        if match:
            plain = "".join(match.groups())
            self._findings.add(
                path,
                f"{dotted(path) or 'the value'}: expected a number without a leading zero, which "
                f"some programs read as octal, got {text[:20]}; write {plain[:20]}, or quote it if "
                "it is text",
            )

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        text: str = node.value
        self._document.written[path] = text
        self._refuse_control(text, path)
        kind = node.tag.removeprefix(_STANDARD)
        try:
            match kind:
                case "bool":
                    return text.lower() == "true"
                case "int":
                    self._refuse_leading_zero(text, path)
                    return int(text)
                case "float":
                    return float(text)
                case "null":
                    return None
        except ValueError:
            self._findings.add(path, f"the number {text[:20]}... is too long to read")
        return text
