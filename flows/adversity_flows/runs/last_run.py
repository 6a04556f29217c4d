"""A pipeline's last run as its own files tell of it: no plugin, no plan and no DVC is needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_version
from adversity.errors import InputError
from adversity.provenance import file_sha256
from adversity_flows.runs.past_runs import FOLDER, MANIFEST, past_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity_flows.runs.past_runs import PastRun

__all__ = [
    "PULLED",
    "install_words",
    "last_run_of",
    "not_installed",
    "older_words",
    "pulled_report",
]

PULLED = "report.json"
"""What DVC has of a report for programs, beside `report.md`."""


def last_run_of(root: Path, file: str) -> PastRun | None:
    """Return the newest run of a pipeline file that came to its end with a report, or None.

    Args:
        root: The project's folder.
        file: The pipeline file, relative to it; it need not be there any more.

    Raises:
        StorageError: If the manifest of a run that is come to is damaged.
    """
    folders = sorted((root / FOLDER).glob(f"[0-9]*/{MANIFEST}"), reverse=True)
    names = dict.fromkeys(name for path in folders for name in _pipeline_in(path, file))
    runs = (next(iter(past_runs(root, name)), None) for name in names)
    found = [past for past in runs if past is not None and past.manifest.get("file") == file]
    return max(found, key=lambda past: past.id, default=None)


def older_words(root: Path, past: PastRun) -> tuple[str, ...]:
    """Say what of a run is no longer so: artifacts that were made anew, a file that was edited.

    By what `dvc.lock` records now, and by the text of the file; artifacts are not read.

    Raises:
        InputError: If `dvc.lock` is not YAML.
    """
    recorded = _outputs(root)
    old = past.manifest.get("hashes", {})
    outputs = {path for path in old if path in recorded or path.startswith("artifacts/")}
    changed = sorted(path for path in outputs if recorded.get(path) != old[path])
    file = str(past.manifest.get("file", ""))
    words = []
    if changed:
        names = ", ".join(path.rpartition("/")[2] for path in changed)
        words.append(f"the numbers are older than the artifacts: {names} changed since this run")
    path = root / file
    if not path.is_file() or file_sha256(path) != past.manifest.get("text_sha256"):
        words.append(f"{file} was {'edited' if path.is_file() else 'deleted'} since this run")
    return tuple(words)


def not_installed(past: PastRun) -> tuple[tuple[str, str], ...]:
    """Return name and version of each distribution that made a run and is not installed here."""
    versions: dict[str, str] = past.manifest.get("versions", {})
    made = {name: version for name, version in versions.items() if not name.startswith("./")}
    made.pop("python", None)
    return tuple((name, made[name]) for name in sorted(made) if distribution_version(name) is None)


def install_words(missing: tuple[tuple[str, str], ...]) -> str:
    """Say what is missing and the command that installs it."""
    named = ", ".join(f"{name} {version}" for name, version in missing)
    command = " ".join(f"{name}=={version}" for name, version in missing)
    return f"{named}, not installed here: `pip install {command}`"


def pulled_report(root: Path, name: str) -> Path | None:
    """Return the report that DVC tracks, of a project that was pulled and never run here."""
    path = root / "artifacts" / name / "report" / "report.md"
    return path if path.is_file() else None


def _pipeline_in(manifest: Path, file: str) -> Iterator[str]:
    """Yield the pipeline's name in a manifest that is of this file; damaged ones are read later."""
    try:
        record: Any = json.loads(manifest.read_text(encoding="utf-8"))
        if record["file"] == file:
            yield str(record["pipeline"])
    except (OSError, ValueError, KeyError, TypeError):
        return


def _outputs(root: Path) -> dict[str, str]:
    """Return DVC's hash of every output on record, by path."""
    import yaml

    try:
        lock = yaml.load((root / "dvc.lock").read_text(encoding="utf-8"), yaml.CSafeLoader)
        stages = (lock or {}).get("stages") or {}
        outs = [out for stage in stages.values() for out in stage.get("outs", ())]
        return {str(out["path"]): str(out.get("md5", "")) for out in outs}
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(
            f"dvc.lock: expected what DVC writes, got something else ({first}); take its last "
            "version: `git checkout dvc.lock`"
        ) from error
