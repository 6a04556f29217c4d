"""Where and with what a run happens: versions, machine, git state. No result depends on it."""

from __future__ import annotations

import os
import platform
from functools import cached_property
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_version
from adversity.git import git_says
from adversity.provenance import processor
from adversity.registry.marks import DEPENDS_ON
from adversity_flows.dvc.resolved import resolved_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

__all__ = ["Circumstances", "git_state", "machine", "versions"]

LIBRARIES = (*DEPENDS_ON, "pyarrow", "prefect", "dvc")


class Circumstances:
    """With what one run happens: each thing is looked up once, when it is first needed."""

    def __init__(self, plan: Plan) -> None:
        """Remember the plan; nothing is looked up yet.

        Args:
            plan: The pipeline.
        """
        self._plan = plan

    @cached_property
    def git(self) -> dict[str, str]:
        """As `git_state` says."""
        return git_state(self._plan.root)

    @cached_property
    def versions(self) -> dict[str, str]:
        """As `versions` says."""
        return versions(self._plan)

    @cached_property
    def machine(self) -> dict[str, str]:
        """As `machine` says, with the pipeline's device."""
        return machine(self._plan.spec.run.device)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The resolved plugins, as the file that DVC reads has them."""
        return resolved_plugins(self._plan)


def versions(plan: Plan) -> dict[str, str]:
    """Return the versions of Python, of what computes, and of the plugins' distributions."""
    import adversity

    versions_by_name = {"python": platform.python_version(), "adversity": adversity.__version__}
    libraries = {name: distribution_version(name) for name in LIBRARIES}
    versions_by_name |= {name: version for name, version in libraries.items() if version}
    return versions_by_name | dict(_origins(plan))


def _origins(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield distribution and version of every plugin: of metrics and in parameters, too."""
    for part in ("data", "steps", "metrics"):
        records = plan.resolved.get(part, {}).values()
        for origin in (one for record in records for one in _each(record)):
            yield _origin(origin["distribution"], origin)
            for uses, inner in origin.get("nested", {}).items():
                yield _origin(uses.partition("/")[2].partition(":")[0], inner)


def _origin(distribution: str, record: Mapping[str, str]) -> tuple[str, str]:
    """Return distribution and version; of a file of the project, which has none, its source."""
    if distribution.startswith("./"):
        return distribution, f"of the project, source {record['fingerprint'][:12]}"
    return distribution, record["version"]


def _each(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the origins of a step: one, unless a variable of the matrix names several plugins."""
    several: Mapping[str, Mapping[str, Any]] = record.get("plugins", {})
    return several.values() or (record,)


def machine(device: str = "cpu") -> dict[str, str]:
    """Return processor, cores and system; no host name and no user."""
    return {
        "processor": processor(),
        "cores": str(os.cpu_count() or "unknown"),
        "system": f"{platform.system()} {platform.release()}",
        "device": device,
    }


def git_state(root: Path) -> dict[str, str]:
    """Return the revision and whether files differ from it; empty without git or a commit.

    The state is `clean`, `dirty`, or `unknown` where git gives no answer.
    """
    revision = git_says(root, "rev-parse", "HEAD")
    if not revision:
        return {}
    changed = git_says(root, "status", "--porcelain", "--untracked-files=no")
    state = "unknown" if changed is None else "dirty" if changed else "clean"
    return {"revision": revision, "state": state}
