"""What the studio spent and billed: expenses of every kind, and invoices in every state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from tallystick.demo.nordlicht import ZONE
from tallystick.domain.expenses import Category
from tallystick.domain.invoices.draft import CustomLine

State = Literal["draft", "sent", "part paid", "part credited", "paid", "settled", "cancelled", "restored"]
BILLED_AFTER: Final = timedelta(days=2)


@dataclass(frozen=True)
class Expense:
    """Money spent, some days ago."""

    client: str
    project: str | None
    days_ago: int
    category: Category
    description: str
    amount: Decimal
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


EXPENSES: Final = (
    Expense("alster", "shop", 112, "TRAVEL", "Train to the roastery in Bremen, two people", Decimal("83.60")),
    Expense("alster", "shop", 98, "MEALS", "Lunch at the kick-off workshop", Decimal("124.50"), {"billable": False}),
    Expense("alster", "shop", 83, "SOFTWARE", "Address validation service, yearly", Decimal("290.00")),
    Expense("alster", "shop", 61, "CONTRACTORS", "Product photography, 24 bags", Decimal("1850.00")),
    Expense("alster", "care", 34, "SOFTWARE", "Uptime monitoring", Decimal("15.00")),
    Expense("alster", "shop", 9, "EQUIPMENT", "Receipt printer for tests", Decimal("189.90")),
    Expense("brightwater", "portal", 90, "TRAVEL", "Flight Hamburg–Portland for discovery", Decimal("1142.80")),
    Expense("brightwater", "portal", 88, "TRAVEL", "Hotel, four nights", Decimal("736.00")),
    Expense("brightwater", "portal", 87, "MEALS", "Dinner with the nursing team", Decimal("168.40")),
    Expense("brightwater", "portal", 22, "OTHER", "Vouchers for test participants", Decimal("250.00")),
    Expense("sagano", "guide", 70, "EQUIPMENT", "Twelve beacons", Decimal(54_000)),
    Expense("sagano", "guide", 41, "CONTRACTORS", "Voice recording, Japanese", Decimal(120_000)),
    Expense("fjordlys", "identity", 55, "EQUIPMENT", "Paper samples and proofs", Decimal("212.35")),
    Expense("fjordlys", "identity", 28, "TRAVEL", "Ferry and train to Bergen", Decimal("318.00")),
    Expense("kanal", None, 47, "OTHER", "Cake for the volunteers", Decimal("46.20"),
            {"billable": False, "custom_category": "Goodwill"}),
)  # fmt: skip


@dataclass(frozen=True)
class Bill:
    """An invoice: for which month (1 is the last one that has ended), and what became of it."""

    client: str
    month: int
    state: State
    expenses: bool = False
    lines: tuple[tuple[str, Decimal, Decimal, str | None], ...] = ()
    """Description, quantity, rate and project of each line of its own."""
    work: bool = True
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def custom_lines(self, projects: dict[str, str]) -> list[CustomLine]:
        """Its own lines, with the ids of their projects."""
        return [
            CustomLine(about, quantity, rate, project_id=projects[project] if project else None)
            for about, quantity, rate, project in self.lines
        ]


MILESTONE: Final = Decimal(16_000)
PO: Final = {"po_number": "BW-4471-26"}

BILLS: Final = (
    Bill("alster", 3, "paid", expenses=True),
    Bill("fjordlys", 3, "paid"),
    Bill("brightwater", 3, "settled", facts=PO, expenses=True,
         lines=(("Patient portal, milestone 1: discovery", Decimal(1), MILESTONE, "portal"),)),
    Bill("kanal", 2, "cancelled", work=False,
         lines=(("Workshop: plain language on the web", Decimal(1), Decimal(560), None),)),
    Bill("alster", 2, "paid", expenses=True),
    Bill("fjordlys", 2, "sent", expenses=True),
    Bill("kanal", 2, "paid", work=False,
         lines=(("Workshop: plain language on the web", Decimal(1), Decimal(480), None),)),
    Bill("sagano", 2, "part paid"),
    Bill("alster", 1, "part paid", expenses=True),
    Bill("brightwater", 1, "sent", facts=PO, work=False,
         lines=(("Patient portal, milestone 2: design", Decimal(1), MILESTONE, "portal"),)),
    Bill("sagano", 1, "part credited", expenses=True),
    Bill("fjordlys", 1, "restored"),
    Bill("alster", 0, "draft", expenses=True),
)  # fmt: skip
"""In the order in which they were made. Fjordlys of two months ago is overdue."""


def months_end(today: date, back: int) -> date:
    """The last day of the month that many months ago; 0 is today. One that ended just now is not billed yet."""
    if back == 0:
        return today
    day = today.replace(day=1) - timedelta(days=1)
    if day + BILLED_AFTER >= today:
        day = day.replace(day=1) - timedelta(days=1)
    for _ in range(back - 1):
        day = day.replace(day=1) - timedelta(days=1)
    return day


def morning(day: date, hour: int = 10) -> datetime:
    """When invoices are written."""
    return datetime.combine(day, time(hour, 12), ZoneInfo(ZONE))
