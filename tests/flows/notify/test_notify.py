"""Whom a pipeline file tells of its runs, of what, and that it can do no harm."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import pytest

from adversity import Message, Notifier
from adversity.errors import PipelineError
from adversity.pipeline.read.load import load_pipeline
from adversity_flows.notify import chosen
from adversity_flows.notify.outcome import Outcome, of_look
from adversity_flows.notify.told import notified, told_of_look, trial
from adversity_flows.runs.looks import Look
from adversity_flows.runs.past_runs import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """\
name: nightly
data: {photos: {uses: dataset/folder, with: {path: data}}}
steps: {net: {uses: classifier/small_cnn, from: photos}}
"""


class Dew(Notifier):
    """Keeps what it is to send."""

    name: ClassVar[str] = "dew"
    secrets: ClassVar[tuple[str, ...]] = ("token",)
    sent: ClassVar[list[Message]] = []
    token: str = ""
    size: int = 1

    def send(self, message: Message) -> None:
        """Keep it, or fail with the secret in the message."""
        if self.size == 0:
            raise RuntimeError(f"https://u:pw@host/{self.token} refused {self.token}\nmore")
        self.sent.append(message)


@pytest.fixture(autouse=True)
def dew(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Install the notifier `dew` alone, and return what it sent."""
    Dew.sent.clear()
    found = SimpleNamespace(notifiers=lambda: ({"dew": Dew}, ()))
    monkeypatch.setattr(chosen, "discover", lambda: found)
    return Dew.sent


@pytest.fixture
def loaded(tmp_path: Path):
    """Return a function that loads a pipeline with what follows `notify:`."""

    def load(notify: str):
        (tmp_path / "nightly.yaml").write_text(f"{PIPELINE}notify:\n{notify}")
        return load_pipeline(tmp_path / "nightly.yaml", root=tmp_path)

    return load


def refused(loaded, notify: str) -> str:
    """Return what is said of a `notify:`."""
    with pytest.raises(PipelineError) as error:
        chosen.check(loaded(notify))
    return str(error.value)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("{uses: dwe}", "nightly.yaml:5: unknown notifier 'dwe'; did you mean dew?"),
        ("{uses: dew, with: {token: hunter2}}", "token is a secret, which no file may hold"),
        ("{uses: dew, with: {token: {env: A, block: B}}}", "token is a secret"),
        ("{uses: dew, with: {siez: 2}}", "has no parameter siez; did you mean size?"),
        ("{uses: dew, with: {size: big}}", "nightly.yaml:5: notifier dew: size: "),
    ],
)
def test_what_could_send_nothing_is_refused_before_a_run(loaded, to: str, said: str) -> None:
    """In one sentence with file and line; a secret is not quoted."""
    found = refused(loaded, f"  to: [{to}]\n")
    assert said in found
    assert "hunter2" not in found


def test_a_section_that_tells_nobody_is_refused(loaded) -> None:
    """An empty list, an event that there is not, and a base that is no address."""
    for notify in ("  to: []\n", "  to: [{uses: dew}]\n  when: [always]\n"):
        with pytest.raises(PipelineError, match=r"nightly\.yaml:\d+: "):
            loaded(notify)
    with pytest.raises(PipelineError, match="reports"):
        loaded("  to: [{uses: dew}]\n  reports: ftp://x\n")


def test_a_secret_comes_from_the_environment(loaded, tmp_path, monkeypatch) -> None:
    """A variable that is not set is said by its name, and the others are told all the same."""
    spec = loaded(
        "  to:\n    - {uses: dew, with: {token: {env: DEW_A}}}\n"
        "    - {uses: dew, with: {token: {env: DEW_B}}}\n"
    ).spec
    chosen.check(loaded("  to: [{uses: dew, with: {token: {env: DEW_A}}}]\n"))
    monkeypatch.delenv("DEW_A", raising=False)
    monkeypatch.setenv("DEW_B", "b")
    (one, missing), (other, fine) = trial(tmp_path, spec, "c0ffee")
    assert (one, other, fine) == ("dew", "dew", None)
    assert missing == "dew: expected the variable DEW_A of the environment, got none; set it"
    assert [message.event for message in Dew.sent] == ["trial"]


def test_what_fails_is_said_without_secrets(loaded, tmp_path, monkeypatch) -> None:
    """Neither the value of the variable nor the password of an address is in it."""
    monkeypatch.setenv("DEW_A", "hunter2")
    spec = loaded("  to: [{uses: dew, with: {token: {env: DEW_A}, size: 0}}]\n").spec
    said: list[str] = []
    notified(tmp_path, spec, Outcome("failed", "v"), say=said.append)
    assert said == ["! not told by dew: https://...@host/... refused ..."]


def test_each_event_is_told_once_and_only_if_asked_for(loaded, tmp_path, dew) -> None:
    """By default what failed, what was not good enough, and when it is good again."""
    spec = loaded("  to: [{uses: dew}]\n").spec
    told = []
    for state in ("passed", "gate_failed", "failed", "undecided", "passed", "failed", "passed"):
        dew.clear()
        notified(tmp_path, spec, Outcome(state, "v"), say=lambda _: None)
        told.append([message.event for message in dew])
    assert told == [[], ["gate_failed"], ["failed"], ["recovered"], [], ["failed"], ["recovered"]]
    dew.clear()
    every = loaded("  when: [passed]\n  to: [{uses: dew}]\n").spec
    for state in ("failed", "passed"):
        notified(tmp_path, every, Outcome(state, "v"), say=lambda _: None)
    assert [message.event for message in dew] == ["passed"]


def _look(outcome: str, **known: object) -> Look:
    return Look("i", "nightly", outcome, "in a line", "2026-11-30T02:00:00Z", 1.0, **known)


def test_a_look_tells_gates_with_their_numbers_and_where_the_report_is(
    loaded, tmp_path, dew
) -> None:
    """As the manifest of its run has them, under the address that the file gives."""
    loaded("  reports: https://ci.example.org/runs/\n  to: [{uses: dew}]\n")
    folder = RunFolder(tmp_path, "nightly")
    folder.make()
    gates = [
        {"text": "a.x >= 0.6", "verdict": "fail", "why": "0.41 [0.38, 0.44]"},
        {"text": "a.y >= 0.6", "verdict": "pass", "why": "0.9"},
    ]
    folder.write_manifest({"verdict": "fail", "verdict_line": "FAIL: 1 of 2", "gates": gates})
    look = _look(
        "gate failed", run=folder.id, report=f"runs/{folder.id}/report.html", commit="c0ffee"
    )
    told_of_look(tmp_path, "nightly.yaml", look, say=lambda _: None)
    (message,) = dew
    assert message.gates == ("FAIL a.x >= 0.6: 0.41 [0.38, 0.44]",)
    assert message.verdict == "FAIL: 1 of 2"
    assert message.report == f"https://ci.example.org/runs/{folder.id}/report.html"
    assert message.commit == "c0ffee"
    assert message.body.splitlines()[1] == message.gates[0]


def test_looks_that_ended_otherwise_tell_that_or_nothing(tmp_path: Path) -> None:
    """One that was killed is told as failed; one that was left out is no news."""
    assert of_look(_look("left out"), tmp_path) is None
    assert of_look(_look("interrupted"), tmp_path) is None
    for outcome in ("failed", "killed", "timed out", "wrong input"):
        assert of_look(_look(outcome), tmp_path).state == "failed"
    assert of_look(_look("timed out"), tmp_path).verdict == "the look timed out: in a line"
    assert of_look(_look("done"), tmp_path).state == "passed"


def test_nothing_that_goes_wrong_with_telling_reaches_the_run(loaded, tmp_path) -> None:
    """A file that is gone, a memory that is damaged, a folder that cannot be written."""
    said: list[str] = []
    told_of_look(tmp_path, "gone.yaml", _look("failed"), say=said.append)
    assert said[0].startswith("! nobody was told: ")
    loaded("  to: [{uses: dew}]\n")
    memory = tmp_path / ".adversity/notify"
    memory.mkdir(parents=True)
    (memory / "nightly.json").write_text(json.dumps(["damaged"]))
    told_of_look(tmp_path, "nightly.yaml", _look("failed"), say=said.append)
    assert said[1:] == ["told by dew: nightly: the run failed"]
