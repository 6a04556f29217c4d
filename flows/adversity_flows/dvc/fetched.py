"""What a pipeline needs of DVC's remote: fetched, verified by its hash, and put in its place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError, RunError
from adversity_flows.dvc.objects import is_cached, pull, spoilt
from adversity_flows.dvc.repository import alone, dvc_errors, open_repository

if TYPE_CHECKING:
    from dvc.repo import Repo

    from adversity.pipeline.plan.model import Plan

__all__ = ["DamagedError", "Fetched", "fetch_needed"]


class DamagedError(RunError):
    """Bytes are not those that their hash names; another try would find the same."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a pipeline had before it ran.

    Attributes:
        data: Its data sets and other files that DVC tracks, all verified.
        fetched: Those of them that came from the remote.
        results: Results of earlier runs that are in their place, and need not be computed.
    """

    data: tuple[str, ...] = ()
    fetched: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


def fetch_needed(plan: Plan) -> Fetched:
    """Put what a plan reads, and what its steps left before, into their places.

    Data must be there and whole; a result that neither cache nor remote has is computed anew.

    Raises:
        DamagedError: If the bytes of a data set are not what its `.dvc` file names.
        InputError: If there is no remote that could have them.
        RunError: If the remote does not give them.
    """
    with dvc_errors(plan.root, "fetch data"), alone():
        repo = open_repository(plan.root)
        try:
            data, results = _needed(repo, plan)
            absent = [out for out in data if not is_cached(out.cache, out.hash_info)]
            _fetch(repo, absent)
            bad = [out for out in data if out not in absent and spoilt(out.cache, out.hash_info)]
            _fetch(repo, bad)  # on this disk only, perhaps: what is in the remote may be whole
            for out in (*absent, *bad):
                _refuse_damaged(repo, out)
            there = [out for out in results if _is_obtained(repo, out)]
            names = [_path(repo, out) for out in data]
            if data or there:
                repo.checkout(targets=[*names, *(_path(repo, out) for out in there)], force=True)
            came = tuple(_path(repo, out) for out in (*absent, *bad))
            return Fetched(tuple(names), came, tuple(_path(repo, out) for out in there))
        finally:
            repo.close()


def _needed(repo: Repo, plan: Plan) -> tuple[list[Any], list[Any]]:
    """Return the outputs that a plan reads and does not make, and those that it made before."""
    names = {stage.name for stage in plan.stages}
    made = {stage.out for stage in plan.stages}
    reads = {dep for stage in plan.stages for dep in stage.deps} - made
    data: list[Any] = []
    results: list[Any] = []
    for out in repo.index.outs:
        if not out.hash_info:
            continue
        own = getattr(out.stage, "name", None) in names and out.stage.path_in_repo == "dvc.yaml"
        if own:
            results.append(out)
        elif any(_overlap(repo, str(plan.root / dep), out.fs_path) for dep in reads):
            data.append(out)
    return data, results


def _overlap(repo: Repo, one: str, other: str) -> bool:
    inside = repo.fs.isin_or_eq
    return bool(inside(one, other) or inside(other, one))


def _fetch(repo: Repo, outs: list[Any]) -> None:
    """Fetch data sets, those that are imported from elsewhere, too."""
    if not outs:
        return
    names = [_path(repo, out) for out in outs]
    imported = all(out.stage.is_import for out in outs)
    if not repo.config["core"].get("remote") and not imported:
        raise InputError(
            f"{', '.join(names)}: expected in DVC's cache of this machine or in a remote, got no "
            "remote; name one with `dvc remote add --default NAME URL`, and `dvc push` the data "
            "from where they are"
        )
    try:
        repo.fetch(targets=names)
    except Exception as error:
        raise RunError(f"{', '.join(names)}: the remote did not give it: {error}") from error
    absent = [_path(repo, out) for out in outs if not is_cached(out.cache, out.hash_info)]
    if absent:
        raise RunError(
            f"{', '.join(absent)}: the remote does not have all of it; `dvc push` from where it is"
        )


def _is_obtained(repo: Repo, out: Any) -> bool:
    """Say whether a result of an earlier run is in the cache, whole; it is fetched if need be."""
    try:
        pull(repo, [out.hash_info])
        return is_cached(out.cache, out.hash_info) and not spoilt(out.cache, out.hash_info)
    except Exception:  # noqa: BLE001  (whatever a remote's library raises: it is computed anew)
        return False


def _refuse_damaged(repo: Repo, out: Any) -> None:
    bad = spoilt(out.cache, out.hash_info)
    if bad:
        raise DamagedError(
            f"data set {_path(repo, out)} does not hold: of {len(bad)} of its files the remote has "
            f"other bytes than {out.stage.path_in_repo} names (first: {bad[0]}); delete them there, "
            "then `dvc push` from where they are whole"
        )


def _path(repo: Repo, out: Any) -> str:
    return os.path.relpath(str(out.fs_path), str(repo.root_dir))
