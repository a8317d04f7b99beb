"""Letters by SMTP: composed as multipart, handed over once, with a clear word about whether that happened."""

from __future__ import annotations

import base64
import contextlib
import html
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Sequence
from email.charset import BASE64, Charset
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

from tallystick.outgoing.egress import Closed, connect
from tallystick.values.egress import Network
from tallystick.values.letter import Letter, NotNow, Refused, Sender
from tallystick.values.wording import locale_of

ANSWER_SECONDS: Final = 30.0
"""For each answer of the server."""
WHOLE_SECONDS: Final = 120.0
"""For all of it: a server that answers a byte at a time holds a worker no longer."""
_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
"""A line that begins with one gets a second: one alone ends the letter (RFC 5321, 4.5.2)."""
LONGEST_PLAIN: Final = 200
"""What is longer goes over several lines."""
_UTF8: Final = Charset("utf-8")
_UTF8.header_encoding = BASE64  # of letters and digits alone: no other mark of it means anything in a header
_URL: Final = re.compile(r"https?://[^\s<>\"]+")


class SmtpPost:
    """`values.letter.Post` over SMTP."""

    def __init__(self, opened: Sequence[Network] = (), trusted: ssl.SSLContext | None = None) -> None:
        """`opened` are private networks that workspaces may name; `trusted` the authorities, else the system's."""
        self._opened = tuple(opened)
        self._trusted = trusted

    def deliver(self, letter: Letter, sender: Sender, handing_over: Callable[[], None]) -> tuple[str, ...]:
        """Hand a letter over: see `values.letter.Post`."""
        message = _DOT.sub(b"..", composed(letter, sender))
        with self._talking_to(sender) as server:
            recipients = list(dict.fromkeys([*letter.to, *letter.cc]))
            refused = _introduced(server, sender.from_address, recipients)
            handing_over()
            # From here on nobody can tell for sure, until the server has answered.
            server.send(message + b".\r\n")
            code, said = server.getreply()
            if code != 250:
                raise _judged(code, said)
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            return refused

    @contextlib.contextmanager
    def _talking_to(self, sender: Sender) -> Generator[smtplib.SMTP]:
        """A server that has greeted us, by TLS where that was said, and knows who we are."""
        server = _Server()
        watch = threading.Timer(WHOLE_SECONDS, server.hang_up)
        watch.daemon = True
        watch.start()
        try:
            with _plainly(sender):
                self._greet(server, sender)
                if sender.user is not None:
                    _login(server, sender.user, sender.password or "")
            yield server
        finally:
            watch.cancel()
            server.close()

    def _greet(self, server: _Server, sender: Sender) -> None:
        line = connect(sender.host, sender.port, guarded=sender.guarded, opened=self._opened)
        line.settimeout(ANSWER_SECONDS)
        server.take(line)
        if sender.tls == "implicit":
            server.secure(self._context(), sender.host)
        server.hear_greeting()
        server.ehlo_or_helo_if_needed()
        if sender.tls == "starttls":
            if not server.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")
            code, said = server.docmd("STARTTLS")
            if code != 220:
                raise smtplib.SMTPResponseException(code, said)
            server.secure(self._context(), sender.host)
            server.ehlo()

    def _context(self) -> ssl.SSLContext:
        return self._trusted or ssl.create_default_context()


class _Server(smtplib.SMTP):
    """smtplib's client on a connection that was made and looked at before."""

    def __init__(self) -> None:
        super().__init__(timeout=ANSWER_SECONDS)

    def take(self, line: socket.socket) -> None:
        """Talk on this connection."""
        self.sock = line
        self.file = None

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Go on by TLS, and forget what was said before; `host` is the name that the certificate must have.

        The line is ours before the handshake: a server that draws that out is hung up on too.
        """
        assert self.sock is not None  # noqa: S101 - it was taken
        line = context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        self.take(line)
        line.do_handshake()
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def hear_greeting(self) -> None:
        """What a server says first."""
        code, said = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)

    def hang_up(self) -> None:
        """End it from another thread: whoever waits for an answer hears that there is none."""
        with contextlib.suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _plainly(sender: Sender) -> Generator[None]:
    """What goes wrong before anything was handed over, in words for the person whose mail it is."""
    where = f"{sender.host}, port {sender.port}"
    try:
        yield
    except Closed as error:
        raise Refused(str(error)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise _judged(error.smtp_code, error.smtp_error, f"{where} does not accept the user and password") from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(f"{where} cannot do what is asked of it: {error}") from error
    except smtplib.SMTPResponseException as error:
        raise _judged(error.smtp_code, error.smtp_error, where) from error
    except ssl.SSLCertVerificationError as error:
        raise NotNow(f"The certificate of {where} is not valid: {error.verify_message}.") from error
    except ssl.SSLError as error:
        raise NotNow(f"No TLS with {where}: {error.reason or error}. Is it the right port for this kind?") from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise NotNow(f"No answer from {where}: {error}.") from error


def _login(server: smtplib.SMTP, user: str, password: str) -> None:
    """Say who we are. smtplib speaks ASCII only; AUTH PLAIN is UTF-8 (RFC 4616)."""
    if (user + password).isascii():
        server.login(user, password)
        return
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, said = server.docmd("AUTH", f"PLAIN {secret}")
    if code not in (235, 503):
        raise smtplib.SMTPAuthenticationError(code, said)


def _introduced(server: smtplib.SMTP, from_address: str, recipients: Sequence[str]) -> tuple[str, ...]:
    """Name sender and recipients, up to where the letter begins; answers those refused for good.

    One that is refused for now puts off the whole: the others would get the letter twice.
    """
    try:
        code, said = server.mail(from_address)
        if code != 250:
            raise _judged(code, said, f"{from_address} may not send")
        refused: list[str] = []
        for recipient in recipients:
            code, said = server.rcpt(recipient)
            if code not in (250, 251):
                told = f"{recipient}: {code} {_text(said)}"
                if code < 500:
                    raise NotNow(told)
                refused.append(told)
        if len(refused) == len(recipients):
            raise Refused("; ".join(refused))
        code, said = server.docmd("DATA")
        if code != 354:
            raise _judged(code, said)
    except (smtplib.SMTPException, OSError) as error:
        raise NotNow(f"The server hung up: {error}.") from error
    return tuple(refused)


def _judged(code: int, said: bytes | str, why: str = "") -> NotNow | Refused:
    """The refusal that a reply code stands for: 4xx is worth another try, 5xx is not (RFC 5321, 4.2.1)."""
    told = f"{why}: {code} {_text(said)}" if why else f"{code} {_text(said)}"
    return Refused(told) if 500 <= code < 600 else NotNow(told)


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())[:300]


def composed(letter: Letter, sender: Sender) -> bytes:
    """The letter as it goes over the line: text, the same in HTML, and the files."""
    headers = [
        ("From", _named(sender.from_name, sender.from_address)),
        ("To", ",\r\n ".join(letter.to)),
        ("Cc", ",\r\n ".join(letter.cc)),
        ("Reply-To", sender.reply_to),
        ("Subject", _encoded("Subject", _one_line(letter.subject))),
        ("Date", formatdate(usegmt=True)),
        ("Message-ID", letter.message_id),
        ("Auto-Submitted", "auto-generated" if letter.automatic else None),
    ]
    message = EmailMessage(policy=SMTP)
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(html_of(letter), subtype="html", cte="quoted-printable")
    for one in letter.attachments:
        main, _, sub = one.media.partition("/")
        message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
    message["Content-Language"] = letter.language  # the last: what sets contents takes such headers away
    # Not by EmailMessage: it reads what looks like an encoded word, and writes the line break that is hidden in it.
    written = [f"{name}: {value}\r\n" for name, value in headers if value or name == "Subject"]
    return "".join(written).encode("ascii") + bytes(message)


def html_of(letter: Letter) -> str:
    """The text as HTML: nothing in it but paragraphs and links; no picture, no style sheet, nothing to load."""
    paragraphs = "".join(
        f"<p>{_linked(part).replace(chr(10), '<br>')}</p>" for part in re.split(r"\n{2,}", letter.text.strip()) if part
    )
    direction = "rtl" if locale_of(letter.language).text_direction == "rtl" else "ltr"
    button = ""
    if letter.link and letter.link_label:
        button = (
            f'<p style="margin:24px 0"><a href="{html.escape(letter.link)}" style="display:inline-block;'
            "padding:12px 20px;border-radius:8px;background:#1f5f4a;color:#ffffff;text-decoration:none;"
            f'font-weight:600">{html.escape(letter.link_label)}</a></p>'
        )
    return (
        f'<!doctype html><html lang="{html.escape(letter.language)}" dir="{direction}"><head><meta charset="utf-8">'
        f"<title>{html.escape(_one_line(letter.subject))}</title></head>"
        '<body style="margin:0;padding:24px;font:16px/1.5 system-ui,-apple-system,Segoe UI,Roboto,sans-serif">'
        f'<div style="max-width:560px;margin:0 auto;overflow-wrap:anywhere">{paragraphs}{button}</div></body></html>\n'
    )


def _linked(text: str) -> str:
    """Escaped, with web addresses as links."""
    parts: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        address = match[0].rstrip(".,;:!?)")
        parts.append(html.escape(text[end : match.start()]))
        parts.append(f'<a href="{html.escape(address)}">{html.escape(address)}</a>')
        end = match.start() + len(address)
    return "".join([*parts, html.escape(text[end:])])


def _named(name: str | None, address: str) -> str:
    """An address with the name before it."""
    said = _one_line(name or "")
    if not said:
        return address
    if _is_plain(said):
        quoted = said.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"\r\n <{address}>'
    return f"{_encoded('From', said)}\r\n <{address}>"


def _encoded(field: str, text: str) -> str:
    """A text as a header carries it: as it is, else in encoded words (RFC 2047), over as many lines as it takes."""
    return text if _is_plain(text) else Header(text, _UTF8, header_name=field).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text and len(text) <= LONGEST_PLAIN


def _one_line(text: str) -> str:
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
