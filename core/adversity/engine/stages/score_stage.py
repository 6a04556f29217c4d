"""Uncertainty from stored predictions: probabilities, scores, sets of classes, ensembles."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Combine, Decide, Detector, Predictive, Sampling
from adversity.data.arrays import write_arrays
from adversity.data.sample_columns import group_names, grouping_column
from adversity.engine.calls.uncertainty_call import CalibratorCall, DecideCall, DetectorCall
from adversity.engine.chain.answer import Answer
from adversity.engine.set_up.toolbox import state_path
from adversity.engine.stages.answer_columns import answer_columns, answer_of, set_columns
from adversity.engine.stages.by_groups import unseen_notes
from adversity.engine.stages.fitting import fit_identity, notes_of_states, source_notes
from adversity.engine.stages.history import history_path, write_history
from adversity.engine.stages.kept_fits import KeptFits
from adversity.engine.stages.members import Member, distinct_members, members_of, stacked
from adversity.engine.stages.sampling_stage import SamplingRun
from adversity.engine.stages.table_stage import TableRun
from adversity.errors import DataError
from adversity.registry.entry import class_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.engine.set_up.workspace import Workspace
    from adversity.engine.stages.columns import Columns, Rows
    from adversity.engine.stages.stage import Shard, StageResult
    from adversity.pipeline.plan.model import Cell, Plan, Stage

__all__ = ["CombineRun", "ScoreRun", "score_run"]

_USED = ("id", "target", "prediction", "correct", "confidence", "logits", "probs")
"""The columns that a score goes by, and that its own table has as well."""
_ANSWER = ("id", "target", "logits", "probs")
"""Those that members are combined by."""


def score_run(plan: Plan, stage: Stage, workspace: Workspace) -> TableRun:
    """Open a step of an uncertainty method, by the shape of the method."""
    method = class_of(plan.steps[stage.step].entry)
    for shape, run in ((Combine, CombineRun), (Sampling, SamplingRun)):
        if issubclass(method, shape):
            return run(plan, stage, workspace)
    return ScoreRun(plan, stage, workspace)


class _FromPredictions(TableRun):
    """A step on stored predictions: of one step and cell, or of several members."""

    def split(self) -> list[Shard]:
        """Cut as usual, and prepare a place for what is looked up."""
        self._lock = threading.RLock()
        self._ids: dict[Member, list[str]] = {}
        self.fits = KeptFits(self)
        return super().split()

    def fit_parts(self, cell: Cell) -> list[object]:
        """Return what the fit of this step hangs on, if it is fitted here."""
        fitted = self.planned.fit_on is not None
        return fit_identity(self, self.stage.step, cell) if fitted else []

    def tables(self) -> list[str]:
        """Return the hashes of the incoming tables."""
        return [self.toolbox.table(name).sha256 for name in self.planned.source]

    def class_names(self, cell: Cell) -> tuple[str, ...]:
        """Return the classes of what comes in."""
        return members_of(self.toolbox, self.planned, cell)[0].classes(self.toolbox)

    def places(self, shard: Shard, member: Member) -> np.ndarray[Any, Any]:
        """Return where a shard's samples stand in the incoming rows: all are sorted by id."""
        source = self.source(shard.cell)
        samples = {source.ids[i] for i in shard.samples}
        return np.array([i for i, name in enumerate(self._ids_of(member)) if name in samples])

    def read(self, member: Member, places: np.ndarray[Any, Any], names: Sequence[str]) -> Rows:
        """Read some columns, those that are there."""
        rows = member.rows(self.toolbox)
        return rows.at(places, [name for name in names if name in rows])

    def _ids_of(self, member: Member) -> list[str]:
        """Read the incoming ids of a member once; those of one cell stay in memory."""
        with self._lock:
            if member not in self._ids:
                self._ids = {member: member.rows(self.toolbox)["id"].tolist()}
            return self._ids[member]

    def pending(self) -> tuple[Shard, ...]:
        """Return what is not finished; what was fitted is looked at, too, so that damage is said."""
        if self.planned.fit_on is not None:
            for cell in self.planned.cells:
                self.fits.has(cell)
        return super().pending()

    def ready(self, cell: Cell) -> Ready:
        """Return the plugin; one with `fit_on` of its own is fitted here."""
        if self.planned.fit_on is None:
            return self.toolbox.ready(self.stage.step, cell)
        return self.toolbox.bare(self.stage.step, cell, state=self.fits.of(cell).state)

    def discard(self, shards: Iterable[Shard]) -> None:
        """Take the tables of shards out of the store, and what was fitted for them."""
        given = list(shards)
        super().discard(given)
        if self.planned.fit_on is not None:
            for cell in dict.fromkeys(shard.cell for shard in given):
                self.fits.forget(cell)

    def fill(self, out: Path) -> StageResult:
        """Write the table, and the states where the plugin was fitted."""
        if self.planned.fit_on is not None:
            infos = {}
            for cell in self.planned.cells:
                fit = self.fits.of(cell)
                state = fit.state
                write_history(history_path(out, cell), fit.rows)
                write_arrays(state_path(out, cell), dict(state.arrays), dict(state.info))
                infos[cell.key] = state.info
                said = source_notes(self.toolbox, self.stage.step, cell)
                self.notes += [note for note in said if note not in self.notes]
            self.notes += notes_of_states(self.stage.step, infos)
        return super().fill(out)


class CombineRun(_FromPredictions):
    """The answers of several members made one; what each said stays beside it."""

    def split(self) -> list[Shard]:
        """Cut as usual, and prepare a place for what the members' networks are."""
        self._networks: dict[Member, str] = {}
        return super().split()

    def content(self, cell: Cell) -> list[object]:
        """Hash the members' tables, which members they are, and the plugin.

        Raises:
            DataError: If two members of the cell are one.
        """
        members = [str(one) for one in distinct_members(self, self.planned, cell, self._networks)]
        fit = [self.fit_parts(cell)] if self.planned.fit_on is not None else []
        return [self.tables(), members, self.identity(self.stage.step, cell), cell.key, *fit]

    def compute(self, shard: Shard) -> Columns:
        """Look up what each member says of the shard's rows, and run the plugin on it."""
        members = members_of(self.toolbox, self.planned, shard.cell)
        places = self.places(shard, members[0])
        rows = [self.read(member, places, _ANSWER) for member in members]
        self._require_the_same_samples(members, rows)
        columns: Columns = {name: rows[0][name] for name in ("id", "target") if name in rows[0]}
        said = stacked(rows, [str(member) for member in members])
        probs: Tensor = self.ready(shard.cell).call(said, tuple(columns["id"].tolist()))
        columns |= answer_columns(Answer(probs, "probs"), columns.get("target"))
        # float32, as classifiers answer; rows first, as in all tables.
        return columns | {"members": said.float().transpose(0, 1).numpy()}

    def _require_the_same_samples(self, members: Sequence[Member], rows: Sequence[Rows]) -> None:
        """Refuse members whose rows are of other samples.

        Raises:
            DataError: With two of them.
        """
        for member, each in zip(members, rows, strict=True):
            if not np.array_equal(each["id"], rows[0]["id"]):
                raise DataError(
                    f"{self.planned.line}: {members[0]} and {member} hold other samples; "
                    f"{self.stage.step} combines what members say of the same ones: run "
                    "`adversity run` for all of them"
                )


class ScoreRun(_FromPredictions):
    """A score, a calibrator or a decision on stored predictions; fitted first where it must be."""

    def content(self, cell: Cell) -> list[object]:
        """Hash the upstream tables and the plugin."""
        step = self.stage.step
        parts = [self.tables(), self.fit_parts(cell), self.identity(step, cell), cell.key]
        if getattr(self.toolbox.plugin(step, cell), "needs_head", False):
            parts.append(self.identity(self.planned.upstream, cell))
        return parts

    def _network(self, cell: Cell) -> Ready:
        """Return the classifier whose answers come in, set up."""
        return self.toolbox.ready(self.planned.upstream, cell)

    def fill(self, out: Path) -> StageResult:
        """Write the table; say how many samples are of no group that the plugin was fitted on."""
        self.notes += unseen_notes(self.toolbox, self.planned)
        return super().fill(out)

    def compute(self, shard: Shard) -> Columns:
        """Look the shard's rows up and run the plugin on them."""
        import torch

        ready = self.ready(shard.cell)
        [member] = members_of(self.toolbox, self.planned, shard.cell)
        needed = _needed(ready.plugin)
        stored = dict(self.read(member, self.places(shard, member), (*_USED, *needed)))
        wide = {name: stored.pop(name) for name in needed}
        ids = tuple(stored["id"].tolist())
        columns: Columns = {name: stored[name] for name in ("id", "target") if name in stored}
        call, answer = ready.call, answer_of(stored, ready.label)
        if isinstance(call, CalibratorCall):
            calibrated = answer.calibrated(call(answer.as_logits, ids))
            return columns | answer_columns(calibrated, columns.get("target"))
        columns |= {name: column for name, column in stored.items() if name not in columns}
        if isinstance(call, DetectorCall):
            features = torch.from_numpy(wide["features"].copy())
            head = self._network(shard.cell).call.head if ready.plugin.needs_head else None
            scores = call(features, answer.as_logits, ids, head=head)
            return columns | {ready.plugin.name: scores.numpy()}
        given = call(_predictive(answer, wide), ids)
        if isinstance(call, DecideCall) and ready.plugin.decides == "accept":
            return columns | {"accepted": given.numpy()}
        if isinstance(call, DecideCall):
            return columns | set_columns(given, columns.get("target"))
        return columns | {ready.plugin.name: given.numpy()}


def _needed(plugin: Any) -> tuple[str, ...]:
    """Return the columns that a method goes by and does not hand on."""
    if isinstance(plugin, Detector):
        return ("features",)
    if isinstance(plugin, Decide):
        return () if plugin.goes_by is None else (grouping_column(plugin.goes_by),)
    return ("members",) if getattr(plugin, "needs_members", False) else ()


def _predictive(answer: Answer, more: Rows | Columns) -> Predictive:
    """Return the answer as scores get it, and what members `[N, M, K]` said, or groups."""
    import torch

    said = more.get("members")
    names = [group_names(column) for name, column in more.items() if name != "members"]
    return Predictive(
        answer.probabilities,
        answer.values if answer.gives == "logits" else None,
        members=None if said is None else torch.from_numpy(said).double().transpose(0, 1),
        groups=names[0] if names else None,
    )
