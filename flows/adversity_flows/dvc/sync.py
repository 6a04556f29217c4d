"""Writing `dvc.yaml` from the plans of all pipelines.

A stage is ours if its `meta:` says `generated_by: adversity`; a plot is ours if it lies in the
report of a pipeline. Stages, plots and keys that somebody wrote by hand stay as they are; hand-
written stages come first, ours follow by name, so that the text is stable.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from adversity.data.atomic import atomic_write
from adversity.errors import InputError
from adversity.project import conflict_line
from adversity_flows.dvc import resolved
from adversity_flows.dvc.plots import is_report_plot, plot_path, report_plots
from adversity_flows.dvc.project_file import utf8_text
from adversity_flows.dvc.reasons import differences, value_words

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan, Stage

__all__ = ["definition_changes", "stage_entry", "sync", "sync_pipeline"]

HEADER = (
    "# Stages marked `generated_by: adversity` are written by `adversity sync` from\n"
    "# pipelines/*.yaml: edit those. Stages that you write here yourself are kept.\n"
)
_OURS = "adversity"
_DUPLICATE = re.compile(r'found duplicate key "(.+?)" with value')


def sync(root: Path, plans: Sequence[Plan], *, check: bool = False) -> tuple[str, ...]:
    """Write `dvc.yaml` and the files of resolved plugins for all pipelines of a project.

    Args:
        root: The project's folder.
        plans: One for each pipeline of the project; generated stages of no other are kept.
        check: Write nothing, only say what would change.

    Returns:
        What changed, in words; empty if everything was in step.

    Raises:
        InputError: If two pipelines, or a hand-written stage, want the same stage name, or
            `dvc.yaml` cannot be read.
    """
    words = _update(root, plans, everything=True, write=not check)
    for plan in plans:
        words += resolved.verify(plan)
        if not check:
            resolved.write(plan)
    return tuple(dict.fromkeys(words))  # pipelines share the files of packaged data sets


def sync_pipeline(plan: Plan) -> tuple[str, ...]:
    """Write the stages of one pipeline, and leave those of the others alone.

    Raises:
        InputError: As `sync`.
    """
    return tuple(_update(plan.root, (plan,), everything=False, write=True))


def definition_changes(plan: Plan, stage: Stage) -> tuple[str, ...]:
    """Say how the definition of a stage in `dvc.yaml` differs from the plan's; empty if not."""
    content = _read_fast(plan.root / "dvc.yaml")
    entry = (content.get("stages") or {}).get(stage.name)
    if entry is None:
        return (f"stage {stage.name} is missing",)
    return tuple(_stage_words(stage.name, entry, stage_entry(plan, stage)))


def stage_entry(plan: Plan, stage: Stage) -> dict[str, Any]:
    """Return the entry of a stage in `dvc.yaml`."""
    entry: dict[str, Any] = {"cmd": stage.command}
    if stage.deps:
        entry["deps"] = sorted(stage.deps)
    if stage.params:
        entry["params"] = [{file: sorted(keys)} for file, keys in sorted(stage.params.items())]
    entry["outs"] = [stage.out]
    if stage.metrics:
        entry["metrics"] = [stage.metrics]
    shared = stage.step.startswith("data:")
    entry["meta"] = {"generated_by": _OURS} | ({} if shared else {"pipeline": plan.name})
    return entry


def _update(root: Path, plans: Sequence[Plan], *, everything: bool, write: bool) -> list[str]:
    path = root / "dvc.yaml"
    content = _read_fast(path)
    before = json.dumps(content, default=str)
    words = _change(content, plans, everything=everything)
    if write and (json.dumps(content, default=str) != before or not path.is_file()):
        content = _read(path, _keeping_comments())  # ten times slower, and rarely needed
        _change(content, plans, everything=everything)
        ends = "\r\n" if path.is_file() and b"\r\n" in path.read_bytes() else "\n"
        text = _text(content)
        atomic_write(path, lambda new: new.write_text(text, encoding="utf-8", newline=ends))
    return words


def _change(content: Any, plans: Sequence[Plan], *, everything: bool) -> list[str]:
    words = _update_stages(content, plans, everything=everything)
    return words + _update_plots(content, plans, everything=everything)


def _update_stages(content: Any, plans: Sequence[Plan], *, everything: bool) -> list[str]:
    new = _entries(plans)
    names = {plan.name for plan in plans}
    stages = content.setdefault("stages", {}) or {}
    by_hand = [name for name, entry in stages.items() if not _is_ours(entry)]
    taken = sorted(set(by_hand) & new.keys())
    if taken:
        raise InputError(
            f"dvc.yaml: expected stage {taken[0]} to be free, got one written by hand (it has no "
            "`meta: {generated_by: adversity}`); rename it, or rename the pipeline or step"
        )
    old = {name: stages.pop(name) for name in list(stages) if name not in by_hand}
    others = {
        name: entry
        for name, entry in old.items()
        if not everything and name not in new and entry["meta"].get("pipeline") not in names
    }
    for name, entry in sorted((others | new).items()):
        stages[name] = entry
    content["stages"] = stages
    words: list[str] = []
    for name in sorted(old.keys() | new.keys() - others.keys()):
        if name not in others:
            words += _stage_words(name, old.get(name), new.get(name))
    return words


def _entries(plans: Sequence[Plan]) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    owners: dict[str, str] = {}
    for plan in plans:
        for stage in plan.stages:
            entry = stage_entry(plan, stage)
            if entries.setdefault(stage.name, entry) != entry:
                how = "; ".join(_stage_words(stage.name, entries[stage.name], entry))
                raise InputError(
                    f"{owners[stage.name]} and {plan.file}: expected one definition of stage "
                    f"{stage.name}, got two ({how}); rename a pipeline or step, or give a shared "
                    "data set the same parameters"
                )
            owners.setdefault(stage.name, plan.file)
    return entries


def _stage_words(name: str, old: Any, new: Any) -> list[str]:
    if old is None:
        return [f"stage {name} is new"]
    if new is None:
        return [f"stage {name} was taken out"]
    return [
        f"stage {name}: {path} {_change_words(before, now)}"
        for path, before, now in differences(old, new)
    ]


def _change_words(before: Any, now: Any) -> str:
    """Say what became of a value; of a list of names, as a stage's inputs are, which ones changed."""
    gone, come = _names_without(before, now), _names_without(now, before)
    if gone and come:
        return f"{', '.join(gone)} -> {', '.join(come)}"
    if gone or come:
        return f"without {', '.join(gone)}" if gone else f"with {', '.join(come)}"
    return f"{value_words(before)} -> {value_words(now)}"


def _names_without(names: Any, others: Any) -> list[str]:
    """Return the texts of a list that another one lacks; none if they are no lists."""
    if not (isinstance(names, list) and isinstance(others, list)):
        return []
    return [name for name in names if isinstance(name, str) and name not in others]


def _update_plots(content: Any, plans: Sequence[Plan], *, everything: bool) -> list[str]:
    """Write the plots of these pipelines; in one order, whichever of them ran first."""
    names = None if everything else {plan.name for plan in plans}
    old = list(content.get("plots") or [])
    by_hand = [entry for entry in old if not is_report_plot(entry, None)]
    others = [e for e in old if is_report_plot(e, None) and not is_report_plot(e, names)]
    ours = others + [plot for plan in plans for plot in report_plots(plan, old)]
    new = by_hand + sorted(ours, key=plot_path)
    if new == old:
        return []
    content["plots"] = new
    if not new:
        del content["plots"]
    return ["plots changed"]


def _is_ours(entry: Any) -> bool:
    meta = entry.get("meta") if isinstance(entry, Mapping) else None
    return isinstance(meta, Mapping) and meta.get("generated_by") == _OURS


def _read(path: Path, yaml: YAML) -> Any:
    if not path.is_file():
        return {}
    text = utf8_text(path).replace("\r\n", "\n")
    try:
        content = yaml.load(text.replace(HEADER, "", 1))
    except YAMLError as error:
        line = conflict_line(text)
        if line is not None:
            raise InputError(
                f"dvc.yaml:{line}: expected YAML, got a merge conflict; keep one side of it, or "
                "delete the file if every stage in it is generated, then `adversity sync`"
            ) from error
        raise InputError(_syntax(error, text)) from error
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise InputError(f"dvc.yaml: expected a mapping, got {type(content).__name__}; fix it")
    return content


def _read_fast(path: Path) -> Any:
    """Read without comments, by a parser in C; what is wrong is said by the one that says more."""
    try:
        return _read(path, YAML(typ="safe"))
    except InputError:
        return _read(path, _keeping_comments())


def _syntax(error: YAMLError, text: str) -> str:
    """Say in one line what is wrong and where, without the values that ruamel says with it."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return f"dvc.yaml: expected YAML, got a syntax error ({str(error).splitlines()[0]}); fix it"
    line = error.problem_mark.line + 1  # of the text without our header
    if HEADER in text and line > text.partition(HEADER)[0].count("\n"):
        line += HEADER.count("\n")
    if isinstance(error, DuplicateKeyError):
        key = _DUPLICATE.match(error.problem or "")
        name = f"`{key[1]}`" if key else "one"
        return f"dvc.yaml:{line}: expected each key once, got {name} a second time; keep one"
    return f"dvc.yaml:{line}: expected YAML, got a syntax error ({error.problem}); fix it"


def _text(content: Any) -> str:
    stream = io.StringIO()
    _keeping_comments().dump(content, stream)
    return HEADER + stream.getvalue()


def _keeping_comments() -> YAML:
    """Return a reader and writer that keeps comments and the order of keys."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
