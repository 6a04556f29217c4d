"""One Adversity run as one MLflow run.

MLflow's client is used, never its "active run": a run that somebody's own code has open in this
process is left alone.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError
from adversity_mlflow import record
from adversity_mlflow.names import Names
from adversity_mlflow.store import Store, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow.tracking import MlflowClient

__all__ = ["Tracker", "TrackingError"]

_BATCH = 100  # MLflow's limit for parameters and tags in one request; metrics may be 1000
_REASON_LENGTH = 200


class TrackingError(AdversityError, RuntimeError):
    """MLflow did not take a run, or not all of it; the run itself is not touched by it."""


class Tracker:
    """Tells MLflow of one run, until MLflow fails once: then it is silent and the run goes on."""

    def __init__(self, root: Path) -> None:
        """Remember where the run belongs; nothing is opened yet.

        Args:
            root: The project's folder.
        """
        self._store = Store(root)
        self._client: MlflowClient | None = None
        self._id = ""
        self._lost = False
        self._metrics, self._parameters = Names(), Names()
        self._logged: set[str] = set()
        self._cuts = record.Cuts()
        self._outcomes: dict[str, list[str]] = {"ran": [], "cached": []}

    def start(self, run: Mapping[str, Any]) -> None:
        """Open the MLflow run and log what is known already.

        Args:
            run: As the hook gives it.

        Raises:
            TrackingError: If MLflow does not take it.
        """
        with self._telling(f"the start of {run['id']}"):
            self._client = client = self._store.client()
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or run["pipeline"]
            experiment = self._store.experiment(client, name)
            tags = record.start_tags(run, self._cuts)
            opened = client.create_run(experiment, tags=tags, run_name=run["id"])
            self._id = opened.info.run_id
            self._log(client, parameters=record.parameters(run, self._parameters, self._cuts))

    def log_step(self, step: Mapping[str, Any]) -> None:
        """Log what a step measured.

        Args:
            step: As the hook gives it.

        Raises:
            TrackingError: If MLflow does not take it.
        """
        if self._client is None or self._lost:
            return
        with self._telling(f"the results of {step['id']}"):
            self._outcomes[step["outcome"]].append(step["id"])
            metrics = record.step_metrics(step, self._metrics)
            self._logged |= metrics.keys()
            self._log(self._client, metrics=metrics)
            if step["measures"]:
                file = f"metrics/{step['id'].replace(':', '-')}.json"
                self._client.log_dict(self._id, record.measures_json(step), file)

    def finish(self, run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Log how the run ended, with its files, and end the MLflow run.

        Args:
            run: As the hook gives it.
            result: Likewise.

        Raises:
            TrackingError: If MLflow does not take it; or if it took everything but something
                had to be cut, which is said here because it must be said.
        """
        if self._client is None or self._lost:
            self._give_up()
            return
        with self._telling(f"the end of {run['id']}"):
            folder = result["folder"]
            for path in record.files(Path(folder)) if folder else ():
                self._client.log_artifact(self._id, str(path))
            tags = record.end_tags(run, result, self._outcomes, self._cuts)
            metrics = record.end_metrics(result, self._metrics)
            metrics |= {
                name: value
                for name, value in record.compared_metrics(result, self._metrics).items()
                if name not in self._logged
            }
            self._log(self._client, metrics=metrics, tags=tags)
            self._client.update_run(self._id, name=run["id"])
            self._client.set_terminated(self._id, record.status(result))
        if self._cuts.said:
            raise TrackingError(
                f"MLflow has the whole run, but what is too long for it is cut there: "
                f"{'; '.join(self._cuts.said)}. `result.json` and the pipeline file have it whole"
            )

    def _log(
        self,
        client: MlflowClient,
        *,
        metrics: Mapping[str, float] | None = None,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Send values in batches that MLflow takes."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        measured = [Metric(key, value, now, 0) for key, value in (metrics or {}).items()]
        given = [Param(key, value) for key, value in (parameters or {}).items()]
        tagged = [RunTag(key, value) for key, value in (tags or {}).items()]
        for first in range(0, max(len(measured), len(given), len(tagged)), _BATCH):
            part = slice(first, first + _BATCH)
            client.log_batch(self._id, measured[part], given[part], tagged[part])

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turn whatever goes wrong into one error, after which nothing more is tried."""
        try:
            yield
        except Exception as error:
            self._lost = True
            raise TrackingError(
                f"expected MLflow at {self._store.place} to take {what}, got {_reason(error)}; "
                "nothing more of this run is tracked; check the place and MLFLOW_TRACKING_URI"
            ) from error

    def _give_up(self) -> None:
        """Mark what MLflow has of the run as incomplete, if it answers again."""
        if self._client is not None and self._id:
            with suppress(Exception):  # it has been said that MLflow fails
                self._client.set_tag(self._id, "adversity.tracking", "incomplete")
                self._client.set_terminated(self._id, "FAILED")


def _reason(error: BaseException) -> str:
    """Return what went wrong, short and without a password.

    MLflow wraps "connection refused" and "no space left" in whole pages: where the system was
    the first to complain, it is quoted.
    """
    first = error
    while (below := first.__cause__ or first.__context__) is not None:
        first = below
    cause = first if isinstance(first, OSError) else error
    text = " ".join(f"{type(cause).__name__}: {cause}".split())
    return without_password(text)[:_REASON_LENGTH]
