"""Mail over TLS, against a server on loopback whose certificate was made a moment ago."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import smtplib
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from adversity import Message
from adversity.registry import discover

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = Message("nightly", "failed", "it failed")
LOGIN = base64.b64encode(b"\0night\0hunter2").decode()
"""RFC 4616: user and password in one word."""
SAFE = ("starttls", "tls")


def certificate(folder: Path, name: str) -> Path:
    """Make a key and a certificate signed by itself, of 127.0.0.1 or another name, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    known: x509.GeneralName = x509.DNSName(name)
    with suppress(ValueError):
        known = x509.IPAddress(ipaddress.ip_address(name))
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    kept = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(kept + made.public_bytes(serialization.Encoding.PEM))
    return path


class Sink:
    """A server that takes one mail: the least of RFC 5321, 3207 (STARTTLS) and 4954 (AUTH).

    Attributes:
        plain: What came in plain, a line each.
        safe: What came over TLS.
    """

    def __init__(self, pem: Path, security: str) -> None:
        self.plain: list[str] = []
        self.safe: list[str] = []
        self._security = security
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)

    def serve(self, listener: socket.socket) -> None:
        """Talk to one client; it may go in the middle of a handshake."""
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            if self._security == "tls":
                self._talk_safely(connection, ["220 sink"])
            elif self._talk(connection, self.plain, ["220 sink"]) == "STARTTLS":
                self._talk_safely(connection, [])

    def _talk_safely(self, connection: socket.socket, first: list[str]) -> None:
        with self._context.wrap_socket(connection, server_side=True) as safe:
            self._talk(safe, self.safe, first)

    def _talk(self, connection: socket.socket, got: list[str], first: list[str]) -> str:
        """Answer line by line; return the word after which TLS begins, or all ends."""
        offers = "AUTH PLAIN" if got is self.safe else "STARTTLS"
        answers = {
            "EHLO": ["250-sink", f"250 {offers}"],
            "STARTTLS": ["220 go on"],
            "AUTH": ["235 yes"],
            "DATA": ["354 go on"],
            "QUIT": ["221 bye"],
        }
        word = ""
        with connection.makefile("rw", newline="\r\n", encoding="utf-8") as line:
            line.writelines(f"{text}\r\n" for text in first)
            line.flush()
            for said in line:
                got.append(said.rstrip("\r\n"))
                if word == "DATA" and got[-1] != ".":
                    continue
                word = got[-1].upper().partition(" ")[0]
                line.writelines(f"{text}\r\n" for text in answers.get(word, ["250 yes"]))
                line.flush()
                if word in ("STARTTLS", "QUIT"):
                    break
        return word


@contextmanager
def mail_server(pem: Path, security: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Lend the port of a server; what came to it in plain, and what came over TLS."""
    sink = Sink(pem, security)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=sink.serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1], sink.plain, sink.safe
        finally:
            thread.join(10)


def send(port: int, security: str) -> None:
    """Send the message with a user and a password."""
    given = {
        "host": "127.0.0.1",
        "port": port,
        "security": security,
        "sender": "night@example.org",
        "to": ["ann@example.org"],
        "user": "night",
        "password": "hunter2",
    }
    discover().notifiers()[0]["email"].model_validate(given).send(MESSAGE)


@pytest.mark.parametrize("security", SAFE)
def test_a_mail_goes_over_tls_with_its_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    """Nothing but the wish for TLS is said before it; user, password and mail only after."""
    pem = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with mail_server(pem, security) as (port, plain, safe):
        send(port, security)
    said_before = [line.upper().partition(" ")[0] for line in plain]
    assert said_before == (["EHLO", "STARTTLS"] if security == "starttls" else [])
    assert f"AUTH PLAIN {LOGIN}" in safe
    assert f"Subject: {MESSAGE.title}" in safe
    assert "rcpt TO:<ann@example.org>" in safe


@pytest.mark.parametrize("security", SAFE)
@pytest.mark.parametrize(
    ("name", "trusted", "why"),
    [
        ("127.0.0.1", False, "self-signed certificate"),
        ("mail.example.org", True, "IP address mismatch"),
    ],
)
def test_a_certificate_that_does_not_hold_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    security: str,
    name: str,
    trusted: bool,
    why: str,
) -> None:
    """One that nobody vouches for, or of another server: one sentence, and nothing was sent."""
    pem = certificate(tmp_path, name)
    authority = pem if trusted else certificate(tmp_path, "another.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with (
        mail_server(pem, security) as (port, plain, safe),
        pytest.raises(RuntimeError, match=r"^expected of 127\.0\.0\.1 a certificate") as refused,
    ):
        send(port, security)
    assert why in str(refused.value)
    assert "SSL_CERT_FILE" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert safe == []
    assert not [line for line in plain if "AUTH" in line or "MAIL" in line.upper()]


def test_a_server_without_tls_gets_no_password() -> None:
    """One in the middle may leave STARTTLS out: it is an error, and no way to go on in plain."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", newline="\r\n") as line:
            line.write("220 sink\r\n")
            line.flush()
            for said in line:
                got.append(said)
                line.write("221 bye\r\n" if said.startswith("QUIT") else "250 sink\r\n")
                line.flush()

    got: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with pytest.raises(smtplib.SMTPNotSupportedError, match="STARTTLS extension"):
            send(listener.getsockname()[1], "starttls")
        thread.join(10)
    assert not [line for line in got if "AUTH" in line.upper()]
