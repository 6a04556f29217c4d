"""A look that hangs in a step, with `schedule: {timeout: 1h}`; the next one is well again."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.cli import main
from adversity_flows.runs.looks import past_looks
from adversity_flows.scheduled import timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "pipelines/hanging.yaml"
PIPELINE = """\
name: hanging
data:
  test: {uses: dataset/digits, with: {split: test, limit: 24}}
steps:
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: 3}}
  dew: {uses: "./own/dew.py:dew", from: noisy}
  quality: {uses: metric/psnr, from: dew}
schedule: {interval: 6h, timeout: 1h}
notify: {to: [{uses: webhook, with: {url: {env: NIGHT_HOOK}}}]}
"""
DEW = '''\
import os
import time
from pathlib import Path
from typing import ClassVar

from adversity import Degradation


class Dew(Degradation):
    """Leave images as they are, or never return."""

    name: ClassVar[str] = "dew"

    def degrade(self, images, rng):
        """Return the images."""
        if "HANGS_AT" in os.environ:
            Path(os.environ["HANGS_AT"]).write_text(str(os.getpid()))
            time.sleep(600)
        return images
'''


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, committed, in which we stand."""
    root = tmp_path / "project"
    assert main(["init", str(root)]) == 0
    (root / "pipelines" / "first_look.yaml").unlink()
    (root / "own").mkdir()
    (root / "own" / "dew.py").write_text(DEW)
    (root / FILE).write_text(PIPELINE)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (("add", "."), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *who, *words], cwd=root, check=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What is posted to those whom the file names."""
    got: list[dict[str, Any]] = []

    class Keeps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Keeps) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("NIGHT_HOOK", f"http://127.0.0.1:{server.server_port}/hook")
        yield got
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn_charts")
def test_a_step_that_hangs_is_ended_told_and_healed(
    root: Path, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Ended in exit code 3 with one message; the run, the log and the message say why; then it passes."""
    at = root.parent / "hangs"
    started = timed._started

    def once_it_hangs(*arguments: Any) -> Any:
        made = started(*arguments)
        until = time.monotonic() + 240
        while not at.exists() and made[0].poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        return made

    monkeypatch.setattr(timed, "_started", once_it_hangs)
    monkeypatch.setenv("HANGS_AT", str(at))
    with monkeypatch.context() as patch:
        patch.setattr(timed, "timeout_of", lambda *_: timed.Timeout("1h", 0.1, "hanging"))
        code = main(["schedule", "run", FILE])
    said = capsys.readouterr().err
    assert code == 3, said
    assert said.count("error: ") == 1
    assert "the look timed out: it took longer than schedule.timeout, 1h" in said
    (look,) = past_looks(root, "hanging")
    assert look.outcome == "timed out"
    manifest = json.loads((root / "runs" / look.run / "manifest.json").read_text())
    assert (manifest["state"], manifest["exit_code"]) == ("failed", 3)
    assert [one["event"] for one in told] == ["failed"]
    assert told[0]["verdict"].startswith("the look timed out: ")
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert f"last run {look.run}: failed: the look timed out" in out
    assert "timed out: it took longer than schedule.timeout, 1h" in out

    monkeypatch.delenv("HANGS_AT")
    assert main(["schedule", "run", FILE]) == 0, capsys.readouterr().err
    _, healed = past_looks(root, "hanging")
    assert (healed.outcome, healed.repeated) == ("done", False)
    assert [one["event"] for one in told] == ["failed", "recovered"]
    worktrees = subprocess.run(
        ["git", "worktree", "list"], check=True, capture_output=True, text=True
    )
    assert worktrees.stdout.count("\n") == 1
