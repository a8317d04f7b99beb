"""Nordlicht, a design studio in Hamburg: its people, its clients, and what they asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tallystick.domain.access import Role

NAME: Final = "Nordlicht Studio"
ZONE: Final = "Europe/Berlin"
SETTINGS: Final[dict[str, Any]] = {
    "legal_name": "Nordlicht Studio GmbH",
    "tax_id": "DE 815 204 334",
    "business_email": "hello@nordlicht.example",
    "business_phone": "+49 40 5550 1270",
    "business_website": "https://nordlicht.example",
    "business_address": "Bernstorffstraße 118\n22767 Hamburg\nGermany",
    "business_line1": "Bernstorffstraße 118",
    "business_city": "Hamburg",
    "business_postal_code": "22767",
    "country_code": "DE",
    "registration": "HRB 170 001",
    "tax_number": "41/765/02231",
    "contact_name": "Ines Halvorsen",
    "endpoint_scheme": "9930",
    "endpoint": "DE815204334",
    "iban": "DE02120300000000202051",
    "bic": "BYLADEM1001",
    "account_holder": "Nordlicht Studio GmbH",
    "default_rate": Decimal(90),
    "default_tax_rate": Decimal(19),
    "payment_terms_days": 14,
    "invoice_prefix": "NL-{{yyyy}}-",
    "invoice_notes": "Thank you for working with us. Please quote the invoice number with your transfer.",
    "rounding_minutes": 15,
    "rounding_mode": "NEAREST",
}


@dataclass(frozen=True)
class Person:
    """Somebody at the studio, and how they keep their time."""

    key: str
    name: str
    role: Role
    day_starts: float
    """The hour of the morning, more or less."""
    hours: float
    """Recorded on a usual day."""
    timers: float = 0.0
    """The share of their time that they keep by timer; the rest is written down afterwards."""

    @property
    def email(self) -> str:
        return self.name.split()[0].lower() + "@nordlicht.example"


PEOPLE: Final = (
    Person("owner", "Ines Halvorsen", "OWNER", 8.75, 5.0, timers=0.8),
    Person("admin", "Tomas Rivera", "ADMIN", 8.25, 5.5, timers=0.2),
    Person("manager", "Priya Nair", "MANAGER", 9.0, 6.0),
    Person("member", "Jonas Weber", "MEMBER", 9.25, 7.0, timers=0.7),
    Person("designer", "Aiko Tanaka", "MEMBER", 9.5, 7.0, timers=0.5),
    Person("developer", "Lena Fischer", "MEMBER", 8.5, 7.25, timers=0.1),
)


@dataclass(frozen=True)
class Task:
    """A task, who does it, and what they write down when they have."""

    name: str
    people: str
    notes: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Project:
    """A project, when in the studio's last months it was worked on (0 is their beginning, 1 today), and how much."""

    key: str
    name: str
    tasks: tuple[Task, ...]
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    begins: float = 0.0
    ends: float = 1.0
    weight: float = 1.0
    status: str = "ACTIVE"


@dataclass(frozen=True)
class Client:
    """A client and their projects."""

    key: str
    name: str
    currency: str
    facts: dict[str, Any]
    projects: tuple[Project, ...]


CLIENTS: Final = (
    Client(
        "alster",
        "Alster Coffee Roasters",
        "EUR",
        {
            "contact_name": "Henrike Vogt",
            "email": "henrike@alster-coffee.example",
            "phone": "+49 40 5550 1880",
            "website": "https://alster-coffee.example",
            "billing_line1": "Speicherstraße 12",
            "billing_city": "Hamburg",
            "billing_postal_code": "20457",
            "billing_country": "Germany",
            "tax_number": "DE 290 118 457",
            "default_rate": Decimal(95),
            "default_payment_terms": "Net 30",
            "billing_email": "invoices@alster-coffee.example",
            "country_code": "DE",
            "einvoice_profile": "cii",
        },
        (
            Project(
                "shop",
                "Online shop relaunch",
                (
                    Task(
                        "Research and concept",
                        "owner manager designer",
                        (
                            "Interviews with three café owners, notes written up",
                            "Customer journey from bag to subscription",
                            "Workshop with Henrike: what the shop is for",
                            "Competitor check-outs compared",
                            "Concept paper, second round after feedback",
                        ),
                        {"status": "DONE", "priority": "HIGH", "estimated_hours": Decimal(60), "tags": ["research"]},
                    ),
                    Task(
                        "Shop design",
                        "designer manager",
                        (
                            "Product page: roast profile and grind selector",
                            "Subscription flow, mobile first",
                            "Cart and check-out screens",
                            "Icon set for brewing methods",
                            "Design review with Tomas, contrast fixed",
                            "Empty states and error messages",
                            "Hand-over notes for development",
                        ),
                        {"status": "IN_PROGRESS", "estimated_hours": Decimal(140), "tags": ["design", "ui"]},
                    ),
                    Task(
                        "Shop development",
                        "developer member admin",
                        (
                            "Check-out: address validation and shipping rates",
                            "Subscriptions: pause and skip a delivery",
                            "Stock sync with the roastery's system",
                            "Product import from the old shop",
                            "Fixed: VAT shown twice for Austrian customers",
                            "Code review and small fixes",
                            "Page speed: images and fonts",
                            "Tests for vouchers and gift cards",
                        ),
                        {"status": "IN_PROGRESS", "priority": "HIGH", "estimated_hours": Decimal(260), "tags": ["dev"]},
                    ),
                    Task(
                        "Project management",
                        "manager owner",
                        (
                            "Weekly call with Henrike",
                            "Sprint planning and estimates",
                            "Launch checklist",
                            "Status mail and budget check",
                        ),
                        {"status": "IN_PROGRESS", "tags": ["pm"], "hourly_rate": Decimal(85)},
                    ),
                ),
                {
                    "hourly_rate": Decimal(98),
                    "budget_hours": Decimal(1_100),
                    "color": "#8c5a2b",
                    "description": "A shop that sells subscriptions first and single bags second.",
                },
                weight=1.6,
            ),
            Project(
                "care",
                "Website care",
                (
                    Task(
                        "Maintenance",
                        "developer admin",
                        (
                            "Security updates, staging then live",
                            "Backup restored on staging: works",
                            "Contact form spam filter",
                            "Opening hours for the holidays",
                        ),
                        {"status": "IN_PROGRESS", "tags": ["care"]},
                    ),
                    Task(
                        "Content",
                        "member manager",
                        (
                            "New harvest page: Huehuetenango",
                            "Team photos replaced",
                            "Barista course dates",
                            "Newsletter template adjusted",
                        ),
                        {"status": "IN_PROGRESS", "priority": "LOW", "tags": ["care", "content"]},
                    ),
                ),
                {"budget_amount": Decimal(18_000), "color": "#c49a6c"},
                weight=0.4,
            ),
        ),
    ),
    Client(
        "brightwater",
        "Brightwater Health",
        "USD",
        {
            "contact_name": "Dana Whitfield",
            "email": "dana.whitfield@brightwater.example",
            "phone": "+1 503 555 0142",
            "billing_line1": "2100 NW Quimby Street",
            "billing_city": "Portland",
            "billing_region": "OR",
            "billing_postal_code": "97210",
            "billing_country": "United States",
            "default_rate": Decimal(130),
            "default_payment_terms": "Net 30",
            "default_tax_rate": Decimal(0),
            "default_tax_category": "EXPORT",
            "require_po_number": True,
            "notes": "Wants the PO number on every invoice. Calls after 17:00 our time.",
        },
        (
            Project(
                "portal",
                "Patient portal redesign",
                (
                    Task(
                        "Discovery",
                        "owner manager designer",
                        (
                            "Interviews with nurses, recordings tagged",
                            "Accessibility audit of today's portal",
                            "Findings deck for the steering group",
                            "Card sorting: where patients look for results",
                        ),
                        {"status": "DONE", "estimated_hours": Decimal(70), "tags": ["research"]},
                    ),
                    Task(
                        "Interface design",
                        "designer member",
                        (
                            "Appointment booking, three variants",
                            "Lab results: plain language and ranges",
                            "Large-type layout",
                            "Prototype for the second test round",
                            "Components documented",
                            "Call with Dana's team, changes after it",
                        ),
                        {"status": "IN_PROGRESS", "priority": "HIGH", "estimated_hours": Decimal(180), "tags": ["ui"]},
                    ),
                    Task(
                        "Usability tests",
                        "manager member owner admin",
                        (
                            "Test script and recruiting",
                            "Five sessions moderated",
                            "Session notes and severity ratings",
                            "Report and recommendations",
                        ),
                        {"status": "TODO", "estimated_hours": Decimal(50), "tags": ["research", "a11y"]},
                    ),
                ),
                {
                    "rate_type": "FIXED",
                    "fixed_fee_amount": Decimal(48_000),
                    "budget_hours": Decimal(640),
                    "color": "#1d7a8c",
                    "description": "Three milestones of 16,000 each: discovery, design, tested prototype.",
                },
                begins=0.1,
                weight=2.2,
            ),
            Project(
                "audit",
                "Design system audit",
                (
                    Task(
                        "Audit",
                        "designer developer",
                        (
                            "Inventory of buttons, forms and tables",
                            "Colour contrast against WCAG 2.2 AA",
                            "Token naming proposal",
                            "Audit report, final",
                        ),
                        {"status": "DONE", "tags": ["design-system"]},
                    ),
                ),
                {"hourly_rate": Decimal(135), "budget_amount": Decimal(16_000), "color": "#5b8c1d"},
                ends=0.55,
                weight=0.9,
                status="COMPLETED",
            ),
        ),
    ),
    Client(
        "sagano",
        "Sagano Railway Museum",
        "JPY",
        {
            "contact_name": "Haruto Mori",
            "email": "mori@sagano-museum.example",
            "billing_line1": "Saga Tenryūji 3-8",
            "billing_city": "Kyoto",
            "billing_postal_code": "616-8373",
            "billing_country": "Japan",
            "default_rate": Decimal(14_000),
            "default_payment_terms": "Net 60",
            "default_tax_rate": Decimal(0),
            "default_tax_category": "EXPORT",
        },
        (
            Project(
                "guide",
                "Exhibit guide app",
                (
                    Task(
                        "Story and map",
                        "owner designer",
                        (
                            "Route through the engine hall, second draft",
                            "Station list and texts with Mori-san",
                            "Map drawing: level 1",
                            "Audio script shortened to 90 seconds a stop",
                        ),
                        {"status": "IN_PROGRESS", "estimated_hours": Decimal(80), "tags": ["content"]},
                    ),
                    Task(
                        "App development",
                        "developer member admin",
                        (
                            "Offline storage for audio",
                            "Beacon ranging, tuned in the hall",
                            "Japanese line breaking",
                            "Build for the loan tablets",
                            "Crash on old tablets found and fixed",
                        ),
                        {"status": "IN_PROGRESS", "priority": "HIGH", "estimated_hours": Decimal(200), "tags": ["dev"]},
                    ),
                ),
                {
                    "hourly_rate": Decimal(14_500),
                    "budget_amount": Decimal(6_500_000),
                    "color": "#a3282d",
                    "description": "Visitors borrow a tablet; it knows which engine they stand in front of.",
                },
                begins=0.2,
                weight=1.8,
            ),
        ),
    ),
    Client(
        "kanal",
        "Kiosk & Kanal e.V.",
        "EUR",
        {
            "contact_name": "Samira Aziz",
            "email": "samira@kiosk-kanal.example",
            "billing_line1": "Venusberg 4",
            "billing_city": "Hamburg",
            "billing_postal_code": "20459",
            "billing_country": "Germany",
            "country_code": "DE",
            "buyer_reference": "02000000-K1711-42",
            "einvoice_profile": "xrechnung",
            "default_rate": Decimal(70),
            "notes": "Neighbourhood association. One paid workshop a year, the rest is ours to give.",
        },
        (
            Project(
                "volunteers",
                "Volunteer platform (pro bono)",
                (
                    Task(
                        "Platform",
                        "developer admin member",
                        (
                            "Shift calendar, sign-up by phone number",
                            "Turkish and Arabic translations put in",
                            "Evening with the volunteers: what hurts",
                            "Deploy and hand-over",
                        ),
                        {"status": "IN_PROGRESS", "billable": False, "tags": ["pro-bono"]},
                    ),
                ),
                {"rate_type": "NON_BILLABLE", "budget_hours": Decimal(120), "color": "#6a4c93"},
                weight=0.25,
            ),
        ),
    ),
    Client(
        "fjordlys",
        "Fjordlys Festival",
        "EUR",
        {
            "contact_name": "Sigrid Aune",
            "email": "sigrid@fjordlys.example",
            "phone": "+47 5550 4410",
            "billing_line1": "Skuteviksboder 5",
            "billing_city": "Bergen",
            "billing_postal_code": "5035",
            "billing_country": "Norway",
            "country_code": "NO",
            "registration": "0192:991825827",
            "buyer_reference": "Festival 2027",
            "einvoice_profile": "peppol",
            "endpoint_scheme": "0192",
            "endpoint": "991825827",
            "default_rate": Decimal(105),
            "default_payment_terms": "Net 14",
            "default_tax_rate": Decimal(0),
            "default_tax_category": "EXPORT",
        },
        (
            Project(
                "identity",
                "Festival identity",
                (
                    Task(
                        "Identity",
                        "owner designer",
                        (
                            "Moodboards, two directions",
                            "Wordmark: light through fog",
                            "Poster series, motif 1 to 4",
                            "Colour on uncoated stock, print proof checked",
                            "Stage banners and wristbands",
                        ),
                        {"status": "IN_PROGRESS", "estimated_hours": Decimal(120), "tags": ["brand"]},
                    ),
                    Task(
                        "Website",
                        "member developer admin",
                        (
                            "Line-up page with filters",
                            "Ticket shop embedded and styled",
                            "Animated header, reduced motion respected",
                            "Norwegian and English content model",
                        ),
                        {"status": "IN_PROGRESS", "priority": "HIGH", "tags": ["dev"]},
                    ),
                ),
                {"color": "#e0a100", "budget_hours": Decimal(520)},
                begins=0.15,
                weight=1.4,
            ),
            Project(
                "tickets",
                "Ticket page of last season",
                (
                    Task(
                        "Ticket page",
                        "developer member manager",
                        (
                            "Waiting room before the pre-sale",
                            "Refund texts and mail",
                            "Statistics for Sigrid",
                        ),
                        {"status": "DONE", "tags": ["dev"]},
                    ),
                ),
                {"color": "#b8b8b8"},
                ends=0.3,
                weight=0.8,
                status="ARCHIVED",
            ),
        ),
    ),
)

CONTACTS: Final = (
    ("alster", "Henrike", "Vogt", "henrike@alster-coffee.example", "Managing director"),
    ("alster", "Jan", "Petersen", "buchhaltung@alster-coffee.example", "Accounts"),
    ("fjordlys", "Sigrid", "Aune", "sigrid@fjordlys.example", "Festival director"),
)
"""Client, first name, last name, e-mail, position; the first of a client is whom invoices go to."""
