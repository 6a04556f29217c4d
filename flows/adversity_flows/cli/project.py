"""Which project a command speaks of, and its pipelines, planned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adversity.errors import InputError, PipelineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.pipeline.plan.model import Plan

__all__ = [
    "find_root",
    "named_plans",
    "named_project",
    "pipeline_files",
    "plan_of",
    "plans_of",
    "root_of",
    "root_or_here",
    "sound_plans",
    "unmarked_plan",
]


def find_root(start: Path) -> Path:
    """Return the project that a folder lies in: the nearest one above with `.dvc` or `dvc.yaml`.

    Raises:
        InputError: If there is none, with the commands that make one, or its path is unfit.
    """
    from adversity_flows.dvc.repository import refuse_unfit_path

    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / ".dvc").is_dir() or (folder / "dvc.yaml").is_file():
            refuse_unfit_path(folder)
            return folder
    refuse_unfit_path(start)
    raise InputError(
        f"expected a project (a folder with .dvc), got none in {start} or above it; make a new "
        f"one with `adversity init DIR`, or turn this folder into one with `cd {start} && "
        "git init && dvc init`"
    )


def root_or_here() -> Path:
    """Return the project that the current folder lies in; the folder itself where it is in none."""
    try:
        return find_root(Path.cwd())
    except InputError:
        return Path.cwd()


def root_of(pipeline: str) -> Path:
    """Return the project of a pipeline file as named on the command line."""
    folder = Path(pipeline).absolute().parent
    return find_root(folder if folder.is_dir() else Path.cwd())


def named_project(run: str | None) -> Path:
    """Return the project of a run as named on the command line: a file's, else that we stand in."""
    is_file = run is not None and Path(run).suffix in {".yaml", ".yml"}
    return root_of(str(run)) if is_file else find_root(Path.cwd())


def plan_of(pipeline: str, *, overrides: Sequence[str] = ()) -> Plan:
    """Load and plan a pipeline file as named on the command line.

    Raises:
        PipelineError: With every finding.
    """
    return _plan(Path(pipeline).absolute(), root_of(pipeline), overrides)


def unmarked_plan(pipeline: str) -> Plan:
    """Load and plan a pipeline file, without its demand for trust marks (`conformance:`).

    Raises:
        PipelineError: With every finding.
    """
    from dataclasses import replace

    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline
    from adversity.registry import discover

    loaded = load_pipeline(Path(pipeline).absolute(), root=root_of(pipeline))
    spec = loaded.spec.model_copy(update={"conformance": None})
    return make_plan(replace(loaded, spec=spec), discover())


def pipeline_files(root: Path) -> list[Path]:
    """Return the pipeline files of a project, by name."""
    folder = root / "pipelines"
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def plans_of(root: Path) -> list[Plan]:
    """Plan every pipeline of a project.

    Raises:
        InputError: If there is none.
        PipelineError: With the findings of all files.
    """
    files = pipeline_files(root)
    if not files:
        raise InputError(f"expected pipeline files in {root / 'pipelines'}, got none; write one")
    plans, findings = _planned(files, root)
    if findings:
        raise PipelineError(findings)
    return plans


def sound_plans(root: Path) -> list[Plan]:
    """Plan the pipelines of a project that can be planned, and pass over the others."""
    return _planned(pipeline_files(root), root)[0]


def named_plans(files: Sequence[str]) -> list[Plan]:
    """Plan pipeline files as named on the command line.

    Raises:
        PipelineError: With the findings of all files.
    """
    plans: list[Plan] = []
    findings: list[str] = []
    for file in files:
        named, faults = _planned([Path(file).absolute()], root_of(file))
        plans += named
        findings += faults
    if findings:
        raise PipelineError(findings)
    return plans


def _planned(files: Sequence[Path], root: Path) -> tuple[list[Plan], list[str]]:
    """Return the plans, and the findings in files that cannot be planned."""
    plans: list[Plan] = []
    findings: list[str] = []
    for file in files:
        try:
            plans.append(_plan(file, root, ()))
        except PipelineError as error:
            findings += error.findings
    return plans, findings


def _plan(path: Path, root: Path, overrides: Sequence[str]) -> Plan:
    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline
    from adversity.registry import discover

    loaded = load_pipeline(path, root=root, overrides=overrides)
    plan = make_plan(loaded, discover())
    if loaded.spec.notify is not None:
        from adversity_flows.notify.chosen import check

        check(loaded)
    return plan
