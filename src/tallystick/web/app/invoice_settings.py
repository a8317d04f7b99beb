"""The workspace's defaults of invoices: prices and terms, named tax rates, numbers, and how documents look."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from tallystick.domain import files, tax_rates, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.invoices import papers, series
from tallystick.domain.tax_rates import TaxRate
from tallystick.values.document import Document, Look
from tallystick.values.duration import ROUNDING_MINUTES, ROUNDING_MODES
from tallystick.values.errors import Invalid, NotFound, Refusal
from tallystick.values.look import COLOR, LANGUAGES, LAYOUTS, PAPERS, locale_of
from tallystick.values.tax import TAX_CATEGORIES
from tallystick.web.app.builder import TAX_NAMES
from tallystick.web.app.clients import LANGUAGE_NAMES
from tallystick.web.app.pictures import sheets
from tallystick.web.app.visit import Answer, File, Page, Visit

KINDS: Final[dict[str, series.Kind]] = {"invoices": "invoice", "credit-notes": "credit_note"}
LAYOUT_NAMES: Final = {
    "classic": "Classic", "modern": "Modern", "minimal": "Minimal", "bold": "Bold", "compact": "Compact",
}  # fmt: skip
MEDIA: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def page(visit: Visit) -> Answer:
    ctx = visit.ctx
    return visit.show(
        "invoice_settings.html",
        studio=workspaces.read(ctx),
        series=series.read(ctx),
        tax_rates=_every_rate(visit),
        tax_names={value: visit.say(name) for value, name in TAX_NAMES.items()},
    )


def change(visit: Visit) -> Answer:
    form = visit.form
    rate = form.number("default_rate")
    if rate is not None and rate < 0:
        form.wrong["default_rate"] = "must not be negative"
    facts: dict[str, Any] = {
        "default_currency": form.need("default_currency", longest=3).upper(),
        "default_rate": rate,
        "default_tax_rate": form.number("default_tax_rate"),
        "tax_label": form.text("tax_label", longest=40),
        "prices_include_tax": form.kept("prices") == "gross",
        "payment_terms_days": form.whole("payment_terms_days", least=0, most=365),
        "rounding_minutes": int(form.choice("rounding_minutes", [str(one) for one in ROUNDING_MINUTES]) or 0),
        "rounding_mode": form.choice("rounding_mode", ROUNDING_MODES) or "UP",
        "invoice_notes": form.text("invoice_notes"),
    }
    form.check()
    workspaces.change(visit.ctx, **facts)
    return visit.go("/settings/invoices", "Saved.")


# --- numbers


def series_page(visit: Visit) -> Answer:
    """The form of one series; with `preview`, the number that would come next."""
    kind = _kind(visit)
    example, why = "", ""
    if visit.form:
        try:
            example = _tried(visit, kind)
        except Refusal as refusal:
            why = visit.words.refusal(next(iter(refusal.fields.values()), refusal.message))
    now = next(one for one in series.read(visit.ctx) if one.kind == kind)
    return visit.show(
        "series_form.html",
        studio=workspaces.read(visit.ctx),
        one=now,
        kind=visit.ids["kind"],
        example=example or now.next_number,
        why_none=why,
    )


def change_series(visit: Visit) -> Answer:
    if visit.form.has("preview"):
        return series_page(visit)
    made = series.change(visit.ctx, _kind(visit), **_series_facts(visit))
    return visit.go("/settings/invoices", "The next number is {number}.", number=made.next_number)


def _tried(visit: Visit, kind: series.Kind) -> str:
    """The next number by the form: changed, and undone."""
    facts = _series_facts(visit)
    visit.ctx.connection.execute("SAVEPOINT numbers")
    try:
        return series.change(visit.ctx, kind, **facts).next_number
    finally:
        visit.ctx.connection.execute("ROLLBACK TO SAVEPOINT numbers")


def _series_facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    facts: dict[str, Any] = {
        "prefix": form.text("prefix", longest=series.LONGEST) or "",
        "digits": form.whole("digits", least=1, most=12) or 4,
        "yearly_reset": form.flag("yearly_reset"),
    }
    next_one = form.whole("next", least=1, most=series.HIGHEST)
    if next_one is not None:
        facts["next"] = next_one
    form.check()
    return facts


def _kind(visit: Visit) -> series.Kind:
    kind = KINDS.get(visit.ids["kind"])
    if kind is None:
        raise NotFound
    return kind


# --- named tax rates


def tax_page(visit: Visit) -> Answer:
    rate = tax_rates.read(visit.ctx, visit.id("tax")) if "tax" in visit.ids else None
    return visit.show(
        "tax_rate_form.html", rate=rate, categories=[(value, visit.say(name)) for value, name in TAX_NAMES.items()]
    )


def add_tax(visit: Visit) -> Answer:
    rate = tax_rates.create(visit.ctx, **_tax_facts(visit))
    return visit.go("/settings/invoices", "{name} is added.", name=rate.name)


def change_tax(visit: Visit) -> Answer:
    tax_rates.change(visit.ctx, visit.id("tax"), **_tax_facts(visit), archived=visit.form.flag("archived"))
    return visit.go("/settings/invoices", "Saved.")


def delete_tax(visit: Visit) -> Answer:
    tax_rates.delete(visit.ctx, visit.id("tax"))
    return visit.go("/settings/invoices", "It is gone; if it is on an invoice, it is archived.")


def _tax_facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    facts = {
        "name": form.need("name", longest=100),
        "category": form.choice("category", TAX_CATEGORIES) or "STANDARD",
        "percent": form.number("percent"),
        "reason": form.text("reason", longest=500),
        "is_default": form.flag("is_default"),
    }
    form.check()
    return facts


def _every_rate(visit: Visit) -> list[TaxRate]:
    return sorted(visit.ctx.select(TaxRate), key=lambda one: (one.archived, one.name.lower()))


# --- how documents look


def look_page(visit: Visit) -> Answer:
    """Layout, colour, paper and language, beside a sample of the document."""
    studio = workspaces.read(visit.ctx)
    logo = files.logo(visit.ctx)
    sample, renderer = _sample(visit, studio, logo), visit.ctx.server.renderer
    return visit.show(
        "look.html",
        studio=studio,
        logo=logo is not None,
        layouts=[(one, visit.say(LAYOUT_NAMES[one])) for one in LAYOUTS],
        papers=[(one, one if one == "A4" else "Letter") for one in PAPERS],
        languages=[(one, visit.say(LANGUAGE_NAMES[one])) for one in LANGUAGES],
        late={"sheets": lambda: sheets(renderer, sample, 1)},
    )


def change_look(visit: Visit) -> Answer:
    if visit.form.has("preview"):
        return look_page(visit)
    form = visit.form
    facts: dict[str, Any] = {
        "invoice_layout": form.choice("invoice_layout", LAYOUTS) or LAYOUTS[0],
        "invoice_paper": form.choice("invoice_paper", PAPERS) or PAPERS[0],
        "brand_color": form.need("brand_color", longest=7),
        "language": form.choice("language", LANGUAGES) or "en",
        "locale": form.text("locale", longest=20),
        "invoice_footer": form.text("invoice_footer", longest=2000),
    }
    form.check()
    workspaces.change(visit.ctx, **facts)
    return visit.go("/settings/look", "Saved.")


def set_logo(visit: Visit) -> Answer:
    upload = next((one.content for one in visit.files if one.field == "logo"), None)
    if upload is None:
        raise Invalid(fields={"logo": "choose a picture"})
    media = next((kind for begin, kind in MEDIA.items() if upload.startswith(begin)), "image/svg+xml")
    try:
        files.set_logo(visit.ctx, content=upload, media=media)
    except Invalid as refusal:
        raise Invalid(fields={"logo": refusal.fields.get("body", refusal.message)}) from None
    return visit.go("/settings/look", "Documents to come have this logo.")


def delete_logo(visit: Visit) -> Answer:
    files.remove_logo(visit.ctx)
    return visit.go("/settings/look", "Documents to come have no logo.")


def logo(visit: Visit) -> Answer:
    row, content = files.read_logo(visit.ctx)
    return File(row.name, row.media, lambda: content, inline=True)


def _sample(visit: Visit, studio: workspaces.Workspace, picture: bytes | None) -> Document:
    """An invoice of one hour, in the look of the form, else as it is."""
    form = visit.form
    client = Client(
        id="", workspace_id=studio.id, name=visit.say("Your client"), currency=studio.default_currency,
        billing_line1="1 Main Street", billing_city="Springfield", require_po_number=False,
    )  # fmt: skip
    color = form.kept("brand_color", studio.brand_color)
    language = form.kept("language", studio.language)
    look = Look(
        layout=layout if (layout := form.kept("invoice_layout", studio.invoice_layout)) in LAYOUTS else LAYOUTS[0],
        paper="LETTER" if form.kept("invoice_paper", studio.invoice_paper) == "LETTER" else "A4",
        color=color if COLOR.fullmatch(color) else studio.brand_color,
        language=language if language in LANGUAGES else studio.language,
        locale=locale_of(form.kept("locale", studio.locale or "")),
        logo=picture,
    )
    footer = form.kept("invoice_footer", studio.invoice_footer or "")[:2000].replace("\0", "")
    return replace(papers.sample(visit.ctx, client), look=look, draft=False, number="INV-0001", footer=footer or None)


_READ, _CHANGE = Permission.READ_WORKSPACE, Permission.CHANGE_WORKSPACE

PAGES = (
    Page(
        "/settings/invoices", _READ, page, change, label="Settings: invoices and taxes", section="settings",
        icon="gear", change=_CHANGE,
    ),
    Page("/settings/numbers/{kind}", _CHANGE, series_page, change_series, section="settings"),
    Page("/settings/tax-rates/new", _CHANGE, tax_page, add_tax, section="settings"),
    Page("/settings/tax-rates/{tax}", _CHANGE, tax_page, change_tax, section="settings"),
    Page("/settings/tax-rates/{tax}/delete", _CHANGE, post=delete_tax, again=page),
    Page(
        "/settings/look", _CHANGE, look_page, change_look, label="Settings: how documents look", section="settings",
        icon="gear",
    ),
    Page("/settings/logo", _CHANGE, logo, set_logo, again=look_page, upload=files.LOGO_BYTES, file=True),
    Page("/settings/logo/delete", _CHANGE, post=delete_logo, again=look_page),
)  # fmt: skip
