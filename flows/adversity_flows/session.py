"""A whole run: steps, gates, run folder, accepted pointer, and who hears of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.engine.set_up.workspace import Workspace
from adversity.errors import StorageError
from adversity.provenance import file_sha256
from adversity.registry import discover
from adversity.report import exit_code, problems, report_json, story_lines, verdict
from adversity.report.values.model import Provenance
from adversity_flows.dvc.recorder import DvcRecorder
from adversity_flows.exit_codes import FAILED, INTERRUPTED
from adversity_flows.prefect_flows.states import verdict_message
from adversity_flows.redaction import without_secrets
from adversity_flows.runners.open_runner import open_runner
from adversity_flows.runs.accepted_runs import accept
from adversity_flows.runs.attack_ledger import worst_cases
from adversity_flows.runs.environment import Circumstances
from adversity_flows.runs.finished_run import FinishedRun
from adversity_flows.runs.hook_facts import RunFacts, failure_facts, result_facts, step_facts
from adversity_flows.runs.pages import judged, write_pages
from adversity_flows.runs.past_runs import RunFolder, past_runs
from adversity_flows.runs.run_log import RunLog
from adversity_flows.steps.early_refusals import refuse_to_compute
from adversity_flows.steps.remaining_steps import Agenda
from adversity_flows.steps.run_steps import StepRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Plan, Stage
    from adversity.report.values.model import Outcome, Report
    from adversity_flows.runs.past_runs import PastRun
    from adversity_flows.steps.watch import Watcher

__all__ = ["RunOptions", "run_plan"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is to be done.

    Attributes:
        direct: Without Prefect.
        force: Steps that run whatever DVC says.
        strict: An undecided gate fails.
        workers: Shards at a time; the pipeline's `run.workers` if None.
        command: How the run was called, for the manifest.
        verify: Hash every file, also those whose size and time are as recorded.
    """

    direct: bool = False
    force: Collection[str] = ()
    strict: bool = False
    workers: int | None = None
    command: str = ""
    verify: bool = False


def run_plan(
    plan: Plan, watcher: Watcher, options: RunOptions, *, warn: Callable[[str], None]
) -> FinishedRun:
    """Run a pipeline to its verdict.

    Args:
        plan: The pipeline, resolved.
        watcher: Told of progress.
        options: How it is to be done.
        warn: Told what went wrong beside the run (Prefect gone, a plugin's hook failed).

    Raises:
        AdversityError: A step failed; its run folder says so, and what is finished is kept.
        KeyboardInterrupt: Likewise.
    """
    session = _Session(plan, watcher, options, warn)
    session.tell("adversity_run_started")
    try:
        return session.run()
    except BaseException as error:
        session.failed(error)
        raise


class _Session:
    """One run; a watcher itself, so that folder, log and hooks hear of every step."""

    def __init__(
        self, plan: Plan, watcher: Watcher, options: RunOptions, warn: Callable[[str], None]
    ) -> None:
        self.plan = plan
        self._watcher = watcher
        self.shard_went_on = watcher.shard_went_on
        self._options = options
        self._warn = warn
        self._workspace = Workspace.of(plan.root)
        self._folder = RunFolder(plan.root, plan.name)
        self._outcomes: tuple[Outcome, ...] = ()
        self._report: Report | None = None
        self._started = time.time()
        self._clock = time.monotonic()
        self._circumstances = Circumstances(plan)
        self._facts = RunFacts(plan, self._folder, options.command, self._circumstances)

    def tell(self, hook: str, **make: Callable[[], dict[str, Any]]) -> None:
        """Tell plugins of the run; one that fails is named and nothing else happens.

        Args:
            hook: Which event.
            make: Its further arguments, made only if somebody listens.
        """
        registry = discover()
        if not registry.listens(hook):
            return
        values = {name: facts() for name, facts in make.items()}
        for problem in registry.notify(hook, run=self._facts.now(), **values):
            self._warn(f"warning: plugin {problem}")

    def run(self) -> FinishedRun:
        """Do the steps, then judge and write."""
        refuse_to_compute(self.plan)
        with DvcRecorder.open(self.plan.root, verify=self._options.verify) as memory:
            conductor = StepRecorder(self.plan, self._workspace, memory, force=self._options.force)
            try:
                self._conduct(conductor)
            finally:
                self._outcomes = tuple(conductor.outcomes)
            hashes = memory.recorded(self.plan.stages)
            if self._folder.exists:
                self._keep_plots_page(memory)
                self._folder.keep_inputs(memory.listed(self.plan.stages))
        return self._conclude(hashes)

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        """Pass on, and write it down; the folder is made when the first step runs."""
        if not self._folder.exists:
            self._folder.make()
            self._log.started(self.plan.file, self._options.command)
            self._folder.write_manifest({**self._manifest(), "state": "running"})
        self._log.step_started(stage.step, total, pending, reason)
        self._watcher.stage_started(stage, total, pending, reason)

    def shard_finished(self, stage: Stage, shard: Shard) -> None:
        """Pass on, and write it down."""
        self._log.shard_done(stage.step, shard)
        self._watcher.shard_finished(stage, shard)

    def stage_finished(self, stage: Stage, outcome: Outcome, result: StageResult) -> None:
        """Pass on, write it down and tell plugins."""
        if self._folder.exists:
            self._log.step_ended(outcome, result.notes)
        self._watcher.stage_finished(stage, outcome, result)
        step = partial(step_facts, stage, outcome, result, self._workspace.outputs)
        self.tell("adversity_step_finished", step=step)

    def failed(self, error: BaseException) -> None:
        """Leave a folder that says what happened, if a step had begun."""
        interrupted = isinstance(error, KeyboardInterrupt)
        state = "interrupted" if interrupted else "failed"
        code = INTERRUPTED if interrupted else getattr(error, "exit_code", FAILED)
        message = without_secrets(str(error))
        try:
            if self._folder.exists:
                self._log.failed(error, code)
                said = {"state": state, "error": message, "exit_code": code}
                self._folder.write_manifest(self._manifest() | said)
        except (OSError, StorageError) as trouble:  # a full disk, mostly; the error counts
            self._warn(f"warning: {self._folder.path} is not complete: {trouble}")
        facts = partial(failure_facts, error, self._folder, code, self._seconds)
        self.tell("adversity_run_finished", result=facts)

    def _conduct(self, conductor: StepRecorder) -> None:
        workers = self._options.workers or self.plan.spec.run.workers
        with open_runner(self.plan, workers, self._warn) as conductor.runner:
            if self._options.direct:
                agenda = Agenda(conductor, self)
                agenda.pass_unchanged()  # the project is read once for all steps that are
                agenda.finish_directly(workers)
                return
            from adversity_flows.prefect_flows.run_pipeline import run_with_prefect

            how: Any = {"log": self._folder.path / "prefect.log", "conclude": self._judge}
            run_with_prefect(conductor, self, workers=workers, warn=self._warn, **how)

    def _judge(self) -> tuple[int, str]:
        """Judge what the steps left; return the exit code and the verdict in words."""
        self._report = judged(self.plan, self._workspace)
        code = exit_code(self._report.gates, strict=self._options.strict)
        return code, verdict_message(verdict(self._report)[1], problems(self._report))

    def _keep_plots_page(self, memory: DvcRecorder) -> None:
        try:
            memory.keep_plots_page()
        except Exception as error:  # noqa: BLE001  (no fault of it may cost the results)
            self._warn(f"warning: `dvc plots` may need a network: {error}")

    def _conclude(self, hashes: dict[str, str]) -> FinishedRun:
        """Judge; write the folder unless an earlier one says the same."""
        report = self._report or judged(self.plan, self._workspace)
        earlier = None if self._folder.exists else self._same_as_before(report, hashes)
        past = earlier or self._write(report, hashes)
        code = exit_code(report.gates, strict=self._options.strict)
        if not code:
            accept(self.plan.root, self.plan.name, past.id)
        finished = FinishedRun(report, past, earlier is not None, not code, code, self._seconds)
        self.tell("adversity_run_finished", result=partial(result_facts, finished))
        return finished

    def _same_as_before(self, report: Report, hashes: dict[str, str]) -> PastRun | None:
        """Return the last run if data, file, results and judgements are all the same."""
        last = next(iter(past_runs(self.plan.root, self.plan.name)), None)
        same = last is not None and (
            last.manifest.get("text_sha256") == self._text_hash()
            and last.manifest.get("hashes") == hashes
            and last.manifest.get("gates") == report_json(report)["gates"]
            and last.manifest.get("worst_cases") == worst_cases(report)
        )
        return last if same else None

    def _write(self, report: Report, hashes: dict[str, str]) -> PastRun:
        """Write everything that stays of the run."""
        folder = self._folder
        if not folder.exists:
            folder.make()
        state, line = verdict(report)
        record = self._manifest() | {
            "state": "done",
            "verdict": state,
            "verdict_line": line,
            "problems": list(problems(report)),
            "exit_code": exit_code(report.gates, strict=self._options.strict),
            "gates": report_json(report)["gates"],
            "worst_cases": worst_cases(report),
            "text_sha256": self._text_hash(),
            "hashes": hashes,
            "resolved": self._circumstances.resolved,
        }
        place = (folder.path, self.plan, self._workspace)
        whole = write_pages(*place, report.gates, self._provenance(hashes), facts=record)
        folder.keep_tables(self._workspace.outputs, self.plan.stages)
        past = folder.write_manifest(record | {"story": list(story_lines(whole))})
        self._log.judged(line, problems(report), record["exit_code"])
        return past

    def _manifest(self) -> dict[str, Any]:
        provenance = asdict(self._provenance({}))
        del provenance["run_id"], provenance["hashes"]
        return {"pipeline": self.plan.name, "file": self.plan.file, **provenance}

    def _provenance(self, hashes: dict[str, str]) -> Provenance:
        return Provenance(
            run_id=self._folder.id,
            started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started)),
            seconds=round(self._seconds, 3),
            command=self._options.command,
            outcomes=self._outcomes,
            versions=self._circumstances.versions,
            machine=self._circumstances.machine,
            git=self._circumstances.git,
            hashes=hashes,
            door="direct" if self._options.direct else "prefect",
        )

    @property
    def _log(self) -> RunLog:
        return RunLog(self._folder.path)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._clock

    def _text_hash(self) -> str:
        return file_sha256(self.plan.root / self.plan.file)
