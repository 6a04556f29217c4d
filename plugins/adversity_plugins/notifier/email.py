"""An e-mail."""

from __future__ import annotations

from contextlib import suppress
from email.message import EmailMessage
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from adversity import Message, Notifier

__all__ = ["Email"]

SECONDS = 20.0


class Email(Notifier):
    """Send the message by mail.

    Attributes:
        host: The server that takes mail.
        port: Its port.
        sender: From whom it is.
        to: Who gets it.
        security: `starttls`, `tls` (from the first byte, mostly port 465) or `none`.
        user: For servers that ask who sends.
        password: Its password, a secret.
    """

    name: ClassVar[str] = "email"
    secrets: ClassVar[tuple[str, ...]] = ("password",)

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("must have both user and password, or neither")
        if self.password is not None and self.security == "none":
            raise ValueError("sends no password without starttls or tls")
        return self

    def send(self, message: Message) -> None:
        """Send it.

        Raises:
            RuntimeError: The server's certificate does not hold; nothing was sent.
        """
        import ssl

        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.title, self.sender, ", ".join(self.to)
        mail.set_content(f"{message.body}\n")
        try:
            self._post(mail)
        except ssl.SSLCertVerificationError as error:
            raise RuntimeError(
                f"expected of {self.host} a certificate that holds, got: {error.verify_message}; "
                "name a file with its authority in SSL_CERT_FILE, or correct host"
            ) from None

    def _post(self, mail: EmailMessage) -> None:
        """Give it to the server, over a wire that is safe before anything is said."""
        import smtplib
        import ssl

        safe = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=safe)
            if self.security == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        )
        try:
            if self.security == "starttls":
                server.starttls(context=safe)
            if self.user is not None and self.password is not None:
                server.login(self.user, self.password)
            server.send_message(mail)
            with suppress(smtplib.SMTPException):  # it has the mail, however it takes leave
                server.quit()
        finally:
            server.close()
