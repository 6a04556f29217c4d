"""Entries of a board: each figure of a run with all that another must share to stand beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.report.tables.figures import figures
from adversity.report.tables.read_back import read_back
from adversity.report.values.apart import judged_steps
from adversity.report.values.board import Entry
from adversity.report.words.wording import eps_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.tables.figures import Figure
    from adversity.report.values.model import StepSummary

__all__ = ["Placed", "placed"]

_SHORT = 12
"""So much of a hash tells two of them apart for a reader."""
_GIVEN = ("degradation", "attack")
_BUDGET = frozenset({"eps", "norm", "seed"})
"""Parameters of an attack that its threat says already, and the one that is no choice."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A figure of a run and where it belongs.

    Attributes:
        fields: What an entry beside it must share, by what it is, in words.
        entry: Of the board, with all settings that its pipeline file says.
        n: How many samples its data set has.
    """

    fields: Mapping[str, str]
    entry: Entry
    n: int


def placed(run: RecordedRun) -> Iterator[Placed]:
    """Yield the figures of a run by what they are judged under, each with its headline measures.

    Controls (`random_noise`) show that an attack is one, and are no threat of their own.

    Raises:
        InputError: If the run is of an earlier version that does not say what its methods are.
    """
    report = read_back(run.result, where=run.name)
    steps = {step.id: step for step in report.steps}
    together: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures(judged_steps(report.steps, report.gates), report.sides):
        info = figure.mean.info
        if info.headline and figure.mean.better and not steps[figure.step].threat.get("control"):
            cell = json.dumps(figure.cell, sort_keys=True)
            together.setdefault((figure.step, cell), []).append(figure)
    for own in together.values():
        first = own[0]
        data = next(
            (one for one in run.result["data"] if _reads(one, steps[first.step].data, first)), None
        )
        if data is None:
            continue
        own.sort(key=lambda figure: figure.mean.info.headline or 0)
        entry = Entry(
            run=run.name,
            pipeline=report.pipeline,
            step=first.step,
            cell=dict(first.cell),
            method=_method(first),
            settings=_settings(run, steps, first.step),
            measures={figure.measure: figure.mean for figure in own},
        )
        yield Placed(_fields(run, steps, first, data), entry, data["n"])


def _reads(data: Mapping[str, Any], name: str | None, figure: Figure) -> bool:
    """Say whether a data set is what a figure counts, in the version of its cell."""
    version = dict(data.get("cell", {})).items() <= dict(figure.cell).items()
    return version and str(data["id"]).partition("[")[0] == name


def _method(figure: Figure) -> str:
    """Write what was chosen: the model, then what is not left out."""
    chosen = {name: value for name, value in figure.method.items() if value != "none"}
    model = chosen.pop("classifier", None) or chosen.pop("regressor", None)
    more = [f"{name}: {value}" for name, value in chosen.items()]
    return ", ".join([*([model] if model else []), *more]) or figure.step


def _fields(
    run: RecordedRun, steps: Mapping[str, StepSummary], figure: Figure, data: Mapping[str, Any]
) -> dict[str, str]:
    """Return all that must be the same for two figures to be compared."""
    step = steps[figure.step]
    given = [name for name in step.path if name in steps and steps[name].kind == "degradation"]
    attacks = [name for name in step.path if name in steps and steps[name].kind == "attack"]
    chain = [_written(run, name, figure.cell) for name in given]
    threats = [_threat(steps[name], figure.cell) for name in attacks]
    prepare = json.dumps(data["prepare"], sort_keys=True) if data["prepare"] else "as it is"
    return {
        "data": f"{data['uses']}, {data['content'][:_SHORT]}",
        "split": str(data["facts"].get("split", "all")),
        "prepared": prepare,
        "degraded by": ", then ".join(chain) or "nothing",
        "threat": "; ".join(threat for threat, _ in threats) or "none",
        "attack": "; ".join(attack for _, attack in threats) or "none",
        "code": ", ".join(_code(run, name, figure.cell) for name in (*given, *attacks)) or "none",
    }


def _defined(run: RecordedRun, name: str, cell: Mapping[str, str]) -> tuple[str, str, str]:
    """Return where the plugin of a step is named in the file, its name, and its parameters in words.

    A step may use a plugin that another step sets up; variables stand by their value in a cell.
    """
    written = run.file.get("steps", {})
    spec = written.get(name, {})
    parameters = dict(spec.get("with") or {})
    while str(spec.get("uses")) in written and spec["uses"] != name:
        name = str(spec["uses"])
        spec = written[name]
        parameters = {**(spec.get("with") or {}), **parameters}
    told = ", ".join(f"{key} {_value(value, cell)}" for key, value in parameters.items())
    return name, _value(spec.get("uses", name), cell), told


def _written(run: RecordedRun, name: str, cell: Mapping[str, str]) -> str:
    """Write what a step does to images: `gaussian_noise (severity 3)`."""
    _, uses, told = _defined(run, name, cell)
    plugin = uses.partition("/")[2] or uses
    return f"{plugin} ({told})" if told else plugin


def _value(value: object, cell: Mapping[str, str]) -> str:
    """Write a value of the pipeline file; a variable of the matrix as the cell has it."""
    text = str(value)
    for name in sorted(cell, key=len, reverse=True):
        text = text.replace(f"${name}", cell[name])
    return text


def _threat(step: StepSummary, cell: Mapping[str, str]) -> tuple[str, str]:
    """Return what an attacker may do and knows, and by which attack that was tried."""
    own = next((one for one in step.cells if one.cell.items() <= {**cell}.items()), None)
    parameters = {} if own is None else own.parameters
    eps = parameters.get("eps", step.threat.get("eps"))
    words = [
        str(step.threat.get("norm") or step.threat.get("type", "")),
        "" if eps is None else f"eps {eps_text(eps, step.threat.get('norm'))}",
        str(step.knowledge or ""),
        "targeted" if step.threat.get("targeted") else "",
        str(step.threat.get("objective", "")),
    ]
    shown = [
        f"{name} {value}"
        for name, value in parameters.items()
        if name not in _BUDGET and isinstance(value, int | float | str) and value not in (False, "")
    ]
    name = step.uses.partition("/")[2]
    if name.startswith("$"):
        name = cell.get(name[1:], name)
    return ", ".join(filter(None, words)), f"{name} ({', '.join(shown)})" if shown else name


def _code(run: RecordedRun, step: str, cell: Mapping[str, str]) -> str:
    """Return the version and the hash of the plugin of a step, as the run resolved it."""
    name, uses, _ = _defined(run, step, cell)
    resolved = (run.facts.get("resolved") or {}).get("steps") or {}
    found = resolved.get(name) or {}
    several = found.get("plugins", {}) if isinstance(found, Mapping) else {}
    for one in (found, *several.values()):
        if isinstance(one, Mapping) and one.get("plugin") == uses and "fingerprint" in one:
            return f"{uses} {one.get('version')} {one['fingerprint'][:_SHORT]}"
    return f"{uses} unknown"


def _settings(run: RecordedRun, steps: Mapping[str, StepSummary], step: str) -> dict[str, str]:
    """Return what the file says of all that a figure rests on but what it is tested under."""
    written = run.file.get("steps", {})
    reached, open_ = set(), [step]
    while open_:
        name = open_.pop()
        if name in reached or name not in written:
            continue
        reached.add(name)
        open_ += [text for text in _texts(written[name]) if text in written]
    own = [name for name in written if name in reached]
    judged = [name for name in own if name not in steps or steps[name].kind not in _GIVEN]
    return {f"{name}.{path}": text for name in judged for path, text in _leaves(written[name], "")}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, str(value)
