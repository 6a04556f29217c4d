"""Pipelines as Prefect deployments: `adversity schedule deploy` writes `prefect.yaml` and deploys it.

The file is Prefect's own form, so `prefect deploy --all` in the project's folder does the same, and
deployments of others in it stay. Runs are started by a worker of a process work pool.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from adversity.data.atomic import atomic_write
from adversity.errors import InputError, RunError
from adversity_flows.prefect_flows.deployments import deployments_of, set_paused
from adversity_flows.prefect_flows.held_runs import mark_crashed
from adversity_flows.prefect_flows.lent_client import lent_client
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient

    from adversity.pipeline.read.spec import ScheduleSpec

__all__ = ["deploy", "pool_of", "write_prefect_file"]

FILE = "prefect.yaml"
ENTRYPOINT = "adversity_flows.prefect_flows.scheduled_run.scheduled_run"
_HEADER = (
    "Deployments with this entrypoint are written by `adversity schedule deploy`, from the\n"
    "`schedule:` of pipelines; `prefect deploy --all` in this folder deploys them as well."
)


def deploy(
    root: Path,
    plans: Sequence[tuple[str, str, ScheduleSpec]],
    *,
    pool: str,
    announce: Callable[[str], None],
) -> None:
    """Write deployments down in `prefect.yaml`, make their work pool, and deploy them.

    A schedule that is paused stays so.

    Args:
        root: The project's folder.
        plans: Pipeline file, pipeline name and schedule of each.
        pool: The work pool; made, of type process, if the server has none of that name.
        announce: Told a line for each deployment.

    Raises:
        InputError: `prefect.yaml` cannot be read, or the pool is of another type.
        RunError: Prefect did not take it.
    """
    write_prefect_file(root / FILE, plans, pool)
    with lent_client(root) as client:
        before = deployments_of(client, root)
        paused = {
            file
            for file, one in before.items()
            if one.schedules and not any(schedule.active for schedule in one.schedules)
        }
        mark_crashed(root, client, deployments=[one.id for one in before.values()])
        _make_pool(client, pool)
        _prefect_deploy(root, [name for _, name, _ in plans], str(client.api_url))
        after = deployments_of(client, root)
        for file, name, schedule in plans:
            if file in paused:
                set_paused(client, after[file], paused=True)
            still = "; still paused" if file in paused else ""
            announce(f"{file}: {schedule.words}: deployment scheduled_run/{name}{still}")


def pool_of(root: Path) -> str:
    """Return the name of a project's work pool: `adversity-` and the folder's name."""
    name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")
    return f"adversity-{name}" if name else "adversity"


def write_prefect_file(
    path: Path, plans: Sequence[tuple[str, str, ScheduleSpec]], pool: str
) -> None:
    """Write deployments into a `prefect.yaml`; what else stands in it stays, with its comments.

    Args:
        path: The file; made if it is not there.
        plans: Pipeline file, pipeline name and schedule of each.
        pool: Their work pool.

    Raises:
        InputError: The file cannot be read as a mapping with a list of deployments.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 100
    try:
        document = yaml.load(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(f"{path}: expected YAML that can be read: {first}") from error
    if document is None:
        document = CommentedMap({"name": pool, "pull": [], "deployments": []})
        document.yaml_set_start_comment(_HEADER)
    entries: Any = None
    if isinstance(document, dict):
        if document.get("deployments") is None:
            document["deployments"] = []
        entries = document["deployments"]
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a mapping with a list `deployments`, got another one")
    for plan in plans:
        _put(entries, _entry(*plan, pool))
    text = io.StringIO()
    yaml.dump(document, text)
    written = text.getvalue()
    if not path.is_file() or path.read_text(encoding="utf-8") != written:
        atomic_write(path, lambda new: new.write_text(written, encoding="utf-8"))


def _put(entries: list[Any], entry: dict[str, Any]) -> None:
    """Put a deployment in the place of that of the same pipeline, or at the end."""
    for known in entries:
        if isinstance(known, dict) and known.get("name") == entry["name"]:
            if known.get("entrypoint") != ENTRYPOINT:
                raise InputError(
                    f"{FILE}: expected no deployment {entry['name']!r} of another flow, got one of "
                    f"{known.get('entrypoint')}; rename it"
                )
            known.update(entry)
            return
    entries.append(entry)


def _entry(file: str, name: str, schedule: ScheduleSpec, pool: str) -> dict[str, Any]:
    """Return what Prefect has to know of a pipeline. No path of this machine stands in it."""
    return {
        "name": name,
        "entrypoint": ENTRYPOINT,
        "parameters": {"root": "{{ $PWD }}", "pipeline": file},
        "pull": [],  # the code is installed, and the flow goes to `root` by itself
        "schedules": [_times(schedule)],
        "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
        "work_pool": {"name": pool},
    }


def _times(schedule: ScheduleSpec) -> dict[str, Any]:
    """Return when a pipeline runs, as YAML can say it."""
    from adversity_flows.prefect_flows.due import prefect_fields

    known = prefect_fields(schedule)
    if "interval" in known:
        known["interval"] = known["interval"].total_seconds()
        known["anchor_date"] = known["anchor_date"].isoformat()
    return known


def _make_pool(client: SyncPrefectClient, name: str) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(
            WorkPoolCreate(name=name, type="process", base_job_template=template)
        )
        return
    if pool.type != "process":
        raise InputError(
            f"--pool: expected a work pool of type process, got {name!r} of type {pool.type}"
        )


def _prefect_deploy(root: Path, names: Sequence[str], url: str) -> None:
    """Let Prefect deploy what stands in the file."""
    chosen = [word for name in names for word in ("--name", name)]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *chosen]
    done = subprocess.run(
        [*command, "--prefect-file", FILE],
        cwd=root,
        env=_environment(root, url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
        raise RunError(f"Prefect did not take {FILE}:\n{without_secrets(tail)}")


def _environment(root: Path, url: str) -> Mapping[str, str]:
    return os.environ | {
        "PWD": str(root),  # `{{ $PWD }}` in the file
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
