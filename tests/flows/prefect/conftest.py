"""A small conductor whose steps are functions, and one Prefect server for all tests here."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from adversity.contracts.values import Measure
from adversity.pipeline.plan.model import Cell, Stage
from adversity_flows.runners.runner import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adversity.engine.stages.stage import Progress
    from adversity.report.values.model import Outcome


@dataclass(frozen=True)
class FakeShard:
    index: int
    label: str
    cell: Cell = field(default_factory=Cell)
    rows: int = 4
    by: str = ""


@dataclass(frozen=True)
class FakeDecision:
    stale: bool
    reason: str


@dataclass(frozen=True)
class FakeResult:
    step: str
    measures: dict[str, dict[str, Measure]]
    notes: tuple[str, ...]
    rows: int


@dataclass
class FakeJob:
    """A step of `shards` shards; `act(step, index)` is what a shard does."""

    stage: Stage
    shards: tuple[FakeShard, ...]
    act: Callable[[str, int], None]
    done: set[int]
    first_wave: int | None = None
    damaged: tuple[str, ...] = ()
    says: Progress | None = None
    on_progress: Callable[[FakeShard, Progress], None] = lambda shard, progress: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pending(self) -> tuple[FakeShard, ...]:
        return tuple(shard for shard in self.shards if shard.index not in self.done)

    def waves(self, *, force: bool = False) -> Iterator[tuple[FakeShard, ...]]:
        todo = self.shards if force else self.pending()
        cut = self.first_wave or len(todo)
        yield from (wave for wave in (todo[:cut], todo[cut:]) if wave)

    def run_shard(self, shard: FakeShard) -> None:
        if self.says is not None:
            self.on_progress(shard, self.says)
        self.act(self.stage.step, shard.index)
        with self.lock:
            self.done.add(shard.index)


class FakeConductor:
    """Remembers in a dict what DVC would remember in its lock."""

    def __init__(
        self,
        root: Path,
        *,
        steps: tuple[str, ...] = ("clean", "dark", "report"),
        shards: int = 4,
        act: Callable[[str, int], None] = lambda step, index: None,
        retries: int = 0,
        name: str = "toy",
        first_wave: int | None = None,
        says: Progress | None = None,
    ) -> None:
        stages = tuple(
            Stage(
                step=step,
                name=f"{name}-{step}",
                command="",
                deps=(),
                params={},
                out=f"artifacts/{name}/{step}",
                views=("fog", "fixed") if step == "dark" else (),
            )
            for step in steps
        )
        self.plan = SimpleNamespace(
            name=name,
            file=f"pipelines/{name}.yaml",
            root=root,
            stages=stages,
            stage=lambda step: next(stage for stage in stages if stage.step == step),
            spec=SimpleNamespace(run=SimpleNamespace(retries=retries)),
        )
        self.workspace = SimpleNamespace(root=root, outputs=root, store=root / ".adversity/store")
        self.outcomes: list[Outcome] = []
        self.abandoned: list[str] = []
        self.force: frozenset[str] = frozenset()
        self.runner = Threads()
        self.shards = shards
        self.act = act
        self.first_wave, self.says = first_wave, says
        self.finished: dict[str, set[int]] = {step: set() for step in steps}
        self.recorded: dict[str, FakeResult] = {}
        self.calls: list[str] = []
        self.threads: set[int] = set()

    def prepare(self) -> None:
        """Nothing to write."""

    def abandon(self, stage: Stage) -> None:
        self.abandoned.append(stage.step)

    def deciding(self) -> AbstractContextManager[None]:
        return nullcontext()

    def decide(self, stage: Stage) -> FakeDecision:
        if stage.step in self.recorded:
            return FakeDecision(stale=False, reason="nothing it depends on changed")
        return FakeDecision(stale=True, reason=f"never ran: {stage.step}")

    def begin(self, stage: Stage) -> FakeJob:
        self._note("begin", stage)
        shards = tuple(FakeShard(i, f"{i + 1}/{self.shards}") for i in range(self.shards))
        done = self.finished[stage.step]
        return FakeJob(stage, shards, self.act, done, self.first_wave, says=self.says)

    def complete(self, stage: Stage, stage_run: FakeJob) -> FakeResult:
        self._note("complete", stage)
        if stage_run.pending():
            raise RuntimeError(f"{stage.step} was completed with pending shards")
        measure = Measure(0.5, 16, low=0.28, high=0.72, method="wilson")
        result = FakeResult(stage.step, {"severity=3": {"accuracy": measure}}, ("a|note",), 16)
        folder = self.workspace.outputs / stage.out
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.md").write_text("# It held\n")
        (folder / "grid.png").write_bytes(b"\x89PNG")
        self.recorded[stage.step] = result
        return result

    def read_result(self, stage: Stage) -> FakeResult:
        self._note("recall", stage)
        return self.recorded[stage.step]

    def _note(self, what: str, stage: Stage) -> None:
        self.calls.append(f"{what} {stage.step}")
        self.threads.add(threading.get_ident())


class ListeningWatcher:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def stage_started(self, stage: Stage, total: int, pending: int, reason: str) -> None:
        self.heard.append(f"{stage.step} started {pending}/{total}")

    def shard_went_on(self, stage: Stage, shard: FakeShard, progress: Progress) -> None:
        self.heard.append(f"{stage.step} {shard.label} {progress.words}")

    def shard_finished(self, stage: Stage, shard: FakeShard) -> None:
        self.heard.append(f"{stage.step} shard")

    def stage_finished(self, stage: Stage, outcome: object, result: object) -> None:
        self.heard.append(f"{stage.step} {outcome.state}")


@pytest.fixture(scope="session", autouse=True)
def own_prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the client's files and profile away from those of the person who runs the tests."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect-client")))
    patch.delenv("PREFECT_API_URL", raising=False)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def prefect_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose Prefect server stays up for all tests, and is gone afterwards."""
    from adversity_flows.prefect_flows.server import alive, project_server

    root = tmp_path_factory.mktemp("project")
    with project_server(root) as url:
        yield root
    until = time.monotonic() + 15
    while alive(url) and time.monotonic() < until:
        time.sleep(0.1)
    if alive(url):
        pytest.fail(f"the Prefect server at {url} outlived the tests")


@pytest.fixture
def conductor(prefect_root: Path) -> Callable[..., FakeConductor]:
    """Make fake conductors in the project with the server."""
    return lambda **settings: FakeConductor(prefect_root, **settings)


@pytest.fixture
def watcher() -> ListeningWatcher:
    """A watcher that notes what it hears."""
    return ListeningWatcher()
