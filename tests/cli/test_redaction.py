"""Passwords and tokens in addresses are neither printed nor stored."""

from __future__ import annotations

import io
import json
import logging

import pytest

from adversity.errors import RunError
from adversity_flows.cli.failures import debugging, run_guarded
from adversity_flows.cli.terminal import Terminal
from adversity_flows.prefect_flows.settings import prefect_context
from adversity_flows.redaction import without_secrets
from adversity_flows.runs.hook_facts import failure_facts
from adversity_flows.runs.past_runs import RunFolder
from adversity_flows.runs.run_log import RunLog

SAID = "no answer from https://me:s3cr3t@host:4200/api?token=s3cr3t&sig=s3cr3t#x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/api", "http://...@h/api"),
        ("ssh://u@h/p", "ssh://...@h/p"),
        ("postgresql+asyncpg://u:p@ss@h/db", "postgresql+asyncpg://...@h/db"),
        ("http://u:p/w@h/", "http://...@h/"),
        ("az://c?sv=1&sig=a%2Fb and a mail@host", "az://c?sv=...&sig=... and a mail@host"),
        ("'s3://k:v@b/x', 'http://a:b@c'", "'s3://...@b/x', 'http://...@c'"),
        (
            "attacked.accuracy >= 0.5 @ eps=4/255 & a=b",
            "attacked.accuracy >= 0.5 @ eps=4/255 & a=b",
        ),
        ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200/api"),
    ],
)
def test_what_an_address_hides(text, shown):
    """User, password and the values of a query go; the rest, and other text, stays."""
    assert without_secrets(text) == shown


def test_no_way_out_shows_them(tmp_path, capsys):
    """Messages, tracebacks, warnings, the run's log, Prefect's log and what hooks hear."""

    def fail():
        debugging(on=True)
        raise RunError(SAID)

    assert run_guarded(fail) == 3
    stream = io.StringIO()
    Terminal.of(stream).say(f"warning: {SAID}")
    folder = RunFolder(tmp_path, "x")
    folder.make()
    RunLog(folder.path).say(SAID, "said", error=SAID)
    hooks = failure_facts(RunError(SAID), folder, 3, 0.0)
    with prefect_context("http://127.0.0.1:9/api", log=tmp_path / "prefect.log"):
        try:
            fail()
        except RunError:
            logging.getLogger("prefect.x").exception("it failed: %s", SAID)
    debugging(on=False)
    left = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    everything = [capsys.readouterr().err, stream.getvalue(), json.dumps(hooks), *left]
    assert len(everything) == 6
    for text in everything:
        assert "no answer from https://...@host:4200/api" in text
        assert "s3cr3t" not in text
