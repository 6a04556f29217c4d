"""Which MLflow store a run goes to, and MLflow's client without telemetry, noise or long waits."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from adversity_mlflow.names import Names

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.tracking import MlflowClient

__all__ = ["FOLDER", "Store", "without_password"]

FOLDER = ".adversity/mlflow"
"""Where runs go without `MLFLOW_TRACKING_URI`, relative to the project."""

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # it takes no notice of DO_NOT_TRACK=1, only of "true"
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it would end up inside `--json`
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # A server that is down must not hold a run up: MLflow's own 7 retries take some minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


class Store:
    """Where the runs of a project go.

    Attributes:
        uri: MLflow's tracking URI.
        place: The same for people, without a password.
    """

    def __init__(self, root: Path) -> None:
        """Read `MLFLOW_TRACKING_URI`, or choose an SQLite file inside the project.

        SQLite is what MLflow takes without a server: plain folders it refuses by now, unless
        `MLFLOW_ALLOW_FILE_STORE` is set.

        Args:
            root: The project's folder.
        """
        self._folder = root / FOLDER
        self._chosen = os.environ.get("MLFLOW_TRACKING_URI", "")
        self.uri = self._chosen or f"sqlite:///{(self._folder / 'mlflow.db').as_posix()}"
        self.place = without_password(self.uri) if self._chosen else str(self._folder)

    def client(self) -> MlflowClient:
        """Return MLflow's client for it; the folder is made if the store is ours.

        Settings of MLflow that the user made stand.

        Raises:
            ValueError: If the project's path cannot stand in an SQLite address.
        """
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        early = "mlflow" in sys.modules
        from mlflow.telemetry import set_telemetry_client
        from mlflow.tracking import MlflowClient

        if early:  # somebody else's import came before our settings
            set_telemetry_client()  # type: ignore[no-untyped-call]  # theirs
        if not self._chosen:
            if "?" in self.uri:
                raise ValueError(
                    f"expected a project path without a question mark, got {self._folder}: no "
                    "SQLite address can have one; set MLFLOW_TRACKING_URI"
                )
            self._folder.mkdir(parents=True, exist_ok=True)
        return MlflowClient(tracking_uri=self.uri)

    def experiment(self, client: MlflowClient, name: str) -> str:
        """Return the id of an experiment, which is made if there is none of this name.

        Args:
            client: As `client` returned it.
            name: The experiment's name.
        """
        from mlflow.exceptions import MlflowException

        stored = client.get_experiment_by_name(name)
        if stored is None:
            try:
                return str(client.create_experiment(name, artifact_location=self._artifacts(name)))
            except MlflowException:
                stored = client.get_experiment_by_name(name)  # another run was faster
                if stored is None:
                    raise
        return str(stored.experiment_id)

    def _artifacts(self, name: str) -> str | None:
        """Keep files beside our own database; a chosen store knows its own place."""
        if self._chosen:
            return None
        # MLflow takes any name, `../../x` too; each of its runs has a folder of its own below.
        folder = Names().of(name)
        return (self._folder / "artifacts" / folder).resolve().as_uri()


def without_password(text: str) -> str:
    """Return a text without the user and the password of any address in it.

    Example:
        >>> without_password("no answer from https://me:p@ss@example.org/x")
        'no answer from https://example.org/x'
    """
    return re.sub(r"://[^/\s]*@", "://", text)
