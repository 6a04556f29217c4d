"""What a plugin promises that keeps its fit while it goes on, so that a killed one goes on."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from adversity.contracts.fitted import VALIDATE
from adversity.data.store import Store
from adversity.engine.public.in_memory import learnt
from adversity.engine.stages.checkpoint import Checkpoint
from adversity.testing.bench.checks import Failed, NotApplicable, check, require
from adversity.testing.common.row_by_row import seed_everything

if TYPE_CHECKING:
    from adversity.contracts import Fitted, State
    from adversity.engine.calls.fit_watch import Keeper, Kept
    from adversity.testing.bench.bench import Bench

__all__ = ["as_text", "ends_as_undisturbed"]

_KEY = "0" * 64


class _Killed(BaseException):
    """Ends a fit from within, as a kill does: no `except Exception` of a plugin holds it up."""


class _Counts:
    """A keeper that keeps nothing and counts how often a fit would have it keep something."""

    def __init__(self) -> None:
        self.asked = 0

    def due(self) -> bool:
        self.asked += 1
        return False

    def keep(self, kept: Kept) -> None:
        """Is never due."""

    def kept(self) -> Kept | None:
        return None


class _KillsAfter:
    """A keeper that keeps all on the disk, as a run does, and kills a fit after some of them."""

    def __init__(self, folder: Path, keeps: int | None) -> None:
        self._checkpoint = Checkpoint(Store(folder), _KEY, seconds=0, name="the fit")
        self._left = keeps
        self.saved, self.resumed = 0, False

    def due(self) -> bool:
        return True

    def keep(self, kept: Kept) -> None:
        self._checkpoint.keep(kept)
        self.saved += 1
        if self.saved == self._left:
            raise _Killed

    def kept(self) -> Kept | None:
        self.resumed = True
        return self._checkpoint.kept()


@check("A fit that keeps what it has so far and is killed ends as one undisturbed.")
def ends_as_undisturbed(bench: Bench) -> str:
    """Kill it after its first save, and again half-way; go on in a new plugin each time."""
    count = _Counts()
    whole = _fit(bench, count)
    if not count.asked:
        raise NotApplicable("it keeps nothing of a fit that goes on")
    half = (count.asked + 1) // 2
    with TemporaryDirectory(prefix="adversity-") as folder:
        done = 0
        for upto in sorted({1, half}):
            if upto < count.asked:
                done += _killed(bench, Path(folder), upto - done, first=not done)
        last = _KillsAfter(Path(folder), None)
        state, rows = _fit(bench, last)
    require(
        last.saved == count.asked - done,
        f"expected a fit that saves {count.asked} times, and was killed after {done} of them, to "
        f"go on there, it saved {last.saved} times more",
    )
    _require_the_same(whole, (state, rows))
    return f"killed after {done} of {count.asked} saves"


def _killed(bench: Bench, folder: Path, keeps: int, *, first: bool) -> int:
    """Let a fit go on until it has saved so often; return how often that was."""
    keeper = _KillsAfter(folder, keeps)
    try:
        _fit(bench, keeper)
    except _Killed:
        pass
    else:
        raise Failed(
            f"expected a fit to save {keeps} times more before it ends, as the undisturbed one, it "
            f"saved {keeper.saved} times"
        )
    require(
        keeper.resumed,
        f"expected it to ask `data.watch.resume()` what was kept{'' if first else ' of it'}, it "
        "never does: then what it saves is of no use",
    )
    return keeps


def _fit(bench: Bench, keeper: Keeper) -> tuple[State, list[dict[str, float]]]:
    """Fit a new plugin, judged while it learns where it may be; return that and its history."""
    seed_everything(3)
    judged = VALIDATE in cast("type[Fitted]", bench.cls).may_take
    data = bench.sources(*([VALIDATE] if judged else []))
    state = learnt(bench.set_up(bench.make()), data, 0, keeper)
    return state, list(data.watch.rows)


def _require_the_same(whole: tuple[State, Any], resumed: tuple[State, Any]) -> None:
    """Compare states and histories to the last bit."""
    first, second = as_text(whole[0]), as_text(resumed[0])
    names = sorted(first.keys() | second.keys())
    different = [name or "info" for name in names if first.get(name) != second.get(name)]
    if whole[1] != resumed[1]:
        different.append("its history")
    require(
        not different,
        f"expected what an undisturbed fit finds, {', '.join(different)} differ: save all that the "
        "next epoch hangs on, and draw from `rng` before `resume` what the first run draws there",
    )


def as_text(state: State) -> dict[str, Any]:
    """Return a state so that `==` compares it to the last bit."""
    arrays: dict[str, Any] = {
        name: (str(value.dtype), value.shape, value.tobytes())
        for name, value in state.arrays.items()
    }
    return arrays | {"": state.info}
