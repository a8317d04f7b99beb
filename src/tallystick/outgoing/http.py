"""The one client for addresses that somebody other than the operator names: guarded, bounded, and polite to nobody.

Each connection is opened to an address that was looked at. No redirect is followed, no proxy of the environment asked,
TLS is verified, and whatever the other side does, a request is over in ten seconds.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2

from tallystick.outgoing.egress import Closed, connect
from tallystick.values.egress import PORTS, Network, Unusable, receiver
from tallystick.values.webhooks import KEPT_ANSWER, Attempt

CONNECT_SECONDS: Final = 5.0
WHOLE_SECONDS: Final = 10.0
MOST_READ: Final = 64 * 1024
"""Bytes of an answer; whoever sends more is not listened to any longer."""
AT_ONCE: Final = 32
_LONGEST_ERROR: Final = 300


class HttpCourier:
    """`values.webhooks.Courier` over HTTP. `opened`: private networks where receivers may be."""

    def __init__(self, opened: Sequence[Network] = (), *, trust: ssl.SSLContext | None = None) -> None:
        self._opened = tuple(opened)
        self._trust = trust

    def address(self, url: str) -> str:
        return receiver(url, self._opened)

    def take(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        began = time.monotonic()
        try:
            status, answer, after = self._exchange(url, headers, body, began + WHOLE_SECONDS)
        except (Closed, Unusable) as reason:
            return Attempt(None, _since(began), error=str(reason)[:_LONGEST_ERROR])
        except Exception as error:  # noqa: BLE001 - whatever a receiver does is a fact about it
            return Attempt(None, _since(began), error=_told(error))
        return Attempt(status, _since(began), answer, retry_after=after)

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, until: float
    ) -> tuple[int, bytes, str | None]:
        """Status, the beginning of the body, and Retry-After."""
        address = receiver(url, self._opened)
        network = _Guarded(self._opened, address, until)
        timeout = {"connect": CONNECT_SECONDS, "read": WHOLE_SECONDS, "write": WHOLE_SECONDS, "pool": 1.0}
        pool = httpcore2.ConnectionPool(
            ssl_context=self._trust or _usual_trust(), max_connections=1, retries=0, network_backend=network
        )
        sent = [*headers.items(), ("Accept-Encoding", "identity"), ("Connection", "close")]
        with (
            pool,
            pool.stream("POST", address, headers=sent, content=body, extensions={"timeout": timeout}) as answer,
        ):
            after = next((value for name, value in answer.headers if name.lower() == b"retry-after"), None)
            return answer.status, _beginning(answer.iter_stream()), None if after is None else after.decode("latin-1")


class _Guarded(httpcore2.NetworkBackend):
    """Connects to addresses that were looked at, until a deadline."""

    def __init__(self, opened: Sequence[Network], address: str, until: float) -> None:
        parts = urlsplit(address)
        self._opened = opened
        self._until = until
        self._inside = parts.scheme == "http" or (parts.port or 443) not in PORTS
        """Whether it may only be in a network that is opened."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        del local_address, socket_options
        seconds = min(timeout or CONNECT_SECONDS, _left(self._until))
        # A resolver that does not answer holds a thread of its own, and not the request.
        line = _resolvers.submit(
            connect, host, port, guarded=True, opened=self._opened, only_opened=self._inside, seconds=seconds,
            until=min(self._until, time.monotonic() + CONNECT_SECONDS),
        ).result(timeout=_left(self._until))  # fmt: skip
        return _Stream(line, self._until)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        del path, timeout, socket_options
        raise Closed("There is no way to a file from here.")


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step ends at the deadline."""

    def __init__(self, line: Any, until: float) -> None:
        self._line = line
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._line.settimeout(min(timeout or WHOLE_SECONDS, _left(self._until)))
        return self._line.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._line.settimeout(min(timeout or WHOLE_SECONDS, _left(self._until)))
        self._line.sendall(buffer)  # for all of it together

    def close(self) -> None:
        self._line.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        self._line.settimeout(min(timeout or WHOLE_SECONDS, _left(self._until)))
        try:
            return _Stream(ssl_context.wrap_socket(self._line, server_hostname=server_hostname), self._until)
        except BaseException:
            self._line.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._line if info == "socket" else False if info == "is_readable" else None


def _beginning(parts: Iterable[bytes]) -> bytes:
    """What is kept of a body. The status was heard already: a body that breaks off, or has no end, changes nothing."""
    kept, size = b"", 0
    try:
        for part in parts:
            size += len(part)
            kept += part[: KEPT_ANSWER - len(kept)]
            if size >= MOST_READ:
                break
    except Exception:  # noqa: BLE001, S110 - as above
        pass
    return kept


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError | httpcore2.TimeoutException):
        return f"There was no answer within {WHOLE_SECONDS:.0f} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not trusted: {error.verify_message}."[:_LONGEST_ERROR]
    return (f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)[:_LONGEST_ERROR]


def _usual_trust() -> ssl.SSLContext:
    """Read once: it takes longer than a request."""
    if not _trusted:
        _trusted.append(ssl.create_default_context())
    return _trusted[0]


_trusted: list[ssl.SSLContext] = []
_resolvers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="resolve")
