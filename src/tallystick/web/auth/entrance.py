"""What every way in shares: who is asking, whether a page of ours asks, how often, and which cookies they take away."""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore
from typing import Any, Final, NamedTuple

import falcon

from tallystick.auth import sessions
from tallystick.auth.first_run import FirstRun
from tallystick.auth.passkeys import LIFETIME as CHALLENGES
from tallystick.auth.passkeys import Site, site_of
from tallystick.auth.rate_limits import Policy, RateLimits
from tallystick.auth.session_tokens import csrf_token, device_of, is_csrf_token
from tallystick.auth.sessions import CodeNeeded, Live, SignedIn, WrongCode
from tallystick.auth.single_sign_on import SingleSignOn
from tallystick.domain.access import Actor, as_member
from tallystick.domain.context import Clock, Connection, Transactions
from tallystick.domain.sessions import REMEMBERED
from tallystick.values.errors import Forbidden, TooMany, Unauthenticated
from tallystick.values.seal import derive, seal, unseal

AT_ONCE: Final = 16
"""Sign-ins under way in a process. Two hash at a time, the others wait in threads that nobody else can use."""
DEVICE_SECONDS: Final = 365 * 24 * 3600
LOOK: Final = "look-as-member/v1"
BAD_LINKS: Final = Policy(burst=5, burst_window=600, sustained=0, sustained_window=0)


class Busy(Exception):  # noqa: N818 - a fact about the server
    """More sign-ins at once than this process hashes: worth asking again."""


class Caller(NamedTuple):
    """A live session, and what it came by."""

    live: Live
    by_cookie: bool


@dataclass(frozen=True, slots=True)
class Entrance:
    """One server's way in, as `main` puts it together."""

    database: Transactions
    key: bytes
    limits: RateLimits
    public_url: str
    address_of: Callable[[falcon.Request], str]
    address_policy: Policy
    clock: Clock
    seen: Callable[[Actor], None] | None = None
    """Is told whose sessions are used."""
    mailing: bool = False
    """Whether this server can mail somebody a link."""
    first_run: FirstRun | None = None
    """Whether the server still waits for its first workspace; None: nobody asks."""
    asset: Callable[[str], str] = lambda name: f"/static/{name}"
    """The address of a script of ours."""
    single_sign_on: SingleSignOn | None = None
    """The provider that the operator has named."""
    crowd: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))

    # --- cookies

    @property
    def secure(self) -> bool:
        """Whether people come by https, as the public URL says: never what a request claims."""
        return self.public_url.startswith("https://")

    @property
    def session_cookie(self) -> str:
        return "__Host-tallystick" if self.secure else "tallystick"

    @property
    def device_cookie(self) -> str:
        return "__Host-tallystick-browser" if self.secure else "tallystick-browser"

    @property
    def challenge_cookie(self) -> str:
        return "__Host-tallystick-challenge" if self.secure else "tallystick-challenge"

    @property
    def site(self) -> Site | None:
        """What passkeys know this server by; None where they would not have it."""
        return site_of(self.public_url)

    def keep_challenge(self, response: falcon.Response, sealed: str) -> None:
        """Let the browser bring it along with its answer; an empty one is forgotten."""
        seconds = int(CHALLENGES.total_seconds()) if sealed else 0
        self._set_cookie(response, self.challenge_cookie, sealed, seconds)

    @property
    def errand_cookie(self) -> str:
        return "__Host-tallystick-errand" if self.secure else "tallystick-errand"

    def keep_errand(self, response: falcon.Response, sealed: str, seconds: int) -> None:
        """Let the browser bring it along when it comes back from the provider; an empty one is forgotten."""
        self._set_cookie(response, self.errand_cookie, sealed, seconds)

    def errand(self, request: falcon.Request) -> str:
        """What `keep_errand` left with the browser."""
        return cookie_of(request, self.errand_cookie) or ""

    def challenge(self, request: falcon.Request) -> str:
        """What `keep_challenge` left with the browser."""
        return cookie_of(request, self.challenge_cookie) or ""

    def give_cookies(self, response: falcon.Response, signed: SignedIn) -> None:
        """Let the browser keep the session, until it is closed or for 30 days, and its own mark for a year."""
        kept = int(REMEMBERED.total_seconds()) if signed.session.remember else None
        self._set_cookie(response, self.session_cookie, signed.cookie_secret, kept)
        self._set_cookie(response, self.device_cookie, signed.device, DEVICE_SECONDS)

    def take_cookies(self, response: falcon.Response) -> None:
        """Let the browser forget the session and what it stored; its own mark stays."""
        self._set_cookie(response, self.session_cookie, "", 0)
        response.set_header("Clear-Site-Data", '"cache", "storage"')

    def _set_cookie(self, response: falcon.Response, name: str, value: str, seconds: int | None) -> None:
        age = "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if self.secure else ""
        response.append_header("Set-Cookie", f"{name}={value}; Path=/{age}{secure}; HttpOnly; SameSite=Lax")

    # --- who asks

    def caller(self, connection: Connection, request: falcon.Request) -> Caller:
        """Who asks: by JWT where there is an `Authorization`, else by cookie. Raises Unauthenticated."""
        header = request.get_header("Authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated
            live = sessions.session_of_jwt(connection, self.key, token.strip(), self.clock(), self.public_url)
            self._note(live)
            return Caller(live, False)
        return Caller(self.visitor(connection, request), True)

    def visitor(self, connection: Connection, request: falcon.Request) -> Live:
        """Whose browser asks. Raises Unauthenticated."""
        cookie = cookie_of(request, self.session_cookie)
        if cookie is None:
            raise Unauthenticated
        live = sessions.session_by_cookie(connection, self.key, cookie, self.clock())
        self._note(live)
        looks = cookie_of(request, self.look_cookie)
        if looks and unseal(derive(self.key, LOOK), looks) == live.session_id.encode():
            return replace(live, actor=as_member(live.actor))
        return live

    @property
    def look_cookie(self) -> str:
        return "__Host-tallystick-look" if self.secure else "tallystick-look"

    def look_of(self, live: Live) -> str:
        """The value of the cookie with which somebody looks at pages as a member does, in this session."""
        return seal(derive(self.key, LOOK), live.session_id.encode())

    def _note(self, live: Live) -> None:
        if self.seen is not None:
            self.seen(live.actor)

    def csrf_of(self, live: Live) -> str:
        """What a page of ours sends along with each form."""
        return csrf_token(self.key, live.session_id)

    def require_our_page(self, request: falcon.Request) -> None:
        """Refuse what another site made a browser send."""
        site = request.get_header("Sec-Fetch-Site")
        ours = site in {"same-origin", "none"} if site is not None else self._is_origin(request.get_header("Origin"))
        if not ours:
            raise Forbidden("This was not sent from a page of this server. Open it here and send it again.")

    def require_csrf(self, request: falcon.Request, live: Live, given: str | None) -> None:
        """`require_our_page`, and the session's own token: for every change that a cookie authenticates."""
        self.require_our_page(request)
        if not given or not is_csrf_token(self.key, live.session_id, given):
            raise Forbidden("The form is out of date. Load the page again.")

    def _is_origin(self, origin: str | None) -> bool:
        return origin is not None and hmac.compare_digest(origin.lower().encode(), self.public_url.encode())

    # --- letting in

    def sign_in(
        self,
        request: falcon.Request,
        email: str,
        password: str,
        *,
        totp: str | None = None,
        workspace_id: str | None = None,
        remember: bool = False,
    ) -> SignedIn:
        """A sign-in with everything that slows guessing down. Raises Unauthenticated, TooMany or Busy."""
        now = self.clock()
        device = cookie_of(request, self.device_cookie)
        if device_of(self.key, email.strip().lower(), device, now) is None:
            self._admit_address(request, counting=False)
        with self.busy():
            try:
                return sessions.sign_in(
                    self.database,
                    self.key,
                    email,
                    password,
                    issuer=self.public_url,
                    address=self.where(request),
                    now=now,
                    totp=totp,
                    workspace_id=workspace_id,
                    remember=remember,
                    user_agent=request.user_agent or "",
                    device=device,
                    replaces=cookie_of(request, self.session_cookie),
                )
            except CodeNeeded:
                raise
            except (Unauthenticated, WrongCode):
                self._admit_address(request, counting=True)
                raise

    def came_with(self, request: falcon.Request) -> dict[str, Any]:
        """What `sessions.let_in` asks about a request."""
        return {
            "issuer": self.public_url,
            "now": self.clock(),
            "user_agent": request.user_agent or "",
            "address": self.where(request),
            "replaces": cookie_of(request, self.session_cookie),
        }

    def where(self, request: falcon.Request) -> str:
        """The address that asks, as people read it."""
        return self.address_of(request).removeprefix("address:")

    def prove(self, request: falcon.Request, live: Live, password: str) -> None:
        """Have somebody signed in show again that it is them: `sessions.prove`, or Busy. No connection is held."""
        with self.busy():
            sessions.prove(self.database, self.key, live, password, address=self.where(request), now=self.clock())

    def require_few_failures(self, request: falcon.Request) -> None:
        """Raises TooMany when too many sign-ins failed from the address."""
        self._admit_address(request, counting=False)

    def failed(self, request: falcon.Request) -> None:
        """Count a failed credential against the address; raises TooMany when those are too many."""
        self._admit_address(request, counting=True)

    @contextlib.contextmanager
    def busy(self) -> Generator[None]:
        """A place among those that hash at this moment, or Busy."""
        if not self.crowd.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self.crowd.release()

    def require_few_bad_links(self, request: falcon.Request, *, counting: bool) -> None:
        """Whoever tries links that are not valid waits: five in ten minutes."""
        name = f"link:{self.address_of(request)}"
        verdict = self.limits.take(name, BAD_LINKS) if counting else self.limits.peek(name, BAD_LINKS)
        if not verdict.allowed:
            raise TooMany("Too many links that are not valid.", retry_after=verdict.retry_after)

    def _admit_address(self, request: falcon.Request, *, counting: bool) -> None:
        # The same key as api.wire's: all failed credentials of an address count together.
        name = f"address:{self.address_of(request)}"
        count = self.limits.take if counting else self.limits.peek
        verdict = count(name, self.address_policy)
        if not verdict.allowed:
            raise TooMany(
                "Too many failed sign-ins from your address.", retry_after=verdict.retry_after, reason=verdict.bucket
            )


def cookie_of(request: falcon.Request, name: str) -> str | None:
    """A cookie that came exactly once; of two, nobody knows who set which."""
    values = request.get_cookie_values(name) or []
    return values[0] if len(values) == 1 else None
