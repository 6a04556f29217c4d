"""The page that answers: what can I extend?

A distribution declares one entry point in the group `adversity` that names a module. The
module has functions marked `@hookimpl`: those named below, and one for each kind of plugins,
named by its contract, which shows a worked example.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pluggy

from adversity.contracts import KINDS
from adversity.distributions import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adversity.contracts import PluginBase
    from adversity.notifier import Notifier

__all__ = ["GROUP", "hookimpl", "hookspec", "kind_hook"]

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


def kind_hook(contract: type[PluginBase]) -> Callable[[], Any]:
    """Return the specification of the hook that offers the plugins of a kind."""

    def offer() -> Any:
        return ()

    name = contract.describes.hook
    *_, example = (inspect.getdoc(contract) or "").partition("Example::")
    shown = f"\n\nExample::{example}" if example else ""
    offer.__name__ = offer.__qualname__ = name
    offer.__doc__ = f"Return {contract.describes.name} classes.{shown}"
    return hookspec(offer)


_contracts = sorted(KINDS.values(), key=lambda cls: cls.describes.place)
globals().update({cls.describes.hook: kind_hook(cls) for cls in _contracts})


@hookspec
def adversity_kinds() -> Iterable[type[PluginBase]]:  # type: ignore[empty-body]
    """Return the contracts of new kinds of plugins: abstract classes with `describes`.

    Asked for before any plugin is looked at, so that it does not matter who is installed first.
    The kind's own hook, `describes.hook`, then offers plugins of it, from any distribution.
    """


@hookspec
def adversity_notifiers() -> Iterable[type[Notifier]]:  # type: ignore[empty-body]
    """Return ways to tell somebody how a run went: classes of `adversity.Notifier`.

    A pipeline file names one under `notify:`, by its `name`. What `send` raises is said beside
    the run, whose verdict and exit code stay. `adversity.Notifier` shows an example.
    """


@hookspec
def adversity_run_started(run: Mapping[str, Any]) -> None:
    """Hear that a run starts, before anything was read or decided.

    The life-cycle hooks are for trackers and messengers: nothing they return is used, and what
    they raise becomes one warning beside the run. They are called one after the other, from one
    thread, and the run waits. An implementation takes the arguments it needs: `(step)` is
    enough. More keys may come; those listed here stay. Values are copies.

    Args:
        run: What is known of the run:

            - `id`: the run's id, `20261122-141502-smoke`
            - `announced`: the `id` of `adversity_run_started`; it differs from `id` where another
              run took that name meanwhile, so it is what a tracker files a run under
            - `pipeline`: the pipeline's name
            - `folder`: the run's folder; not on disk until a step runs, never if nothing changed
            - `root`: the project's folder; `file`: the pipeline file, relative to it
            - `command`: how the run was called
            - `steps`: ids of the steps that leave an artifact, in order, the report last
            - `parameters`: what the pipeline file says, with defaults, as JSON values
            - `git`: `revision` and `state` (`clean`, `dirty`, `unknown`); empty without a commit
            - `versions`: of Python, of the libraries that compute and of plugin distributions
    """


@hookspec
def adversity_step_finished(run: Mapping[str, Any], step: Mapping[str, Any]) -> None:
    """Hear that a step finished or was found unchanged; not called for one that failed.

    Args:
        run: As in `adversity_run_started`.
        step: What happened:

            - `id`: the step's id; `data:<name>` for a packaged data set
            - `outcome`: `ran` or `cached`; a cached step has its measures all the same
            - `reason`: why, in words
            - `seconds`: wall time; 0 if cached
            - `measures`: cell key (`eps=4/255`, empty without a matrix) to name to
              `adversity.Measure`
            - `notes`: what must be said of the results, sentences
            - `folder`: the step's artifact
    """


@hookspec
def adversity_run_finished(run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Hear that a run ended, however it ended; not called if the process is killed.

    Args:
        run: As in `adversity_run_started`.
        result: How it ended:

            - `verdict`: `pass`, `fail`, `undecided` or `error`; `line`: the same in a sentence
            - `exit_code`: 0 or 1 as the gates say; 130 if interrupted; else a step failed
            - `seconds`: wall time
            - `gates`: as in `result.json`: `text`, `verdict`, `why`, `step`, `cell`, ...
            - `problems`: what somebody must look at, a sentence each: gates that did not pass, void
              figures, warnings; empty if the run came to no verdict
            - `measures`: step to cell to name to measure, as in `adversity_step_finished`: those of
              the steps, and those that compare attacks, with each other and with the ledger;
              empty if the run came to no verdict
            - `report`: the page, or None if the run came to no verdict
            - `folder`: where report, `result.json` and `manifest.json` lie, or None if there is
              none; an earlier run's if nothing changed
            - `repeats`: the id of that earlier run, or None
            - `error`: what ended the run before its verdict, or None
    """
