"""What DVC remembers: which stages are stale and why, and the record of what ran.

DVC decides and records; it never runs a command for us, and nothing here computes.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from adversity.errors import InputError, StaleInputsError
from adversity_flows.dvc.inputs import Inputs, read_inputs, stale_reasons
from adversity_flows.dvc.lockfile import LockFile
from adversity_flows.dvc.on_disk import files_of
from adversity_flows.dvc.plots import keep_page
from adversity_flows.dvc.project_file import ParsedProject
from adversity_flows.dvc.reasons import sentence
from adversity_flows.dvc.repository import alone, dvc_errors, locked, open_repository
from adversity_flows.dvc.tracked import refuse_changed_data
from adversity_flows.dvc.verify import distrust
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    from adversity.pipeline.plan.model import Stage

__all__ = ["Decision", "DvcRecorder", "Inputs", "stale_message"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a stage must run, and why or why not, in words."""

    stale: bool
    reason: str


class DvcRecorder:
    """DVC's record of one project.

    A plain folder or file that a stage depends on and that DVC does not track is a dependency
    with a hash: when it changes, the stage is stale. A data set that DVC does track (`dvc add`,
    `dvc import`, a `data-...` stage) must be what DVC has of it: changed on disk, it is refused
    until the user accepts or restores it, and never added again silently.
    """

    def __init__(self, root: Path, repo: Repo, *, patience: float = 30.0) -> None:
        """Keep an open repository; use `DvcRecorder.open`.

        Args:
            root: The project's folder.
            repo: DVC's repository.
            patience: How many seconds to wait for another process that holds DVC's lock.
        """
        self.root = root
        self._repo = repo
        self._patience = patience
        self._reserved: dict[str, ExitStack] = {}
        self._project = ParsedProject(repo)
        self._lock = LockFile(repo, self._project.order)

    @classmethod
    def open(cls, root: Path, *, patience: float = 30.0, verify: bool = False) -> DvcRecorder:
        """Open the record of a project; `verify` hashes files whose size and time are as before.

        Raises:
            InputError: If there is no git or DVC repository in `root`, with the commands that
                make one.
        """
        root = root.resolve()
        repo = open_repository(root)
        if verify:
            distrust(repo)
        return cls(root, repo, patience=patience)

    def close(self) -> None:
        """Release every reservation, and close DVC's databases."""
        for name in list(self._reserved):
            self.release(name)
        self._repo.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Hold DVC's lock over several decisions: the project is read once for all of them."""
        with self._dvc("decide what is stale"):
            yield

    def state(self, stage: Stage, *, force: bool = False) -> Decision:
        """Decide whether a stage must run.

        A stage that ran before with exactly these inputs is restored from DVC's run cache and
        counts as not stale.

        Args:
            stage: A stage of a plan.
            force: Call it stale whatever DVC says.

        Raises:
            DataError: If a data set that DVC tracks changed on disk or is not there.
            InputError: If the stage is not in `dvc.yaml` or an input is missing.
            RunError: If another process works on the stage.
        """
        with self._dvc(f"decide on stage {stage.name}"):
            known = self._indexed(stage.name)
            refuse_changed_data(self._repo, known)
            if force:
                return Decision(stale=True, reason="forced")
            if not known.status():
                return Decision(stale=False, reason="unchanged")
            reason = sentence(stale_reasons(known)) or "DVC calls it changed"
            if self._restore(known):
                return Decision(stale=False, reason=f"restored from an earlier run ({reason})")
            return Decision(stale=True, reason=reason)

    def hashes(self, stage: Stage) -> Inputs:
        """Hash what a stage depends on, now.

        DVC's lock is not taken, so that a stage's command may read its inputs while DVC runs it.

        Raises:
            InputError: If the stage is not in `dvc.yaml`.
        """
        with alone(), dvc_errors(self.root, f"hash what stage {stage.name} depends on"):
            self._repo._reset()
            return read_inputs(self._load(stage.name), fresh=True)

    def parameters(self, stage: Stage) -> Inputs:
        """Read the parameters of a stage as DVC reads them, and no file it depends on."""
        from dvc.dependency.param import read_param_file

        with alone(), dvc_errors(self.root, f"read the parameters of stage {stage.name}"):
            values = {
                file: read_param_file(
                    self._repo.fs, str(self.root / file), list(keys), flatten=True
                )
                for file, keys in sorted(stage.params.items())
            }
            return Inputs(files={}, parameters=values)

    def reserve(self, stage: Stage) -> None:
        """Keep other processes off a stage until `release`.

        Raises:
            BusyError: If another process works on it, with its PID.
        """
        from dvc.rwlock import rwlock

        if stage.name in self._reserved:
            return
        with self._dvc(f"reserve stage {stage.name}"), ExitStack() as stack:
            known = self._load(stage.name)
            # The entry that DVC writes while it runs the command, so that each keeps off the
            # other; an entry of a killed process is cleaned by the next one.
            stack.enter_context(
                rwlock(
                    self._repo.tmp_dir,
                    self._repo.fs,
                    without_secrets(" ".join(sys.argv)),
                    [item.fs_path for item in known.deps],
                    [item.fs_path for item in known.outs],
                    self._repo.config["core"].get("hardlink_lock", False),
                )
            )
            self._reserved[stage.name] = stack.pop_all()

    def release(self, name: str) -> None:
        """Let other processes at a stage again; do nothing if it was not reserved."""
        stack = self._reserved.pop(name, None)
        if stack is not None:
            with self._dvc(f"release stage {name}"):
                stack.close()

    def record(self, stage: Stage, expected: Inputs) -> float:
        """Record that the outputs on disk were made from `expected`, without running anything.

        Returns:
            The seconds it took.

        Raises:
            StaleInputsError: If the inputs are no longer `expected`; nothing is recorded.
            StorageError: If the outputs cannot be stored in DVC's cache.
        """
        started = time.perf_counter()
        with self._dvc(f"record stage {stage.name}"):
            self._keep(self._load(stage.name), expected)
        return time.perf_counter() - started

    def recorded(self, stages: Iterable[Stage]) -> dict[str, str]:
        """Return DVC's hashes of what the stages read and wrote, by path, as recorded."""
        hashes: dict[str, str] = {}
        with self._dvc("read dvc.lock"):
            for stage in stages:
                known = self._indexed(stage.name)  # the index is read once for all of them
                for item in [*known.deps, *known.outs]:
                    if isinstance(item.hash_info.value, str):
                        hashes[item.def_path] = item.hash_info.value
        return dict(sorted(hashes.items()))

    def keep_plots_page(self) -> None:
        """Let `dvc plots` draw without a network, unless another page is configured."""
        with self._dvc("configure its plots"):
            keep_page(self._repo)

    def listed(self, stages: Iterable[Stage]) -> dict[str, dict[str, str]]:
        """Return the files of every folder that stages read and none made, each with DVC's hash."""
        stages = tuple(stages)
        made = {stage.out for stage in stages if not stage.step.startswith("data:")}
        with self._dvc("list the files of data sets"):
            paths = sorted({dep for stage in stages for dep in stage.deps} - made)
            files = {path: dict(files_of(self._repo, path)) for path in paths}
        return {path: found for path, found in files.items() if found}

    @contextmanager
    def _dvc(self, doing: str) -> Iterator[None]:
        with dvc_errors(self.root, doing), locked(self._repo, patience=self._patience):
            yield

    def _load(self, name: str) -> PipelineStage:
        from dvc.stage.exceptions import StageFileDoesNotExistError, StageNotFound

        try:
            return self._project.stage(name)
        except (StageFileDoesNotExistError, StageNotFound) as error:
            raise _no_stage(name) from error

    def _indexed(self, name: str) -> PipelineStage:
        """Find a stage in DVC's index of the whole project, which also knows every data set."""
        for known in self._repo.index.stages:
            if getattr(known, "name", None) == name and known.path_in_repo == "dvc.yaml":
                return known
        raise _no_stage(name)

    def _restore(self, known: PipelineStage) -> bool:
        from dvc.dependency.base import DependencyDoesNotExistError
        from dvc.dependency.param import MissingParamsError
        from dvc.stage.cache import RunCacheNotFoundError

        try:
            if known.changed_stage() or not known.deps_cached():
                # By what is on disk now: with the recorded outputs left in, DVC would take its
                # record for the entry and give back the result of other inputs.
                known.save_deps()
                for out in known.outs:
                    out.clear()
            self._repo.stage_cache.restore(known, dry=True)
        except (RunCacheNotFoundError, MissingParamsError):
            return False
        except DependencyDoesNotExistError as error:
            raise InputError(
                f"stage {known.name}: {error}; get it (`dvc pull`, `dvc checkout`) or run the "
                "step that makes it"
            ) from error
        found_for = read_inputs(known, fresh=False)
        # As DVC does before it runs a stage: an uncommitted output would stop the restore.
        known.remove_outs(ignore_remove=False, force=False)
        self._repo.stage_cache.restore(known)
        self._keep(known, found_for)
        self._repo._reset()  # what was read of the project is no longer so
        return True

    def _keep(self, known: PipelineStage, expected: Inputs) -> None:
        """Save a stage as DVC does after its command, if its inputs are still the expected."""
        known.save(run_cache=False)
        # What is compared is what is written: no edit of an input can slip into the record in
        # between (DVC itself hashes only after the command).
        changes = expected.changes(read_inputs(known, fresh=False))
        if changes:
            raise StaleInputsError(stale_message(changes))
        self._repo.stage_cache.save(known)
        known.commit()
        self._lock.write(known)


def stale_message(changes: list[str]) -> str:
    """Say that inputs changed while a step ran."""
    return (
        f"inputs changed while it ran: {sentence(changes)}; nothing was recorded, because the "
        "result belongs to neither version; run again"
    )


def _no_stage(name: str) -> InputError:
    return InputError(f"dvc.yaml: expected stage {name}, got none; run `adversity sync`")
