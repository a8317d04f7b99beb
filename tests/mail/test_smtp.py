"""SMTP as servers speak it: TLS of each kind, certificates that are somebody else's, passwords, and silence."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parseaddr
from pathlib import Path
from typing import Self

import msgspec
import pytest

from tallystick.outgoing import smtp
from tallystick.outgoing.smtp import SmtpPost, composed
from tallystick.values.letter import Attachment, Letter, NotNow, Refused, Sender, Tls, is_address
from tests.mail.conftest import LOOPBACK
from tests.mail.postbox import Certificates, Postbox, make_certificates, postbox

LETTER = Letter(message_id="<1@studio.example>", to=["ada@client.example"], subject="Hëllo", text="Grüße")
USER = {"user": "studio", "password": "s3cret with ümlaut"}


def sender(box: Postbox, tls: Tls = "none", **facts: object) -> Sender:
    given = {"host": "localhost", "from_address": "studio@studio.example", "guarded": True, **facts}
    return Sender(port=box.port, tls=tls, **given)  # type: ignore[arg-type]


def deliver(letter: Letter, by: Sender, post: SmtpPost | None = None) -> tuple[str, ...]:
    return (post or SmtpPost(LOOPBACK)).deliver(letter, by, lambda: None)


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
def test_tls_of_each_kind(kind: Tls, certificates: Certificates) -> None:
    with postbox(kind, certificates) as box:
        assert deliver(LETTER, sender(box, kind), SmtpPost(LOOPBACK, certificates.client)) == ()
        assert box.letters[0]["Subject"] == "Hëllo"


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
def test_a_certificate_that_nobody_vouches_for_ends_it(kind: Tls, certificates: Certificates) -> None:
    with postbox(kind, certificates) as box:
        with pytest.raises(NotNow, match="certificate of localhost"):
            deliver(LETTER, sender(box, kind))
        assert not box.letters


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
def test_a_certificate_of_another_host_ends_it(kind: Tls, tmp_path: Path) -> None:
    other = make_certificates(tmp_path, "mail.elsewhere.example")
    with postbox(kind, other) as box:
        with pytest.raises(NotNow, match="certificate of localhost"):
            deliver(LETTER, sender(box, kind), SmtpPost(LOOPBACK, other.client))
        assert not box.letters


def test_a_server_without_starttls_does_not_get_it_in_the_open(box: Postbox) -> None:
    with pytest.raises(Refused, match="cannot do what is asked"):
        deliver(LETTER, sender(box, "starttls"))
    assert not box.letters


def test_tls_where_there_is_none_is_told_in_words(box: Postbox) -> None:
    with pytest.raises(NotNow, match="Is it the right port"):
        deliver(LETTER, sender(box, "implicit"))


@pytest.mark.filterwarnings("default:Session.login_data is deprecated")
def test_user_and_password(certificates: Certificates) -> None:
    with postbox("starttls", certificates, login=True) as box:
        post = SmtpPost(LOOPBACK, certificates.client)
        assert deliver(LETTER, sender(box, "starttls", **USER), post) == ()
        with pytest.raises(Refused, match="does not accept the user and password"):
            deliver(LETTER, sender(box, "starttls", user="studio", password="wrong"), post)
        with pytest.raises(Refused, match="530"):
            deliver(LETTER, sender(box, "starttls"), post)
    assert len(box.letters) == 1


def test_nobody_there() -> None:
    with pytest.raises(NotNow, match="No answer from localhost"):
        deliver(LETTER, Sender(host="localhost", port=9, tls="none", from_address="a@x.example"))


def test_a_host_that_is_none() -> None:
    with pytest.raises(NotNow, match=r"No answer from nowhere\.invalid"):
        deliver(LETTER, Sender(host="nowhere.invalid", port=25, tls="none", from_address="a@x.example", guarded=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "0177.0.0.1", "2130706433",
                                  "10.1.2.3", "169.254.169.254", "100.64.0.1", "fd00::1",
                                  "64:ff9b::7f00:1"])  # fmt: skip
def test_a_workspace_names_no_private_host(host: str, box: Postbox) -> None:
    at = Sender(host=host, port=box.port, tls="none", from_address="a@x.example", guarded=True)
    with pytest.raises((Refused, NotNow)) as refused:
        SmtpPost().deliver(LETTER, at, lambda: None)
    assert isinstance(refused.value, Refused) or "No answer" in str(refused.value)
    assert not box.envelopes


def test_the_operator_names_any_host(box: Postbox) -> None:
    assert SmtpPost().deliver(LETTER, sender(box, guarded=False), lambda: None) == ()


def test_what_is_connected_to_is_what_was_looked_at(box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to a public address first, and to a private one a moment later."""
    answers = iter(["127.0.0.1", "127.0.0.2"])
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr("tallystick.outgoing.egress.socket.getaddrinfo", resolve)
    assert deliver(LETTER, sender(box, host="rebound.example")) == ()
    assert asked == ["rebound.example"]


def test_one_private_address_among_public_ones_closes_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, 1, 6, "", ("192.88.98.1", 25)), (socket.AF_INET, 1, 6, "", ("10.0.0.1", 25))]
    monkeypatch.setattr("tallystick.outgoing.egress.socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Refused, match="private network"):
        SmtpPost().deliver(
            LETTER,
            Sender(host="x.example", port=25, tls="none", from_address="a@x.example", guarded=True),
            lambda: None,
        )


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes a connection and says nothing, a byte at a time."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def drip() -> None:
            lines: list[socket.socket] = []
            while not stopping.wait(0.05):
                with contextlib.suppress(TimeoutError):
                    lines.append(listener.accept()[0])
                for line in lines:
                    with contextlib.suppress(OSError):
                        line.send(b"2")
            for line in lines:
                line.close()

        dripping = threading.Thread(target=drip)
        dripping.start()
        yield listener.getsockname()[1]
        stopping.set()
        dripping.join()


def test_a_server_that_answers_a_byte_at_a_time_holds_nobody(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "WHOLE_SECONDS", 1.0)
    with pytest.raises(NotNow):
        deliver(LETTER, Sender(host="127.0.0.1", port=silent, tls="none", from_address="a@x.example"))


class Scripted:
    """A server on loopback that says what it is told, line by line, and then does what it is told."""

    def __init__(self, says: list[bytes], then: Callable[[socket.socket, threading.Event], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard: list[bytes] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(says, then), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._listener.close()

    def _serve(self, says: list[bytes], then: Callable[[socket.socket, threading.Event], None]) -> None:
        line, _ = self._listener.accept()
        with line, line.makefile("rb") as reading, contextlib.suppress(OSError):
            for at, answer in enumerate(says):
                if at:
                    self.heard.append(reading.readline())
                line.sendall(answer)
            then(line, self._stopping)


def drip(line: socket.socket, stopping: threading.Event) -> None:
    """A TLS record that is announced as long and comes a byte at a time."""
    line.sendall(b"\x16\x03\x03\x40\x00")
    while not stopping.wait(0.05):
        line.sendall(b"\x00")


def hang_up(line: socket.socket, stopping: threading.Event) -> None:
    del line, stopping


def read_on(line: socket.socket, stopping: threading.Event) -> None:
    """Take the letter and hang up before a word about it."""
    del stopping
    kept = b""
    while not kept.endswith(b"\r\n.\r\n"):
        kept += line.recv(65536)


@pytest.mark.parametrize(
    ("kind", "says"),
    [("implicit", []), ("starttls", [b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"])],
)
def test_a_handshake_that_is_drawn_out_holds_nobody(
    kind: Tls, says: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "WHOLE_SECONDS", 1.0)
    began = time.monotonic()
    with Scripted(says, drip) as server, pytest.raises(NotNow):
        deliver(LETTER, Sender(host="127.0.0.1", port=server.port, tls=kind, from_address="a@x.example"))
    assert time.monotonic() - began < 10


OK = b"250 ok\r\n"


def test_a_server_that_hangs_up_before_the_letter_is_worth_another_try() -> None:
    handed: list[int] = []
    for says in ([], [b"220 x\r\n"], [b"220 x\r\n", OK, OK], [b"220 x\r\n", OK, OK, OK]):
        with Scripted(says, hang_up) as server, pytest.raises(NotNow):
            SmtpPost(LOOPBACK).deliver(
                LETTER,
                Sender(host="127.0.0.1", port=server.port, tls="none", from_address="a@x.example"),
                lambda: handed.append(1),
            )
    assert handed == []


def test_a_server_that_hangs_up_behind_the_letter_leaves_it_open_whether_it_came() -> None:
    handed: list[int] = []
    says = [b"220 x\r\n", OK, OK, OK, b"354 go on\r\n"]
    with Scripted(says, read_on) as server, pytest.raises(smtplib.SMTPServerDisconnected):
        SmtpPost(LOOPBACK).deliver(
            LETTER,
            Sender(host="127.0.0.1", port=server.port, tls="none", from_address="a@x.example"),
            lambda: handed.append(1),
        )
    assert handed == [1]


def test_what_was_said_in_the_open_behind_starttls_is_not_believed(certificates: Certificates) -> None:
    """Words that somebody on the way put behind the answer to STARTTLS (CVE-2011-0411)."""
    says = [b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n250 AUTH PLAIN\r\n"]
    with Scripted(says, hang_up) as server, pytest.raises(NotNow):
        deliver(
            LETTER,
            Sender(host="localhost", port=server.port, tls="starttls", from_address="a@x.example", **USER),  # type: ignore[arg-type]
            SmtpPost(LOOPBACK, certificates.client),
        )
    assert server.heard[-1].upper().startswith(b"STARTTLS")


NASTY = (
    'Studio "North", <Süd>; \\ (Ltd.)', "x" * 900, "é" * 300, "日本語" * 80, "a\r\nBcc: evil@x.example", "\u202e\u2066",
    "=?utf-8?q?=0D=0ABcc:_evil@x.example?=", " ", "🕰️👩‍👩‍👧‍👦" * 20, "a, b@c.example", "x\x00\x1b[31m",
)  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_a_name_or_subject_of_any_kind_makes_no_header_of_its_own(name: str, box: Postbox) -> None:
    by = sender(box, from_name=name, reply_to="ada@studio.example")
    letter = msgspec.structs.replace(LETTER, subject=name, cc=["cc@client.example"], text=f"{name}\n.\n{name}")
    assert deliver(letter, by) == ()
    (found,) = box.letters
    assert box.envelopes == [("studio@studio.example", ["ada@client.example", "cc@client.example"])]
    assert sorted({one.lower() for one in found}) == [
        "cc", "content-language", "content-type", "date", "from", "message-id", "mime-version", "reply-to", "subject",
        "to",
    ]  # fmt: skip
    sent = composed(letter, by)
    assert max(map(len, sent.splitlines())) <= 998
    plain = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    raw = message_from_bytes(sent)
    assert str(make_header(decode_header(raw["Subject"].replace("\r\n", "")))) == plain
    said, address = parseaddr(raw["From"].replace("\r\n", ""))
    assert (str(make_header(decode_header(said))), address) == (plain, "studio@studio.example")


@pytest.mark.parametrize("address", ["jürgen@studio.example", "ada@müller.example", "a@b@c.example", "a b@c.example"])
def test_an_address_that_plain_smtp_does_not_carry_is_none(address: str) -> None:
    assert not is_address(address)


def test_a_name_with_many_addresses_that_do_not_answer_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{one}", 9)) for one in range(1, 200)]
    tried: list[object] = []
    monkeypatch.setattr("tallystick.outgoing.egress.socket.getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(
        "socket.socket.connect", lambda _, place: tried.append(place) or (_ for _ in ()).throw(OSError())
    )
    with pytest.raises(NotNow):
        deliver(LETTER, Sender(host="x.example", port=9, tls="none", from_address="a@x.example", guarded=True))
    assert len(tried) == 4


def test_when_the_last_moment_is_too_late_nothing_is_handed_over(box: Postbox) -> None:
    def too_late() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        SmtpPost(LOOPBACK).deliver(LETTER, sender(box), too_late)
    assert not box.letters


def test_files_go_along(box: Postbox) -> None:
    files = [
        Attachment("INV-0001.pdf", "application/pdf", b"%PDF-1.7\n.\n\xff"),
        Attachment("ü.xml", "text/xml", b"<a/>"),
    ]
    letter = Letter(message_id="<2@x>", to=["ada@client.example"], subject="Two", text="Two", attachments=files)
    deliver(letter, sender(box))
    found = [(one.get_filename(), one.get_payload(decode=True)) for one in box.letters[0].iter_attachments()]
    assert found == [("INV-0001.pdf", b"%PDF-1.7\n.\n\xff"), ("ü.xml", b"<a/>")]


def test_nobody_s_absence_note_answers_a_machine() -> None:
    letter = Letter(message_id="<2@x>", to=["a@x.example"], subject="s", text="t", automatic=True)
    assert b"Auto-Submitted: auto-generated" in composed(
        letter, Sender(host="h", port=1, tls="none", from_address="a@b")
    )


def test_a_password_is_in_no_text() -> None:
    assert "secret" not in repr(Sender(host="h", port=1, tls="none", from_address="a@b", user="u", password="secret"))
