"""Every setting of a Tallystick server, read from the environment once; docs/operations.md describes each."""

import difflib
import ipaddress
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

PREFIX = "TALLYSTICK_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Environment = Literal["live", "test"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogForm = Literal["text", "json"]
Default = TypeVar("Default", int, None)
Choice = TypeVar("Choice", bound=str)

ENVIRONMENTS: tuple[Environment, ...] = ("live", "test")
Strangers = Literal["refuse", "join"]
GroupRole = Literal["ADMIN", "MANAGER", "MEMBER"]
GROUP_ROLES: tuple[GroupRole, ...] = ("ADMIN", "MANAGER", "MEMBER")
STRANGERS: tuple[Strangers, ...] = ("refuse", "join")
LOG_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
LOG_FORMS: tuple[LogForm, ...] = ("text", "json")
LEAST_TOKEN = 16
"""Characters of a token that nobody guesses."""


class SettingsError(Exception):
    """A sentence that names the variable and says what to write there."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field for each variable: `public_url` is `TALLYSTICK_PUBLIC_URL`."""

    host: str = "127.0.0.1"
    port: int = 8000
    data: Path
    database_url: str | None = field(default=None, repr=False)  # it may hold a password; None: LocalPostgres
    public_url: str = "http://127.0.0.1:8000"  # an origin; links and cookie flags come from it, never from a request
    trusted_proxies: tuple[Network, ...] = ()
    env: Environment = "live"
    rate_limit_burst: int | None = None  # requests in 10 seconds; None: as the plan says, 0: no limit
    rate_limit_sustained: int | None = None  # requests in 60 seconds; the same
    rate_limit_address: int = 10  # failed credentials in a minute; 0: no limit
    workers: int = 1
    threads: int = 32
    log: LogForm = "text"
    log_level: LogLevel = "info"
    slow_query_ms: int = 500  # round trips to the database from there on are told; 0: none
    slow_request_ms: int = 2000  # requests likewise
    metrics_token: str | None = field(default=None, repr=False)  # who may read /metrics; None: nobody
    job_workers: int = 1  # processes beside the server that do jobs; 0: `tallystick worker` does, elsewhere
    smtp_url: str | None = field(default=None, repr=False)  # it may hold a password; None: no mail of the server's own
    mail_from: str | None = None  # in whose name the server's mail goes
    stripe_api: str = "https://api.stripe.com"  # an origin; another one is for tests
    oidc_issuer: str | None = None  # who else signs people in; None: nobody
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_scopes: str = "openid email profile"
    oidc_group_claim: str = "groups"
    oidc_roles: str = ""  # group=ROLE with commas between; see `roles_of`
    oidc_workspace: str = ""  # name or id; empty: the only one
    oidc_label: str = "Single sign-on"
    oidc_strangers: Strangers = "refuse"
    egress_allow: tuple[Network, ...] = ()  # private networks where a workspace may have its mail server

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the variables; an empty one counts as not set. Raise SettingsError where one cannot be meant."""
        given = _Given(environ)
        host = given.text("host") or "127.0.0.1"
        port = given.number("port", least=1, most=65535, default=8000)
        return cls(
            host=host,
            port=port,
            data=given.path("data") or default_data(environ),
            database_url=given.database_url("database_url"),
            public_url=given.origin("public_url") or _local_url(host, port),
            trusted_proxies=given.networks("trusted_proxies"),
            env=given.one_of("env", ENVIRONMENTS, default="live"),
            rate_limit_burst=given.number("rate_limit_burst", least=0, default=None),
            rate_limit_sustained=given.number("rate_limit_sustained", least=0, default=None),
            rate_limit_address=given.number("rate_limit_address", least=0, default=10),
            workers=given.number("workers", least=1, most=256, default=_cores()),
            threads=given.number("threads", least=1, most=1024, default=32),
            log=given.one_of("log", LOG_FORMS, default="text"),
            log_level=given.one_of("log_level", LOG_LEVELS, default="info"),
            slow_query_ms=given.number("slow_query_ms", least=0, default=500),
            slow_request_ms=given.number("slow_request_ms", least=0, default=2000),
            metrics_token=given.token("metrics_token"),
            job_workers=given.number("job_workers", least=0, most=64, default=1),
            smtp_url=given.smtp_url("smtp_url", "mail_from"),
            mail_from=given.mailbox("mail_from"),
            stripe_api=given.origin("stripe_api") or "https://api.stripe.com",
            oidc_issuer=given.issuer("oidc_issuer", "oidc_client_id"),
            oidc_client_id=given.text("oidc_client_id"),
            oidc_client_secret=given.text("oidc_client_secret"),
            oidc_scopes=given.scopes("oidc_scopes") or "openid email profile",
            oidc_group_claim=given.text("oidc_group_claim") or "groups",
            oidc_roles=given.roles("oidc_roles"),
            oidc_workspace=given.text("oidc_workspace") or "",
            oidc_label=given.text("oidc_label") or "Single sign-on",
            oidc_strangers=given.one_of("oidc_strangers", STRANGERS, default="refuse"),
            egress_allow=given.networks("egress_allow"),
        )


def roles_of(text: str) -> tuple[tuple[str, GroupRole], ...]:
    """The pairs of `oidc_roles`, in their order. Raises ValueError."""
    found: list[tuple[str, GroupRole]] = []
    for one in filter(None, (part.strip() for part in text.split(","))):
        group, sign, name = one.rpartition("=")
        wanted = name.strip().upper()
        if not sign or not group.strip() or wanted not in GROUP_ROLES:
            raise ValueError(one)
        found.append((group.strip(), GROUP_ROLES[GROUP_ROLES.index(wanted)]))
    return tuple(found)


def variable(name: str) -> str:
    """Return the variable that sets a field."""
    return PREFIX + name.upper()


def default_data(environ: Mapping[str, str]) -> Path:
    """Return the user's data home, as the XDG base directory specification finds it, and our folder in it."""
    home = environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    return Path(environ.get("XDG_DATA_HOME") or Path(home, ".local", "share")) / "tallystick"


class _Given:
    """What the environment holds for us."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        known = [variable(one.name) for one in fields(Settings)]
        for name in environ:
            if name.startswith(PREFIX) and name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
                raise SettingsError(f"{name} is not a setting of Tallystick. Did you mean {near}?")
        self._values = {name: value.strip() for name, value in environ.items() if name in known}

    def text(self, name: str) -> str | None:
        return self._values.get(variable(name)) or None

    def number(self, name: str, *, least: int, default: Default, most: int = 1_000_000) -> int | Default:
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and least <= int(value[:9]) <= most and len(value) < 9):
            raise self._refusal(name, f"a whole number from {least} to {most}")
        return int(value)

    def token(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not (
            len(value) >= LEAST_TOKEN and value.isascii() and value.isprintable() and " " not in value
        ):
            # Without the value: it is a secret.
            raise SettingsError(
                f"{variable(name)} must have {LEAST_TOKEN} or more visible ASCII characters, "
                "such as those that `openssl rand -hex 24` prints."
            )
        return value

    def one_of(self, name: str, choices: tuple[Choice, ...], *, default: Choice) -> Choice:
        value = self.text(name)
        if value is None:
            return default
        for choice in choices:
            if value.lower() == choice:
                return choice
        raise self._refusal(name, f"one of {', '.join(choices)}")

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.startswith("/"):
            raise self._refusal(name, "the full path of a directory, such as /var/lib/tallystick/data")
        return Path(value)

    def database_url(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            # Without the value: it may hold a password.
            raise SettingsError(
                f"{variable(name)} must begin with postgresql://, such as postgresql://tallystick@db.example/tallystick."
            )
        return value

    def origin(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        url = _split(value)
        if (
            url is None
            or url.scheme not in {"http", "https"}
            or not url.hostname
            or url.path not in {"", "/"}
            or "@" in url.netloc
            or any(mark in value for mark in "?#\\")
            or not value.isprintable()
            or " " in value
        ):
            raise self._refusal(name, "an address without a path, such as https://time.example.com")
        return f"{url.scheme}://{url.netloc.lower()}"

    def smtp_url(self, name: str, needs: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        url = _split(value)
        tls = dict(parse_qsl(url.query)).get("tls", "starttls") if url else ""
        plain = url is not None and url.scheme in {"smtp", "smtps"} and bool(url.hostname) and url.path in {"", "/"}
        if not plain or tls not in {"starttls", "none"}:
            # Without the value: it may hold a password.
            raise SettingsError(
                f"{variable(name)} must be like smtps://user:password@mail.example.com (TLS from the start, port 465) "
                "or smtp://user:password@mail.example.com:587 (STARTTLS; with ?tls=none in the open). "
                "Write special characters of the password as %40 and the like."
            )
        if self.text(needs) is None:
            raise SettingsError(
                f"{variable(name)} needs {variable(needs)}: in whose name mail goes, such as billing@example.com."
            )
        return value

    def mailbox(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        _, address = parseaddr(value)
        if address.count("@") != 1 or not address.isascii() or not value.isprintable():
            raise self._refusal(name, "an address such as billing@example.com or Studio North <billing@example.com>")
        return value

    def issuer(self, name: str, needs: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        url = _split(value)
        local = url is not None and url.hostname in {"localhost", "127.0.0.1", "::1"}
        good = url is not None and (url.scheme == "https" or (url.scheme == "http" and local)) and bool(url.hostname)
        if not good or "@" in value or any(mark in value for mark in "?# ") or not value.isprintable():
            raise self._refusal(name, "the provider's issuer, such as https://login.example.com/realms/studio")
        if self.text(needs) is None:
            raise SettingsError(f"{variable(name)} needs {variable(needs)}: the name of this server at the provider.")
        return value

    def scopes(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and "openid" not in value.split():
            raise self._refusal(name, "scopes with blanks between, openid among them: openid email profile groups")
        return value

    def roles(self, name: str) -> str:
        value = self.text(name) or ""
        try:
            roles_of(value)
        except ValueError:
            raise self._refusal(
                name, f"groups and roles ({', '.join(GROUP_ROLES)}) such as admins=ADMIN,staff=MEMBER"
            ) from None
        return value

    def networks(self, name: str) -> tuple[Network, ...]:
        value = self.text(name) or ""
        try:
            return tuple(ipaddress.ip_network(one.strip()) for one in value.split(",") if one.strip())
        except ValueError as error:
            raise self._refusal(
                name, "addresses or networks with commas between, such as 127.0.0.1, 10.0.0.0/8"
            ) from error

    def _refusal(self, name: str, wanted: str) -> SettingsError:
        return SettingsError(f"{variable(name)} is {self._values[variable(name)]!r}; write {wanted}.")


def _split(value: str) -> SplitResult | None:
    try:
        url = urlsplit(value)
        usable = url.port != 0  # asking for the port checks it
    except ValueError:
        return None
    return url if usable else None


def _local_url(host: str, port: int) -> str:
    # Everywhere is no place a browser can go to.
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - read, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
