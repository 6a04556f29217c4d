"""A schedule in a time zone that does not exist: whatever reads the file refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "pipelines/shots.yaml"


@pytest.mark.parametrize(
    "command",
    [
        ("validate", FILE),
        ("run", FILE, "--direct"),
        ("schedule", "run", FILE),
        ("schedule", "deploy", FILE),
        ("schedule", "serve", FILE),
        ("sync",),
    ],
    ids=" ".join,
)
def test_a_zone_that_does_not_exist_is_refused(
    shots: Any,
    call: Callable[..., Any],
    git: Callable[..., None],
    refused: Callable[..., str],
    command: tuple[str, ...],
) -> None:
    """One message with the line and exit code 2; nothing is written but the line of a look."""
    text = shots.file.read_text() + 'schedule: {cron: "0 2 * * *", timezone: Mars/Olympus}\n'
    shots.file.write_text(text)
    git("add", ".")
    git("commit", "--quiet", "-m", "a schedule")
    before = {path for path in shots.root.rglob("*") if ".git/" not in str(path)}
    refused(call(*command), "schedule.timezone must be an IANA time zone", "Mars/Olympus", code=2)
    made = {path for path in shots.root.rglob("*") if ".git/" not in str(path)} - before
    written = {path.name for path in made if path.is_file()}
    assert written <= ({"shots.jsonl", ".gitignore"} if "run" in command[1:] else set())
