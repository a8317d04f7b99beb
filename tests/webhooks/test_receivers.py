"""Receivers that answer badly, not at all, or are where they must not be; and the healthy ones beside them."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Any

import pytest

from tallystick.domain.webhooks import endpoints
from tallystick.jobs.webhooks import carrying
from tallystick.outgoing import http
from tallystick.outgoing.http import HttpCourier
from tallystick.values.egress import Unusable
from tallystick.values.egress import receiver as as_kept
from tallystick.values.errors import Invalid
from tests.webhooks.conftest import LOOPBACK, Hooks
from tests.webhooks.receivers import answer, receiver

CLOSED = [
    "https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://0x7f000001/", "https://2130706433/",
    "https://017700000001/", "https://0177.0.0.01/", "https://0/", "https://0.0.0.0/", "https://127.0.0.1./",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/", "https://192.0.2.1/", "https://198.18.0.1/", "https://224.0.0.1/", "https://255.255.255.255/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:7f00::1]/",
    "https://[fc00::1]/", "https://[fe80::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[fe80::1%25lo]/",
    "https://１２７.０.０.１/", "https://①②⑦.0.0.1/", "https://256.0.0.1/",
]  # fmt: skip
MALFORMED = [
    "", "example.com", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "unix:/run/x.sock",
    "http+unix://x/", "javascript:alert(1)", "https://", "https:///hook", "https://user@example.com/",
    "https://user:secret@example.com/", "https://example.com@127.0.0.1/", "https://example.com\\@127.0.0.1/",
    "https:\\\\example.com/", "https://exa\tmple.com/", "https://exa mple.com/", "https://example.com/\r\nX: y",
    "https://example.com#x", "https://example.com:22/", "https://example.com:25/", "https://example.com:6379/",
    "https://example.com:0/", "https://example.com:99999/", "https://example.com:port/", "http://example.com/",
    "https://-/" + "a" * 2000, "https://exam%70le.com/", "https://a..b/", "https://[::1/", "https://[v1.x]/",
]  # fmt: skip


@pytest.mark.parametrize("url", [*CLOSED, *MALFORMED])
def test_an_address_that_cannot_be_a_receiver_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(Unusable):
        as_kept(url)


def test_the_refusal_names_the_field(hooks: Hooks) -> None:
    for url in ("https://10.0.0.1/", "ftp://example.com/"):
        with hooks.context() as ctx, pytest.raises(Invalid) as refusal:
            endpoints.create(ctx, url=url, events=["*"])
        assert set(refusal.value.fields) == {"url"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:8443/Hook?a=B", "https://example.com:8443/Hook?a=B"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://93.184.216.34/x", "https://93.184.216.34/x"),
    ],
)
def test_an_address_is_kept_so_that_no_two_programs_read_it_differently(given: str, kept: str) -> None:
    assert as_kept(given) == kept


def test_a_network_that_the_operator_opened_may_be_reached_without_tls_and_at_any_port() -> None:
    for url in ("http://127.0.0.1:5000/hook", "http://receiver.internal:8080/"):
        assert as_kept(url, LOOPBACK) == url
    for url in ("http://10.0.0.1/", "http://93.184.216.34/", "https://93.184.216.34:22/"):
        with pytest.raises(Unusable):
            as_kept(url, LOOPBACK)


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and where they lead; the network beyond the machine is not asked."""
    names: dict[str, list[str]] = {}

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        found = names.get(host, [host])
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    monkeypatch.setattr("tallystick.outgoing.egress.socket.getaddrinfo", look_up)
    return names


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["::ffff:127.0.0.1"],
        ["::1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["2001:0:1::7f00:1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["fd00::1"],
    ],
)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    addresses: list[str], resolved: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved["receiver.example"] = addresses
    reached: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, place: reached.append(place))
    attempt = HttpCourier().take("https://receiver.example/", {}, b"{}")
    assert (attempt.status, attempt.delivered) == (None, False)
    assert "TALLYSTICK_EGRESS_ALLOW" in (attempt.error or "")
    assert reached == []


def test_the_address_that_was_looked_at_is_the_one_connected_to(
    resolved: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved["receiver.example"] = ["93.184.216.34"]
    reached: list[Any] = []

    def connect(_: socket.socket, place: Any) -> None:
        resolved["receiver.example"] = ["127.0.0.1"]  # a moment later the name leads elsewhere
        reached.append(place)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert HttpCourier().take("https://receiver.example/", {}, b"{}").status is None
    assert reached == [("93.184.216.34", 443)]


def test_a_name_without_tls_or_at_another_port_is_only_for_networks_that_are_opened(
    resolved: dict[str, list[str]],
) -> None:
    resolved["receiver.example"] = ["93.184.216.34"]
    courier = HttpCourier(LOOPBACK)
    for url in ("http://receiver.example/", "https://receiver.example:22/"):
        assert "TALLYSTICK_EGRESS_ALLOW" in (courier.take(url, {}, b"{}").error or "")
    with receiver() as sink:
        resolved["receiver.internal"] = ["127.0.0.1"]
        assert courier.take(f"http://receiver.internal:{sink.port}/", {}, b"{}").status == 200
        assert sink.heard[0].headers["host"] == f"receiver.internal:{sink.port}"


def test_a_redirect_is_a_failure_and_not_followed() -> None:
    with receiver() as target, receiver(answer(302, location=target.url)) as sink:
        attempt = HttpCourier(LOOPBACK).take(sink.url, {}, b"{}")
        assert (attempt.status, attempt.delivered) == (302, False)
        assert target.connections == 0


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy, receiver() as sink:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert HttpCourier(LOOPBACK).take(sink.url, {}, b"{}").status == 200
        assert (proxy.connections, sink.connections) == (0, 1)


def test_a_body_without_an_end_is_not_listened_to() -> None:
    with receiver() as sink:
        sink.answers = [sink.stream]
        attempt = HttpCourier(LOOPBACK).take(sink.url, {}, b"{}")
        assert (attempt.status, attempt.answer) == (200, b"x" * 2048)


def test_whoever_does_not_answer_in_time_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WHOLE_SECONDS", 0.2)
    drip = threading.Event()

    def slowly(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        while not drip.wait(0.05):  # a byte now and then is no answer either
            line.sendall(b"X")

    with receiver() as sink:
        for hostile in (sink.hang, slowly):
            sink.answers = [hostile]
            attempt = HttpCourier(LOOPBACK).take(sink.url, {}, b"{}")
            assert attempt.status is None
            assert "within" in (attempt.error or "")
        drip.set()


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.0\r\n", b"HTTP/1.1 2000 No\r\n\r\n", b"\x00" * 100])
def test_what_is_no_answer_is_told_as_such(said: bytes) -> None:
    with receiver(said) as sink:
        attempt = HttpCourier(LOOPBACK).take(sink.url, {}, b"{}")
        assert attempt.status is None
        assert attempt.error


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    attempt = HttpCourier(LOOPBACK).take(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert attempt.status is None
    assert "refused" in (attempt.error or "").lower()


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Any) -> None:
    from tests.mail.postbox import make_certificates

    made = make_certificates(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            line, _ = listening.accept()
            with line:
                try:
                    with made.server.wrap_socket(line, server_side=True) as safe:
                        safe.recv(100)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        attempt = HttpCourier(LOOPBACK).take(f"https://127.0.0.1:{port}/", {}, b"{}")
        thread.join(10)
    assert attempt.status is None
    assert "certificate" in (attempt.error or "").lower()


def test_two_hundred_deliveries_arrive_while_a_receiver_beside_them_hangs(hooks: Hooks) -> None:
    with receiver() as stuck, receiver() as healthy:
        stuck.answers = [stuck.hang]
        hooks.endpoint(stuck.url, "client.created")
        for _ in range(8):
            hooks.endpoint(healthy.url, "client.created")
        for number in range(25):
            hooks.client(f"Client {number}")
        with carrying(hooks.desk):
            try:
                healthy.wait_for(200)
                assert not stuck.holding.is_set()
                assert 1 <= stuck.connections <= 4  # as many as one endpoint may have
            finally:
                stuck.holding.set()
    assert len({(one.headers["webhook-id"], one.headers["hoursmith-signature"]) for one in healthy.heard}) == 200
    assert not any(thread.name.startswith("webhooks") for thread in threading.enumerate())


def test_the_deny_table_is_the_one_that_mail_asks_too() -> None:
    from tallystick.values.egress import may_reach, reachable

    for text in ("127.0.0.1", "10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1", "2001:0:1::1"):
        assert not may_reach(text)
        assert not reachable(ipaddress.ip_address(text), (), only_opened=False)
