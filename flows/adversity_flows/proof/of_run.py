"""What a run keeps of itself, checked: its numbers, tables and pages, and its pipeline file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.pipeline.read.reader import read_text
from adversity.provenance import file_sha256
from adversity_flows.dvc.reasons import parameter_reasons, sentence
from adversity_flows.proof.check import Check, compared
from adversity_flows.runs.earlier_runs import read_yaml
from adversity_flows.runs.past_runs import INPUTS, RESULT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from adversity_flows.proof.subject import Subject
    from adversity_flows.runs.past_runs import PastRun

__all__ = ["file_checks", "kept_checks", "table_check"]

_ASIDE = ("run", "gates", "schedule", "licences", "conformance", "reference")
"""What of a pipeline file changes no number."""


def file_checks(subject: Subject, only: Collection[str] | None = None) -> Iterator[Check]:
    """Compare the pipeline file with what it held in the run: what counts is what it says.

    Args:
        subject: The run.
        only: The steps and data sets that count; all, if not given.
    """
    path = subject.root / subject.file
    if not subject.text:
        yield Check("pipeline", subject.file, "not recorded", "the run kept no text of it")
    elif not path.is_file():
        why = "it is no longer there; the run kept its text"
        yield Check("pipeline", subject.file, "missing", why)
    else:
        then, now = subject.text, read_text(path, subject.file)
        words = parameter_reasons(_that_counts(then, only), _that_counts(now, only))
        if words:
            yield Check("pipeline", subject.file, "changed", f"edited since: {sentence(words)}")
        else:
            same = "" if then == now else "edited since, nothing of it that a number rests on"
            yield Check("pipeline", subject.file, "holds", same)


def _that_counts(text: str, only: Collection[str] | None) -> dict[str, Any]:
    file = {key: value for key, value in read_yaml(text).items() if key not in _ASIDE}
    if only is not None:
        file.pop("matrix", None)  # a value more is another cell
        for part in ("data", "steps"):
            named = file.get(part)
            if isinstance(named, dict):
                file[part] = {id_: one for id_, one in named.items() if id_ in only}
    return file


def kept_checks(subject: Subject) -> Iterator[Check]:
    """Check the files in a run's folder: tables, numbers, pages."""
    if subject.past is None:
        why = "runs/ stays on the machine that ran: nothing is known of tables and pages kept there"
        yield Check("page", "of the run", "not recorded", why)
        return
    pages: list[Check] = []
    for listed in subject.past.manifest.get("artifacts", ()):
        check = _of_file(subject.past, str(listed["path"]), str(listed["sha256"]))
        if check.what != "page":
            yield check
        else:
            pages.append(check)
    faulty = [page for page in pages if page.state != "holds"]
    yield from faulty
    if pages and not faulty:
        more = f"and {len(pages) - 1} more files" if len(pages) > 1 else ""
        first = next((page for page in pages if page.name == "report.html"), pages[0])
        yield Check("page", first.name, "holds", more, first.recorded, first.found)
    if not (subject.past.path / INPUTS).is_file():
        why = "which files the data sets were made of; a change is found, but not in which file"
        yield Check("numbers", INPUTS, "not recorded", why)


def table_check(subject: Subject, steps: Iterable[str]) -> Iterator[Check]:
    """Check the tables of steps that a run keeps, and its report's numbers."""
    counted = {RESULT, *(f"tables/{step}.parquet" for step in steps)}
    if subject.past is not None:
        for listed in subject.past.manifest.get("artifacts", ()):
            if listed["path"] in counted:
                yield _of_file(subject.past, str(listed["path"]), str(listed["sha256"]))


def _of_file(past: PastRun, name: str, recorded: str) -> Check:
    if name.startswith("tables/"):
        what, shown = "table", name.removeprefix("tables/").removesuffix(".parquet")
    else:
        what, shown = ("numbers" if name in (RESULT, INPUTS) else "page"), name
    check = compared(what, shown, recorded, _sha256(past.path / name))
    if check.state == "changed":
        return Check(what, shown, "changed", f"{name} is damaged", recorded, check.found)
    return check


def _sha256(path: Path) -> str | None:
    try:
        return file_sha256(path)
    except OSError:
        return None
