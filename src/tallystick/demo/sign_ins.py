"""Who can sign in to the demo: drawn once, kept in its data directory, and handed out in a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tallystick.auth import api_keys, tokens
from tallystick.demo import neighbours, nordlicht
from tallystick.values.ids import new_id

KEPT: Final = "demo.json"


class SignIn(Struct):
    """What one person signs in with: on the page, and through the API."""

    email: str
    password: str
    token: str


class Named(Struct):
    """A workspace."""

    id: str
    name: str


class Neighbour(Struct):
    """Another workspace of the same server, and its owner."""

    workspace: Named
    owner: SignIn


class OAuthDoor(Struct, rename="camel"):
    """An app without a secret, that may ask the studio's people for access."""

    client_id: str
    redirect_uri: str


class Expensicat(Struct, rename="camel"):
    """What Expensicat clients need: session JWTs of the owner, a member and the other workspace's owner; an app."""

    session_token: str
    member_session_token: str
    other_session_token: str
    oauth: OAuthDoor


class GrowCrm(Struct, rename="camel"):
    """What Grow CRM clients need: an API key of the studio, and one of the other workspace."""

    api_key: str
    other_api_key: str


class PortalDoor(Struct, rename="camel"):
    """For somebody at a client: a link that works once and soon, and a cookie that opens the same for seven days."""

    email: str
    url: str
    client_url: str
    cookie: str


class SignIns(Struct, omit_defaults=True, kw_only=True):
    """The credentials file. Its fields are what other programs rely on: add, never rename."""

    url: str = ""
    workspace: Named
    owner: SignIn
    admin: SignIn
    manager: SignIn
    member: SignIn
    other: Neighbour
    free: Neighbour
    expensicat: Expensicat | None = None
    """Made at each start (`demo.doors`), never kept."""
    growcrm: GrowCrm | None = None
    """None in what was kept before there were API keys."""
    portal: PortalDoor | None = None
    """Made at each start, never kept."""


def kept_in(data: Path, env: tokens.Env) -> SignIns:
    """The sign-ins of a data directory: those drawn before, else new ones, kept before anybody uses them."""
    path = data / KEPT
    if path.exists():
        kept = msgspec.json.decode(path.read_bytes(), type=SignIns)
        if kept.growcrm is None:
            kept.growcrm = GrowCrm(api_keys.mint(), api_keys.mint())
            write(path, kept)
        return kept

    def drawn(email: str) -> SignIn:
        return SignIn(email, _password(), tokens.mint(env))

    def neighbour(one: neighbours.Neighbour) -> Neighbour:
        return Neighbour(Named(new_id(), one.name), drawn(one.email))

    people = {person.key: person.email for person in nordlicht.PEOPLE}
    drawn_now = SignIns(
        workspace=Named(new_id(), nordlicht.NAME),
        owner=drawn(people["owner"]),
        admin=drawn(people["admin"]),
        manager=drawn(people["manager"]),
        member=drawn(people["member"]),
        other=neighbour(neighbours.OTHER),
        free=neighbour(neighbours.FREE),
        growcrm=GrowCrm(api_keys.mint(), api_keys.mint()),
    )
    write(path, drawn_now)
    return drawn_now


def write(path: Path, sign_ins: SignIns) -> None:
    """Write them for their reader only, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(msgspec.json.format(msgspec.json.encode(sign_ins), indent=2) + b"\n")
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


def _password() -> str:
    """Twelve syllables, 75 bits: to be copied, and possible to type."""
    syllables = [secrets.choice("bdfghjklmnprstvz") + secrets.choice("aeiou") for _ in range(12)]
    return "-".join("".join(syllables[first : first + 3]) for first in range(0, 12, 3))
