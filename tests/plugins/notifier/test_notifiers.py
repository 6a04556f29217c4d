"""The built-in ways to tell somebody, each against a server on loopback that keeps what it gets."""

from __future__ import annotations

import json
import smtplib
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from adversity import Message
from adversity.registry import discover

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = Message(
    pipeline="night-photos",
    event="gate_failed",
    verdict="✗ FAIL: 1 of 3 gates failed",
    gates=("FAIL predictions.accuracy >= 0.60: 0.41 [0.38, 0.44]",),
    report="https://ci.example.org/runs/r1/report.html",
    run="r1",
    commit="c0ffee",
)
NOBODY = "http://127.0.0.1:1"


def notifier(name, **parameters):
    """Make one as a pipeline file would."""
    return discover().notifiers()[0][name].model_validate(parameters)


@contextmanager
def http_server(code: int = 200) -> Iterator[tuple[str, list[tuple[str, dict, dict]]]]:
    """Lend the address of a server, and what was posted to it: path, headers, document."""
    got: list[tuple[str, dict, dict]] = []

    class Keeps(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"no such hook")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Keeps) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def mail_server(
    *, taken: str = "250 taken", leave: str = "221 bye"
) -> Iterator[tuple[int, list[str]]]:
    """Lend the port of a server that takes one mail, and its lines (RFC 5321, the least of it).

    Args:
        taken: What it says to the mail.
        leave: What it says to QUIT; nothing if empty.
    """
    got: list[str] = []
    answers = {"DATA": "354 go on", ".": taken, "QUIT": leave}

    def talk(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", newline="\r\n", encoding="utf-8") as line:

            def say(text: str) -> None:
                line.write(f"{text}\r\n")
                line.flush()

            say("220 sink")
            taking = False
            for said in line:
                text = said.rstrip("\r\n")
                got.append(text)
                if taking and text != ".":
                    continue
                answer = answers.get(text.upper(), "250 yes")
                taking = text.upper() == "DATA"
                if not answer:
                    return
                say(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1], got
        finally:
            thread.join(10)


def test_a_webhook_gets_everything_as_json() -> None:
    """The parts for programs, and a `text` that chats show."""
    with http_server() as (url, got):
        notifier("webhook", url=f"{url}/hook?key=1").send(FAILED)
    ((path, headers, document),) = got
    assert path == "/hook?key=1"
    assert headers["Content-Type"] == "application/json"
    assert document["gates"] == list(FAILED.gates)
    assert document["event"] == "gate_failed"
    assert document["text"].splitlines() == [
        "night-photos: a gate failed",
        "✗ FAIL: 1 of 3 gates failed",
        "FAIL predictions.accuracy >= 0.60: 0.41 [0.38, 0.44]",
        "report: https://ci.example.org/runs/r1/report.html",
    ]


@pytest.mark.parametrize("code", [302, 404, 500])
def test_an_answer_that_is_no_success_is_an_error(code: int) -> None:
    """A redirect, too: following it would carry a token elsewhere."""
    with http_server(code) as (url, got):
        with pytest.raises(RuntimeError, match=f"it answered {code} .*no such hook") as refused:
            notifier("webhook", url=f"{url}/t0ken").send(FAILED)
        assert len(got) == 1
    assert "t0ken" not in str(refused.value)


def test_nobody_there_is_an_error_and_files_are_no_address() -> None:
    """urllib would open file:///etc/passwd."""
    with pytest.raises(RuntimeError, match="nobody answered"):
        notifier("webhook", url=f"{NOBODY}/t0ken").send(FAILED)
    with pytest.raises(ValueError, match="begins with http"):
        notifier("webhook", url="file:///etc/passwd").send(FAILED)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise imports it
def test_apprise_sends_title_and_body(caplog: pytest.LogCaptureFixture) -> None:
    """By its JSON service, the one that needs no account; what fails is said without the address."""
    with http_server() as (url, got):
        notifier("apprise", url=f"json{url.removeprefix('http')}/s3cret").send(FAILED)
    ((path, _, document),) = got
    assert path == "/s3cret"
    assert document["title"] == FAILED.title
    assert document["message"] == FAILED.body
    with pytest.raises(RuntimeError, match=r"^Apprise could not send it$"):
        notifier("apprise", url=f"json{NOBODY.removeprefix('http')}/s3cret").send(FAILED)
    with pytest.raises(ValueError, match="an address that Apprise knows"):
        notifier("apprise", url="no address, s3cret").send(FAILED)
    assert "s3cret" not in caplog.text


def test_a_mail_has_subject_recipients_and_text() -> None:
    """As a mail program reads it."""
    with mail_server() as (port, got):
        notifier(
            "email",
            host="127.0.0.1",
            port=port,
            security="none",
            sender="night@example.org",
            to=["a@example.org", "b@example.org"],
        ).send(FAILED)
    begin, end = got.index("data") + 1, got.index(".")
    mail = message_from_bytes("\r\n".join(got[begin:end]).encode(), policy=policy.default)
    assert mail["Subject"] == FAILED.title
    assert mail["To"] == "a@example.org, b@example.org"
    assert mail.get_content().splitlines() == FAILED.body.splitlines()
    assert [one for one in got if one.startswith("rcpt TO")] == [
        "rcpt TO:<a@example.org>",
        "rcpt TO:<b@example.org>",
    ]


@pytest.mark.parametrize("leave", ["421 too busy", "no number", ""])
def test_a_mail_that_was_taken_is_sent_however_the_server_takes_leave(leave: str) -> None:
    """RFC 5321, 4.2.5: after its 250 the mail is the server's; QUIT changes nothing."""
    mail = {"host": "127.0.0.1", "security": "none", "sender": "a@b.c", "to": ["a@b.c"]}
    with mail_server(leave=leave) as (port, got):
        notifier("email", port=port, **mail).send(FAILED)
    assert "quit" in got
    with (
        mail_server(taken="554 no", leave=leave) as (port, _),
        pytest.raises(smtplib.SMTPDataError, match="554"),
    ):
        notifier("email", port=port, **mail).send(FAILED)


def test_no_password_goes_over_a_wire_that_others_read() -> None:
    """Nor is one half of a login taken."""
    mail = {"host": "h", "sender": "a@b.c", "to": ["a@b.c"]}
    with pytest.raises(ValidationError, match="no password without starttls"):
        notifier("email", **mail, security="none", user="u", password="p")
    with pytest.raises(ValidationError, match="both user and password"):
        notifier("email", **mail, user="u")


@pytest.mark.parametrize(
    ("event", "form", "path", "said"),
    [
        ("gate_failed", "status", "statuses/c0ffee", {"state": "failure"}),
        ("failed", "status", "statuses/c0ffee", {"state": "error"}),
        ("recovered", "status", "statuses/c0ffee", {"state": "success"}),
        ("gate_failed", "check", "check-runs", {"conclusion": "failure", "head_sha": "c0ffee"}),
        ("passed", "check", "check-runs", {"conclusion": "success", "status": "completed"}),
        ("failed", "comment", "commits/c0ffee/comments", {}),
    ],
)
def test_github_is_told_as_its_interface_takes_it(event, form, path, said) -> None:
    """Paths and fields of GitHub's REST documentation; the token is in the header alone."""
    with http_server(201) as (url, got):
        message = replace(FAILED, event=event)
        notifier("github", repository="o/r", token="t0ken", form=form, api=url).send(message)
    ((asked, headers, document),) = got
    assert asked == f"/repos/o/r/{path}"
    assert headers["Authorization"] == "Bearer t0ken"
    assert document.items() >= said.items()
    assert "t0ken" not in json.dumps(document)
    if form == "status":
        assert document["context"] == "adversity/night-photos"
        assert document["target_url"] == FAILED.report
    if form == "comment":
        assert FAILED.gates[0] in document["body"]


def test_github_needs_a_commit_or_an_issue() -> None:
    """Numbers of files that are not committed belong to no commit."""
    uncommitted = Message("p", "failed", "v")
    with pytest.raises(ValueError, match="not committed"):
        notifier("github", repository="o/r", token="t", api=NOBODY).send(uncommitted)
    with http_server(201) as (url, got):
        notifier("github", repository="o/r", token="t", form="comment", issue=7, api=url).send(
            uncommitted
        )
    assert got[0][0] == "/repos/o/r/issues/7/comments"


def test_a_trial_makes_no_commit_green() -> None:
    """Its status stands beside the real one."""
    with http_server(201) as (url, got):
        trial = Message("p", "trial", "v", commit="c0ffee")
        notifier("github", repository="o/r", token="t", api=url).send(trial)
    assert got[0][2]["context"] == "adversity/p (trial)"
