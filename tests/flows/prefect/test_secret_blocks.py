"""Secrets of `notify:` that a Prefect server keeps: used, and found nowhere else."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from adversity.pipeline.read.load import load_pipeline
from adversity_flows.notify.chosen import check
from adversity_flows.notify.outcome import Outcome
from adversity_flows.notify.told import notified, trial
from adversity_flows.prefect_flows.lent_client import lent_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "hunter2-and-no-other-word"
PIPELINE = """\
name: kept
data: {photos: {uses: dataset/folder, with: {path: data}}}
steps: {net: {uses: classifier/small_cnn, from: photos}}
notify:
  to:
    - {uses: webhook, with: {url: {block: night-hook}}}
    - {uses: webhook, with: {url: {block: dead-hook}}}
    - {uses: webhook, with: {url: {block: no-such-hook}}}
"""


@pytest.fixture
def posted() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that were posted to."""
    got: list[str] = []

    class Keeps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Keeps) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_secret_block_is_used_and_stands_in_no_file(
    prefect_root: Path, posted: tuple[str, list[str]], caplog: pytest.LogCaptureFixture, capfd
) -> None:
    """Nor in what is said, where nobody answers or the block is not there; the server encrypts it."""
    address, got = posted
    with lent_client(prefect_root):
        from prefect.blocks.system import Secret

        Secret(value=f"{address}/{TOKEN}").save("night-hook", overwrite=True)
        Secret(value=f"http://127.0.0.1:1/{TOKEN}").save("dead-hook", overwrite=True)
    file = prefect_root / "pipelines" / "kept.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(PIPELINE)
    loaded = load_pipeline(file, root=prefect_root)
    check(loaded)
    said: list[str] = []
    notified(prefect_root, loaded.spec, Outcome("failed", "no verdict"), say=said.append)
    assert got == [f"/{TOKEN}"]
    told, dead, absent = said
    assert told == "told by webhook: kept: the run failed"
    assert dead.startswith("! not told by webhook: nobody answered: ")
    assert "expected a Secret block no-such-hook at Prefect, got none" in absent
    assert [fault is None for _, fault in trial(prefect_root, loaded.spec, "")] == [
        True,
        False,
        False,
    ]
    out, err = capfd.readouterr()
    for text in (*said, caplog.text, out, err):
        assert TOKEN not in text
    files = [path for path in prefect_root.rglob("*") if path.is_file()]
    assert any(path.name == "prefect.db" for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
