"""`adversity run --notify` and `adversity notify test`, against a server on loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTIFY = "notify: {to: [{uses: webhook, with: {url: {env: TINY_HOOK}}}]}\n"
FILE = "pipelines/tiny.yaml"


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict]]:
    """Return what is posted to the address in TINY_HOOK."""
    got: list[dict] = []

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
        monkeypatch.setenv("TINY_HOOK", f"http://127.0.0.1:{server.server_port}/t0ken")
        yield got
        server.shutdown()
        thread.join()


@pytest.fixture
def tells(project: Path) -> Path:
    """Return the pipeline file, which says whom to tell."""
    path = project / FILE
    path.write_text(path.read_text() + NOTIFY)
    return path


def test_a_trial_message_runs_nothing(project: Path, tells: Path, call, posted) -> None:
    """It is sent to everybody; one who cannot be told is exit code 3."""
    assert call("notify", "test", FILE)[:2] == (0, "told by webhook\n")
    assert [message["event"] for message in posted] == ["trial"]
    assert not (project / "runs").exists()
    tells.write_text(tells.read_text().replace("TINY_HOOK", "NO_SUCH_HOOK"))
    code, said, _ = call("notify", "test", FILE)
    assert code == 3
    assert "expected the variable NO_SUCH_HOOK" in said


@pytest.mark.parametrize("command", [("notify", "test"), ("run", "--notify")])
def test_a_file_that_names_nobody_is_refused(project: Path, call, refused, command) -> None:
    """And shows the line to add."""
    said = refused(call(*command, FILE), "found no notify; add lines such as `notify: {to: ")
    assert "where WAY is one of apprise, email" in said


def test_a_secret_in_the_file_is_refused_by_every_command(tells: Path, call, refused) -> None:
    """In one sentence that does not repeat it."""
    tells.write_text(tells.read_text().replace("{env: TINY_HOOK}", '"https://h/hunter2"'))
    for command in ("validate", "run"):
        said = refused(call(command, FILE), "url is a secret, which no file may hold")
        assert "hunter2" not in said


@pytest.mark.slow
def test_a_gate_that_fails_is_told_and_so_is_its_end(project, tells: Path, call, posted) -> None:
    """The exit code is the run's, whether anybody could be told; by hand nobody is."""
    text = tells.read_text()
    head, gates, _ = text.partition("gates:")
    assert gates
    failing = f"{head}gates: [predictions.accuracy >= 1.0]\n{NOTIFY}"
    tells.write_text(failing)
    run = ("run", FILE, "--direct", "-q")
    assert call(*run)[0] == 1
    assert posted == []
    assert call(*run, "--notify")[0] == 1
    (message,) = posted
    assert message["event"] == "gate_failed"
    (gate,) = message["gates"]
    assert gate.startswith("FAIL predictions.accuracy >= 1.0: ")
    assert message["report"].endswith("/report.html")
    assert (project / message["report"]).is_file()
    tells.write_text(failing.replace("TINY_HOOK", "NO_SUCH_HOOK"))
    code, _, said = call(*run, "--notify")
    assert code == 1
    assert "! not told by webhook: expected the variable NO_SUCH_HOOK" in said
    tells.write_text(failing.replace(">= 1.0", ">= 0.0"))
    assert call(*run, "--notify")[0] == 0
    assert [one["event"] for one in posted] == ["gate_failed", "recovered"]
    told = [path for path in (project / "runs").rglob("*") if path.is_file()]
    assert not [path for path in told if b"t0ken" in path.read_bytes()]
