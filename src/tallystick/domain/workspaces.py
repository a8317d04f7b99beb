"""A workspace: the studio whose record this is, with its legal data and the defaults of its invoices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Row, one_of, table_of
from tallystick.db.session import Prepared
from tallystick.domain import categories, dated_rates, task_statuses
from tallystick.domain.access import PLANS, Permission, Plan
from tallystick.domain.context import SENTENCES, Context, hydrate, read_columns, workspace
from tallystick.values import bank, tax_ids
from tallystick.values.duration import RoundingRule, is_zone
from tallystick.values.errors import Invalid, NotFound
from tallystick.values.look import COLOR, LANGUAGES, LAYOUTS, PAPERS, locale_of
from tallystick.values.money import is_currency

if TYPE_CHECKING:
    from tallystick.values.duration import RoundingMinutes, RoundingMode

WeekStart = Literal["monday", "sunday", "saturday"]
WEEK_STARTS: tuple[WeekStart, ...] = get_args(WeekStart)
CLOSING = frozenset(
    {
        "approve_weeks",
        "bill_approved_only",
        "lock_month_after_days",
        "lock_submitted_weeks",
        "locked_until",
        "week_start",
    }
)
"""Settings that say which time can be changed and billed."""
DEFAULT_TERMS_DAYS = 14
"""When neither client nor workspace say otherwise, an issued invoice is due after two weeks."""


class Workspace(Row):
    """One studio. Everything else belongs to exactly one."""

    __tablename__ = "workspaces"
    __table_args__ = (
        one_of("plan", PLANS),
        CheckConstraint("rounding_minutes IN (0, 1, 5, 6, 10, 15, 30, 60)", name="rounding_minutes"),
        one_of("rounding_mode", ("UP", "NEAREST", "DOWN")),
        CheckConstraint("default_tax_rate BETWEEN 0 AND 100", name="default_tax_rate"),
        CheckConstraint("payment_terms_days BETWEEN 0 AND 365", name="payment_terms_days"),
        CheckConstraint("invoice_digits BETWEEN 1 AND 12 AND credit_note_digits BETWEEN 1 AND 12", name="digits"),
        CheckConstraint("timer_limit_minutes BETWEEN 1 AND 1440", name="timer_limit_minutes"),
        CheckConstraint("weekly_capacity_hours BETWEEN 0 AND 168", name="weekly_capacity_hours"),
        one_of("week_start", WEEK_STARTS),
        CheckConstraint("lock_month_after_days BETWEEN 0 AND 365", name="lock_month_after_days"),
        CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="country_code"),
        CheckConstraint("(endpoint_scheme IS NULL) = (endpoint IS NULL)", name="endpoint"),
        one_of("invoice_layout", LAYOUTS),
        one_of("invoice_paper", PAPERS),
        one_of("language", LANGUAGES),
        CheckConstraint("brand_color ~ '^#[0-9a-f]{6}$'", name="brand_color"),
        Index("ix_workspaces_closed_at", "closed_at", postgresql_where="closed_at IS NOT NULL"),
    )
    noun: ClassVar[str] = "workspace"

    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str]
    plan: Mapped[str] = mapped_column(default="agency")
    default_currency: Mapped[str] = mapped_column(default="USD")
    time_zone: Mapped[str] = mapped_column(default="UTC")
    invoice_prefix: Mapped[str] = mapped_column(default="INV-")
    invoice_digits: Mapped[int] = mapped_column(default=4)
    invoice_yearly: Mapped[bool] = mapped_column(default=False)
    """Whether its numbers begin anew each year (`invoices.series`)."""
    credit_note_prefix: Mapped[str] = mapped_column(default="CN-")
    credit_note_digits: Mapped[int] = mapped_column(default=4)
    credit_note_yearly: Mapped[bool] = mapped_column(default=False)
    legal_name: Mapped[str | None]
    tax_id: Mapped[str | None]
    tax_label: Mapped[str | None]
    """What the tax is called on paper, such as `GST`; None: by the document's language."""
    business_email: Mapped[str | None]
    business_phone: Mapped[str | None]
    business_website: Mapped[str | None]
    business_address: Mapped[str | None]
    """Free text, where the lines below are empty."""
    business_line1: Mapped[str | None]
    business_line2: Mapped[str | None]
    business_city: Mapped[str | None]
    business_postal_code: Mapped[str | None]
    business_region: Mapped[str | None]
    country_code: Mapped[str | None]
    """ISO 3166-1 alpha-2, such as DE."""
    registration: Mapped[str | None]
    """In the trade register; `0106:12345678` says its scheme (ISO 6523)."""
    tax_number: Mapped[str | None]
    """The tax office's, beside the VAT id (`tax_id`)."""
    contact_name: Mapped[str | None]
    """Whom clients may ask."""
    endpoint_scheme: Mapped[str | None]
    """Of the electronic address: a code of the EAS list, such as 9930 or EM."""
    endpoint: Mapped[str | None]
    logo: Mapped[str | None]
    """The web address of a picture; the one on documents is a file (`files`)."""
    invoice_layout: Mapped[str] = mapped_column(default="classic")
    invoice_paper: Mapped[str] = mapped_column(default="A4")
    brand_color: Mapped[str] = mapped_column(default="#2f5d50")
    invoice_footer: Mapped[str | None]
    """Below each page."""
    language: Mapped[str] = mapped_column(default="en")
    """Of documents, where the client has none."""
    locale: Mapped[str | None]
    """For numbers and days, such as `de_CH`; None: by the language and the country."""
    iban: Mapped[str | None]
    bic: Mapped[str | None]
    bank_name: Mapped[str | None]
    account_holder: Mapped[str | None]
    """None: the legal name."""
    payment_instructions: Mapped[str | None]
    default_rate: Mapped[Money | None]
    """Today's: what it is on other days, where it was or will be another, is in `rates`."""
    rates_from: Mapped[date | None]
    """Since when its rows in `rates` count; before, and where there are none, the column does."""
    default_tax_rate: Mapped[Money | None]
    """In percent. A named rate that is the default (`tax_rates`) goes before it."""
    prices_include_tax: Mapped[bool] = mapped_column(default=False)
    payment_terms_days: Mapped[int | None]
    invoice_notes: Mapped[str | None]
    rounding_minutes: Mapped[int] = mapped_column(default=0)
    rounding_mode: Mapped[str] = mapped_column(default="UP")
    timer_limit_minutes: Mapped[int] = mapped_column(default=480, server_default="480")
    """A timer that ran longer looks forgotten: the app asks before it is kept."""
    weekly_capacity_hours: Mapped[Money] = mapped_column(default=Decimal(40), server_default="40")
    """How much a member works in a week, unless theirs says otherwise."""
    week_start: Mapped[str] = mapped_column(default="monday", server_default="monday")
    """With which day the weeks begin that are submitted."""
    approve_weeks: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether weeks are submitted and approved (`approvals`). While not, nothing of it holds."""
    lock_submitted_weeks: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Whether a week that is submitted cannot be changed by whose it is."""
    bill_approved_only: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether only time of approved weeks goes on invoices."""
    locked_until: Mapped[date | None]
    """Time up to and including this day is closed for everybody."""
    lock_month_after_days: Mapped[int | None]
    """A month closes when so many days of the next have gone by; None: never by itself."""
    closed_at: Mapped[datetime | None]
    """Since when nobody but its owner is let in (`closing`)."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def read_as(cls) -> dict[str, ColumnElement[Any]]:
        return {"default_rate": dated_rates.on_day(table_of(cls), "default_rate", dated_rates.today())}

    @property
    def rounding(self) -> RoundingRule:
        """How billed hours are rounded; tracked seconds never are."""
        minutes: RoundingMinutes = self.rounding_minutes  # type: ignore[assignment]  # the CHECK says so
        mode: RoundingMode = self.rounding_mode  # type: ignore[assignment]
        return RoundingRule(minutes, mode)


def current(ctx: Context) -> Workspace:
    """The workspace of the actor, for the verbs of other nouns: no permission asked."""
    found = ctx.row(_CURRENT)
    if found is None:
        raise NotFound("No such workspace.")
    return hydrate(Workspace, found)


def read(ctx: Context) -> Workspace:
    """The workspace's settings (manage tier)."""
    ctx.require(Permission.READ_WORKSPACE)
    return current(ctx)


def introduce(ctx: Context) -> Workspace:
    """The workspace as everybody in it may know it; an edge shows no more than its name, logo and currency."""
    ctx.require(Permission.READ_SELF)
    return current(ctx)


def found(ctx: Context, *, name: str, currency: str, time_zone: str, plan: Plan = "agency", **facts: Any) -> Workspace:
    """Found a workspace, with the task statuses, priorities and categories that every workspace has.

    The context is the operator's, inside the new workspace's id.
    """
    check_currency(currency, "default_currency")
    check_time_zone(time_zone)
    check_tax_id(facts.get("tax_id"), None, "tax_id")
    studio = ctx.add(
        Workspace(
            id=ctx.actor.workspace_id, name=name, default_currency=currency, time_zone=time_zone, plan=plan, **facts
        ),
    )
    task_statuses.found(ctx)
    categories.found(ctx)
    return studio


def change(ctx: Context, **facts: Any) -> Workspace:
    """Change settings. Invoices already made keep what they were made with."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if "default_currency" in facts:
        check_currency(facts["default_currency"], "default_currency")
    if "time_zone" in facts:
        check_time_zone(facts["time_zone"])
    if facts.get("logo") is not None and not facts["logo"].startswith(("https://", "http://")):
        raise Invalid(fields={"logo": "must be a web address that starts with https://"})
    check_country(facts.get("country_code"))
    check_percent(facts.get("default_tax_rate"), "default_tax_rate")
    terms = facts.get("payment_terms_days")
    if terms is not None and not 0 <= terms <= 365:
        raise Invalid(fields={"payment_terms_days": "must be between 0 and 365"})
    settings = locked(ctx)
    if facts.get("tax_id", settings.tax_id) != settings.tax_id:  # what was there before may stay
        check_tax_id(facts["tax_id"], facts.get("country_code", settings.country_code), "tax_id")
    check_endpoint(settings, facts)
    facts = _look(facts)
    closing = {name: facts[name] for name in sorted(CLOSING & facts.keys()) if facts[name] != getattr(settings, name)}
    if closing:
        _check_closing(ctx, closing)
        ctx.row(_WAIT_FOR_TIME)
    if "default_rate" in facts:
        dated_rates.settle(ctx, settings, "default_rate", facts.pop("default_rate"))
    changed = ctx.change(settings, **facts)
    if closing:
        ctx.record_facts("time_settings_changed", settings, **closing)
    if changed:
        ctx.record("updated", settings)
    return settings


def locked(ctx: Context) -> Workspace:
    """`current`, for whoever changes what only one at a time may."""
    found = ctx.row(_LOCKED)
    if found is None:
        raise NotFound("No such workspace.")
    row = hydrate(Workspace, found)
    ctx.require_seen(row)
    return row


def check_currency(code: str, field: str = "currency") -> None:
    """Refuse what is no ISO 4217 code."""
    if not is_currency(code):
        raise Invalid(fields={field: "must be an ISO 4217 currency code such as EUR"})


def check_time_zone(name: str, field: str = "time_zone") -> None:
    """Refuse what is no IANA time zone."""
    if not is_zone(name):
        raise Invalid(fields={field: "must be an IANA time zone such as Europe/Berlin"})


def check_country(code: str | None, field: str = "country_code") -> None:
    """Refuse what is no code of a country."""
    if code is not None and _COUNTRY.fullmatch(code) is None:
        raise Invalid(fields={field: "must be two letters such as DE"})


def check_endpoint(now: Row | None, facts: Mapping[str, Any]) -> None:
    """An electronic address and its scheme come together, whichever of them is there already."""
    scheme, address = (facts.get(name, getattr(now, name, None)) for name in ("endpoint_scheme", "endpoint"))
    if scheme is not None and _SCHEME.fullmatch(scheme) is None:
        raise Invalid(fields={"endpoint_scheme": "must be a code of the EAS list, such as 0088, 9930 or EM"})
    if (scheme is None) != (address is None):
        lacking = "endpoint_scheme" if scheme is None else "endpoint"
        said = lacking if lacking in facts else "endpoint" if scheme is None else "endpoint_scheme"
        raise Invalid(fields={said: f"scheme and address come together: {_ENDPOINT[lacking]} is missing"})


def check_language(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, of which a language and a locale are known ones."""
    said = dict(facts)
    language, locale = said.get("language"), said.get("locale")
    if language is not None and language not in LANGUAGES:
        raise Invalid(fields={"language": f"one of {', '.join(LANGUAGES)}"})
    if locale is not None:
        said["locale"] = locale_of(locale)
        if said["locale"] is None:
            raise Invalid(fields={"locale": "must be a locale such as de-CH"})
    return said


def check_tax_id(number: str | None, country: str | None, field: str) -> None:
    """Refuse what cannot be a tax id, by the rules of its country."""
    problem = None if number is None else tax_ids.problem_with(number, country)
    if problem is not None:
        raise Invalid(fields={field: problem})


def check_capacity(hours: Decimal | None) -> None:
    """A week has 168 hours."""
    if hours is not None and not 0 <= hours <= 168:
        raise Invalid(fields={"weekly_capacity_hours": "must be between 0 and 168 hours"})


def check_percent(value: Decimal | None, field: str) -> None:
    """A tax or discount percentage lies between 0 and 100."""
    if value is not None and not 0 <= value <= 100:
        raise Invalid(fields={field: "must be a percentage between 0 and 100"})


def _check_closing(ctx: Context, facts: Mapping[str, Any]) -> None:
    wrong: dict[str, str] = {}
    if facts.get("week_start", WEEK_STARTS[0]) not in WEEK_STARTS:
        wrong["week_start"] = f"one of {', '.join(WEEK_STARTS)}"
    until, days = facts.get("locked_until"), facts.get("lock_month_after_days")
    if until is not None and until > ctx.today():
        wrong["locked_until"] = "must not be after today"
    if days is not None and not 0 <= days <= 365:
        wrong["lock_month_after_days"] = "must be between 0 and 365"
    if wrong:
        raise Invalid(fields=wrong)


def _look(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, of which those about documents and the bank account are what they say, in the form that is kept."""
    said = check_language(facts)
    for name, known in (("invoice_layout", LAYOUTS), ("invoice_paper", PAPERS)):
        if said.get(name, known[0]) not in known:
            raise Invalid(fields={name: f"one of {', '.join(known)}"})
    color = said.get("brand_color")
    if color is not None:
        if COLOR.fullmatch(color) is None:
            raise Invalid(fields={"brand_color": "must be a colour such as #2f5d50"})
        said["brand_color"] = color.lower()
    for name, read_account in (("iban", bank.iban), ("bic", bank.bic)):
        if said.get(name) is not None:
            try:
                said[name] = read_account(said[name])
            except ValueError as error:
                raise Invalid(fields={name: str(error)}) from None
    return said


_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_ENDPOINT = {"endpoint": "the address", "endpoint_scheme": "the scheme"}
_SCHEME = re.compile(r"[0-9]{4}|EM|A[A-Z]", re.ASCII)
_current = select(*read_columns(Workspace)).where(Workspace.id == workspace())
_CURRENT = Prepared(_current)
# Behind those who write time at this moment: what is closed when this answers stays as it is then. What this
# transaction noted of it (`closing_of`) holds no longer.
_WAIT_FOR_TIME = Prepared(
    text("""
        SELECT pg_advisory_xact_lock(time_key(CAST(:workspace AS uuid), NULL)),
               set_config('tallystick.closes_nothing', '', true)
    """)
)
_LOCKED = Prepared(_current.with_for_update(key_share=True, of=table_of(Workspace)))
for _table in ("workspaces", "clients"):
    SENTENCES[f"ck_{_table}_endpoint"] = Invalid(fields={"endpoint": "scheme and address come together"})
