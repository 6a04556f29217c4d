"""Loading a pipeline file: every problem at once, each with its line.

What needs the plugins (parameters, kinds, references) is checked by the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adversity.errors import PipelineError
from adversity.pipeline.read.findings import (
    Findings,
    KeyPath,
    dotted,
    listed,
    plainly,
    shown,
    suggestion,
    way_to_write,
)
from adversity.pipeline.read.overrides import accepted_keys, apply_override
from adversity.pipeline.read.reader import BRACES, parse, read_text
from adversity.pipeline.read.spec import RESERVED, PipelineSpec
from adversity.project import kind_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "USES",
    "VARIABLE",
    "Loaded",
    "load_pipeline",
    "read_pipeline",
    "variables_in",
    "variables_of",
]

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
"""A variable of the matrix, `$severity`."""
USES = re.compile(rf"(?:[a-z_]+/)?{VARIABLE.pattern}")
"""`degradation/$corruption`, or `$corruption` where the values are `kind/name`."""
_WITH_VARIABLES = (("with",), ("uses",), ("bootstrap",))
_ONLY_IN_STEPS = (
    "a matrix variable may stand only in with:, uses: or bootstrap: of a step, or in rev: of data"
)
_LABEL_BREAKERS = set(",=[]$\n\t ")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pipeline file, read and valid by itself.

    Attributes:
        spec: Its values.
        file: Its path relative to `root`, with forward slashes.
        root: The project's folder.
        text: The file's text.
        positions: The line of every key path.
        written: Scalars as they stand in the file (`8/255`, `0.10`).
        overridden: Key paths that overrides set, each with the override's text.
    """

    spec: PipelineSpec
    file: str
    root: Path
    text: str
    positions: Mapping[KeyPath, int]
    written: Mapping[KeyPath, str] = field(default_factory=dict)
    overridden: Mapping[KeyPath, str] = field(default_factory=dict)

    def findings(self) -> Findings:
        """Return an empty collection of findings about this file."""
        return Findings(self.file, self.positions, self.overridden)

    def labels(self, variable: str) -> tuple[str, ...]:
        """Return the values of a matrix variable as written."""
        values = self.spec.matrix[variable]
        return tuple(
            self.written.get(("matrix", variable, i), str(v)) for i, v in enumerate(values)
        )


def load_pipeline(path: Path, *, root: Path, overrides: Sequence[str] = ()) -> Loaded:
    """Read a pipeline file.

    Args:
        path: The file, absolute or relative to `root`; it must lie in `root`.
        root: The project's folder.
        overrides: `KEY=VALUE` texts such as `steps.attacked.with.eps=2/255`.

    Raises:
        PipelineError: With every finding, each `file:line: message`.
    """
    base = root.resolve()
    file = _inside(path, base)
    return read_pipeline(read_text(base / file, file), file, root=base, overrides=overrides)


def read_pipeline(text: str, file: str, *, root: Path, overrides: Sequence[str] = ()) -> Loaded:
    """Read a text that a pipeline file, relative to the project, held; it need not hold it now.

    Raises:
        PipelineError: With every finding.
    """
    document = parse(text, file)
    overridden = {apply_override(document, override): override for override in overrides}
    findings = Findings(file, document.lines, overridden)
    if not isinstance(document.tree, dict):
        raise PipelineError(
            f"{file}:1: expected a mapping with name, data and steps, got {shown(document.tree)}"
        )
    _check_dollars(document.tree, findings)
    spec = _validate(document.tree, findings)
    if spec is not None:
        loaded = Loaded(spec, file, root, text, document.lines, document.written, overridden)
        _check_names(spec, findings)
        _check_matrix(loaded, findings)
        findings.raise_any()
        return loaded
    findings.raise_any()
    raise PipelineError(f"{file}: is not a pipeline file")


def _inside(path: Path, root: Path) -> str:
    """Return the file relative to the project, or refuse."""
    try:
        full = (path if path.is_absolute() else root / path).resolve()
        exists, is_file = full.exists(), full.is_file()
    except (OSError, ValueError) as error:
        raise PipelineError(f"{str(path)!r} is not a usable path: {error}") from error
    if not full.is_relative_to(root):
        raise PipelineError(f"{path}: the pipeline file must lie in the project {root}")
    name = full.relative_to(root).as_posix()
    if not exists:
        near = sorted(p.name for p in full.parent.glob("*.yaml")) if full.parent.is_dir() else []
        raise PipelineError(f"{name}: there is no such file{suggestion(full.name, near)}")
    if not is_file:
        raise PipelineError(f"{name}: expected a pipeline file, got {kind_of(full.stat().st_mode)}")
    return name


def _validate(tree: Mapping[str, Any], findings: Findings) -> PipelineSpec | None:
    try:
        return PipelineSpec.model_validate(tree)
    except ValidationError as error:
        merged: dict[KeyPath, list[Any]] = {}
        for detail in error.errors(include_url=False):
            named = detail["type"] in {"missing", "extra_forbidden"}
            merged.setdefault(_real_path(detail["loc"], tree, named=named), []).append(detail)
        for path, details in merged.items():
            findings.add(path, _structural(path, details))
    return None


def _real_path(loc: KeyPath, tree: Any, *, named: bool) -> KeyPath:
    """Drop what pydantic adds to a location (members of a union); keep a key's own name."""
    path: KeyPath = ()
    for index, part in enumerate(loc):
        inside = isinstance(tree, dict) and part in tree
        inside = inside or (isinstance(tree, list) and isinstance(part, int) and part < len(tree))
        if inside:
            tree = tree[part]
            path = (*path, part)
        elif named and index == len(loc) - 1:
            path = (*path, part)
    return path


def _structural(path: KeyPath, details: Sequence[Any]) -> str:
    first, name = details[0], dotted(path)
    match first["type"]:
        case "extra_forbidden":
            known = accepted_keys(path[:-1]) or ()
            return f"unknown key {name}{suggestion(path[-1], known)}"
        case "missing":
            return f"{name} is missing"
        case "value_error":
            return f"{name} {first['msg'].removeprefix('Value error, ')}"
        case "string_pattern_mismatch":
            return f"{name} must be kebab-case such as digits-under-attack, got {first['input']!r}"
        case "too_short":
            return f"{name} must have at least one entry, got none"
    expected = " or ".join(dict.fromkeys(plainly(detail["msg"]) for detail in details))
    return f"{name} must be {expected}, got {shown(first['input'])}{way_to_write(expected)}"


def _check_names(spec: PipelineSpec, findings: Findings) -> None:
    for part, names in (("data", spec.data), ("steps", spec.steps), ("matrix", spec.matrix)):
        for name in names:
            if not _NAME.fullmatch(name):
                message = f"{part}.{name} must be snake_case such as dark_predictions, got {name!r}"
                findings.add((part, name), message)
            if name == RESERVED and part != "matrix":
                message = f"{name} is the name of the last step, which is always there; rename it"
                findings.add((part, name), message)
    for name in (name for name in spec.steps if name in spec.data):
        findings.add(("steps", name), f"{name} is also the name of a data set; rename one")


def _scalars(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text of a tree with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _scalars(item, (*path, key))
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _scalars(item, (*path, index))


def variables_in(parameters: Any) -> tuple[str, ...]:
    """Return the matrix variables that parameters use, each once."""
    matches = (VARIABLE.fullmatch(text) for _, text in _scalars(parameters, ()))
    return tuple(dict.fromkeys(match.group(1) for match in matches if match))


def variables_of(uses: str) -> tuple[str, ...]:
    """Return the matrix variable that stands in `uses:`, if there is one."""
    return tuple(VARIABLE.findall(uses))


def _check_dollars(tree: Mapping[str, Any], findings: Findings) -> None:
    """Refuse `${...}`, and `$name` where it means nothing."""
    for path, text in _scalars(tree, ()):
        if "${" in text:
            findings.add(path, f"{dotted(path)}: {BRACES}")
        elif VARIABLE.search(text):
            of_data = path[:1] == ("data",) and path[2:] == ("rev",)
            if not of_data and (path[:1] != ("steps",) or path[2:3] not in _WITH_VARIABLES):
                findings.add(path, f"{dotted(path)}: {_ONLY_IN_STEPS}, got {text!r}")
            elif path[2:] == ("uses",):
                if not USES.fullmatch(text):
                    message = f"expected kind/$name or $name, got {text!r}"
                    findings.add(path, f"{dotted(path)}: {message}")
            elif not VARIABLE.fullmatch(text):
                message = f"a matrix variable must be the whole value, got {text!r}"
                findings.add(path, f"{dotted(path)}: {message}")


def _named_variables(spec: PipelineSpec) -> Iterator[tuple[KeyPath, str]]:
    """Yield every variable of the matrix that a file names, with where."""
    parts: list[tuple[KeyPath, Any]] = [(("data", n, "rev"), d.rev) for n, d in spec.data.items()]
    for id_, step in spec.steps.items():
        parts += [(("steps", id_, "with"), step.parameters), (("steps", id_, "uses"), step.uses)]
        parts += [(("steps", id_, "bootstrap"), step.bootstrap)]
    for place, part in parts:
        find = variables_of if place[2] == "uses" else variables_in
        yield from ((path, name) for path, text in _scalars(part, place) for name in find(text))


def _check_matrix(loaded: Loaded, findings: Findings) -> None:
    matrix = loaded.spec.matrix
    used: set[str] = set()
    for path, name in _named_variables(loaded.spec):
        if name not in matrix:
            message = f"{dotted(path)}: matrix variable ${name} is not declared"
            hint = suggestion(name, matrix) if matrix else ""
            findings.add(path, f"{message} under matrix:{hint or f'; add {name}: [...] there'}")
        used.add(name)
    for name in matrix:
        if name not in used:
            where = f"write ${name} in a with:, a uses:, a bootstrap: or a rev:"
            message = f"matrix variable {name} is used nowhere; {where}, or drop it"
            findings.add(("matrix", name), message)
        _check_values(loaded, name, findings)


def _check_values(loaded: Loaded, name: str, findings: Findings) -> None:
    labels, seen = loaded.labels(name), set[tuple[type, object]]()
    for index, label in enumerate(labels):
        path = ("matrix", name, index)
        if not label or _LABEL_BREAKERS & set(label):
            message = "a matrix value must not be empty or hold spaces or any of , = [ ] $"
            findings.add(path, f"{dotted(path)}: {message}, got {label!r}")
        value = loaded.spec.matrix[name][index]
        if (type(value), value) in seen:
            findings.add(path, f"{dotted(path)}: {label} is given twice in {listed(labels)}")
        seen.add((type(value), value))
