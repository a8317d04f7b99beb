"""The other workspaces of the demo server: another studio, and somebody on the free plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.domain.access import Plan


@dataclass(frozen=True)
class Neighbour:
    """A workspace with an owner, one client and one project."""

    name: str
    plan: Plan
    email: str
    owner: str
    currency: str
    time_zone: str
    client: str
    project: str


OTHER: Final = Neighbour(
    name="Canary & Co",
    plan="agency",
    email="mara@canary.example",
    owner="Mara Okafor",
    currency="GBP",
    time_zone="Europe/London",
    client="Threadneedle Books",
    project="Window displays",
)
FREE: Final = Neighbour(
    name="Solo Desk",
    plan="free",
    email="finn@solo-desk.example",
    owner="Finn Larsen",
    currency="DKK",
    time_zone="Europe/Copenhagen",
    client="Havnens Bageri",
    project="Menu and signage",
)
