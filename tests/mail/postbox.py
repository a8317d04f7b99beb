"""A mail server for tests: real SMTP on loopback, that keeps what it takes and answers what it is told to."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.live import free_port


@dataclass
class Postbox:
    """What was delivered, and how the next ones are answered."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Answers to the next letters, such as `451 not now`; then they are taken."""
    refused: dict[str, str] = field(default_factory=dict)
    """Recipients that are not taken, and the answer."""
    hold: threading.Event | None = None
    """While it is not set, whoever hands over a letter waits for the answer."""
    received: threading.Event = field(default_factory=threading.Event)
    users: list[tuple[str, str]] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.received.set()
        if self.hold is not None:
            import asyncio

            await asyncio.to_thread(self.hold.wait, 30)
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        given = (data.login.decode(), data.password.decode())
        self.users.append(given)
        return AuthResult(success=given == ("studio", "s3cret with ümlaut"), handled=False)

    def wait_for(self, count: int, seconds: float = 30) -> list[EmailMessage]:
        """The letters, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(self.letters) < count:
            assert time.monotonic() < deadline, f"{len(self.letters)} of {count} letters came"
            time.sleep(0.02)
        return self.letters


@dataclass
class Certificates:
    """A certificate of `localhost`, and contexts for both sides."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    file: Path


@contextlib.contextmanager
def postbox(kind: str = "none", certificates: Certificates | None = None, *, login: bool = False) -> Generator[Postbox]:
    """A mail server with `implicit`, `starttls` or no TLS."""
    box = Postbox(free_port())
    options: dict[str, Any] = {}
    if login:
        options |= {"authenticator": box.authenticate, "auth_required": True, "auth_require_tls": kind == "starttls"}
    if kind == "starttls":
        assert certificates is not None
        options |= {"tls_context": certificates.server, "require_starttls": True}
    context = certificates.server if kind == "implicit" and certificates else None

    class Server(Controller):
        def factory(self) -> SMTP:
            return SMTP(self.handler, **self.SMTP_kwargs)

    controller = Server(box, hostname="127.0.0.1", port=box.port, ssl_context=context, ready_timeout=10, **options)
    controller.start()
    try:
        yield box
    finally:
        if box.hold is not None:
            box.hold.set()
        controller.stop()


def make_certificates(folder: Path, name: str = "localhost") -> Certificates:
    """A self-signed certificate, and a client that trusts it and nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names[:1] if name != "localhost" else names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return Certificates(server, ssl.create_default_context(cafile=str(file)), file)
