"""Clients: whom one works for, with what is going on, their contacts, and how they are billed."""

from __future__ import annotations

from typing import Any, Final

from tallystick.domain import client_credit, clients, contacts, portal, reminders
from tallystick.domain.access import Permission
from tallystick.domain.cards import settings as cards
from tallystick.domain.contacts import CONTACTS
from tallystick.domain.desk import money, work
from tallystick.domain.invoices import conformity
from tallystick.values.document import PROFILES
from tallystick.values.duration import ROUNDING_MINUTES, ROUNDING_MODES
from tallystick.values.look import LANGUAGES
from tallystick.values.tax import TAX_CATEGORIES
from tallystick.web.app.billing import EVERY_NAMES, of_client
from tallystick.web.app.builder import TAX_NAMES
from tallystick.web.app.invoices import METHODS, PROFILE_NAMES
from tallystick.web.app.visit import Answer, Page, Visit

LANGUAGE_NAMES: Final = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch",
    "pt": "Portuguese", "pl": "Polish", "ja": "Japanese", "ar": "Arabic",
}  # fmt: skip
"""Languages that documents can be in."""
PORTAL_NAMES: Final = {
    "invoices": "Invoices", "hours": "Hours by project", "notes": "Notes on the hours", "budget": "Remaining budget",
}  # fmt: skip
_CONTACT = ("id", "first_name", "last_name", "email", "phone", "job_position", "is_primary")


def list_page(visit: Visit) -> Answer:
    search = visit.query.text("q", longest=200) or ""
    archived = visit.query.kept("status") == "archived"
    return visit.show(
        "clients.html",
        clients=work.clients(visit.ctx, search=search, archived=archived),
        search=search,
        archived=archived,
    )


def page(visit: Visit) -> Answer:
    client = clients.read(visit.ctx, visit.id())
    seen = work.clients(visit.ctx, client_id=client.id)
    people = CONTACTS.page(visit.ctx, _CONTACT, {"client_id": client.id}, sort="first_name", limit=100).rows
    return visit.show(
        "client.html",
        client=client,
        seen=seen[0],
        projects=work.projects(visit.ctx, client_id=client.id, status=None),
        invoices=money.invoices(visit.ctx, client_id=client.id, limit=20),
        contacts=[dict(zip(_CONTACT, row, strict=True)) for row in people],
        credit=[one for one in client_credit.of_client(visit.ctx, client.id).balances if one.amount],
        billing=of_client(visit, client.id),
        every={value: visit.say(name) for value, name in EVERY_NAMES.items()},
        method=cards.method_of(visit.ctx, "client", client.id)[0],
        portal_sessions=portal.sessions_of(visit.ctx, client.id),
        addresses=portal.addresses_of(visit.ctx, client.id),
        portal_parts=[(part, visit.say(PORTAL_NAMES[part])) for part in clients.PORTAL_PARTS],
        reminded=reminders.are_on(visit.ctx, "client", client.id),
        tax_names={value: visit.say(name) for value, name in TAX_NAMES.items()},
        profile_names=PROFILE_NAMES,
    )


def readiness_page(visit: Visit) -> Answer:
    """What each profile of e-invoices would say of an invoice of this client."""
    client = clients.read(visit.ctx, visit.id())
    return visit.show(
        "readiness.html",
        client=client,
        names=PROFILE_NAMES,
        late={"found": conformity.readiness(visit.ctx, client.id)},
    )


def choose_method(visit: Visit) -> Answer:
    chosen = visit.form.choice("method", METHODS)
    visit.form.check()
    cards.choose(visit.ctx, "client", visit.id(), next((one for one in cards.METHODS if one == chosen), None))
    return visit.go(f"/clients/{visit.id()}", "Saved.")


def switch_reminders(visit: Visit) -> Answer:
    on = reminders.switch(visit.ctx, "client", visit.id(), on=visit.form.flag("on"))
    return visit.go(f"/clients/{visit.id()}", "The client is reminded." if on else "The client is not reminded.")


def choose_portal(visit: Visit) -> Answer:
    """What the client's people see in the portal."""
    shown = [part for part in clients.PORTAL_PARTS if part in visit.form.given.get("shows", ())]
    clients.change(visit.ctx, visit.id(), portal_shows=shown)
    return visit.go(f"/clients/{visit.id()}", "Saved.")


def send_portal_link(visit: Visit) -> Answer:
    mail = portal.send_link(visit.ctx, visit.id(), visit.form.text("email", longest=254))
    return visit.go(f"/clients/{visit.id()}", "A portal link is on its way to {address}.", address=mail.recipients[0])


def end_portal_sessions(visit: Visit) -> Answer:
    portal.end_sessions(visit.ctx, visit.id())
    return visit.go(f"/clients/{visit.id()}", "Nobody is signed in to the portal any more.")


def new_page(visit: Visit) -> Answer:
    return _form(visit, None)


def create(visit: Visit) -> Answer:
    client = clients.create(visit.ctx, **_facts(visit))
    return visit.go(f"/clients/{client.id}", "{name} is added.", name=client.name)


def edit_page(visit: Visit) -> Answer:
    return _form(visit, clients.read(visit.ctx, visit.id()))


def edit(visit: Visit) -> Answer:
    client = clients.change(visit.ctx, visit.id(), **_facts(visit))
    return visit.go(f"/clients/{client.id}", "Saved.")


def archive(visit: Visit) -> Answer:
    """Put a client out of the lists, or back into them."""
    back = visit.form.kept("back") == "active"
    client = clients.change(visit.ctx, visit.id(), status="ACTIVE" if back else "SUSPENDED")
    return visit.go(
        f"/clients/{client.id}", "{name} is active again." if back else "{name} is archived.", name=client.name
    )


def delete(visit: Visit) -> Answer:
    clients.delete(visit.ctx, visit.id())
    return visit.go("/clients", "Deleted.")


def contact_page(visit: Visit) -> Answer:
    contact = contacts.read(visit.ctx, visit.id("contact")) if "contact" in visit.ids else None
    return visit.show("contact_form.html", client=clients.read(visit.ctx, visit.id()), contact=contact)


def add_contact(visit: Visit) -> Answer:
    client = clients.read(visit.ctx, visit.id())
    contact = contacts.create(visit.ctx, client_id=client.id, **_contact(visit))
    return visit.go(f"/clients/{client.id}", "{name} is added.", name=contact.name)


def edit_contact(visit: Visit) -> Answer:
    contact = contacts.change(visit.ctx, visit.id("contact"), **_contact(visit))
    if visit.form.flag("is_primary"):
        contacts.make_primary(visit.ctx, contact.id)
    return visit.go(f"/clients/{contact.client_id}", "Saved.")


def delete_contact(visit: Visit) -> Answer:
    contact = contacts.read(visit.ctx, visit.id("contact"))
    contacts.delete(visit.ctx, contact.id)
    return visit.go(f"/clients/{contact.client_id}", "Deleted.")


def _form(visit: Visit, client: clients.Client | None) -> Answer:
    say = visit.say
    return visit.show(
        "client_form.html",
        client=client,
        profiles=list(PROFILE_NAMES.items()),
        languages=[(value, say(name)) for value, name in LANGUAGE_NAMES.items()],
        tax_categories=[(value, say(name)) for value, name in TAX_NAMES.items()],
    )


def _contact(visit: Visit) -> dict[str, Any]:
    form = visit.form
    facts: dict[str, Any] = {
        "first_name": form.need("first_name", longest=100),
        "last_name": form.text("last_name", longest=100) or "",
        "email": form.need("email", longest=254),
        "phone": form.text("phone", longest=60),
        "job_position": form.text("job_position", longest=100),
    }
    form.check()
    return facts


def _facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    facts: dict[str, Any] = {
        "name": form.need("name", longest=200),
        "currency": (form.text("currency", longest=3) or "").upper() or None,
        "default_rate": form.number("default_rate"),
        "default_tax_rate": form.number("default_tax_rate"),
        "require_po_number": form.flag("require_po_number"),
        "default_tax_category": form.choice("default_tax_category", TAX_CATEGORIES),
        "prices_include_tax": {"gross": True, "net": False}.get(form.choice("prices", ("gross", "net")) or ""),
        "einvoice_profile": form.choice("einvoice_profile", PROFILES),
        "language": form.choice("language", LANGUAGES),
        "rounding_mode": form.choice("rounding_mode", ROUNDING_MODES),
    }
    minutes = form.choice("rounding_minutes", [str(one) for one in ROUNDING_MINUTES])
    facts["rounding_minutes"] = None if minutes is None else int(minutes)
    for name, longest in _TEXTS.items():
        facts[name] = form.text(name, longest=longest)
    for name in ("country_code", "endpoint_scheme"):
        facts[name] = facts[name] and facts[name].upper()
    form.check()
    return facts


_TEXTS = {
    "contact_name": 200,
    "email": 254,
    "phone": 60,
    "website": 300,
    "notes": 10_000,
    "billing_line1": 200,
    "billing_line2": 200,
    "billing_postal_code": 30,
    "billing_city": 100,
    "billing_region": 100,
    "billing_country": 60,
    "country_code": 2,
    "tax_number": 60,
    "default_payment_terms": 60,
    "billing_email": 254,
    "registration": 100,
    "buyer_reference": 100,
    "endpoint_scheme": 4,
    "endpoint": 200,
    "locale": 20,
}
_READ, _CHANGE = Permission.READ_CLIENTS, Permission.CHANGE_CLIENTS

PAGES = (
    Page("/clients", _READ, list_page, label="Clients", section="clients", icon="users"),
    Page("/clients/new", _CHANGE, new_page, create, label="New client", section="clients", icon="plus"),
    Page("/clients/{id}", _READ, page, section="clients"),
    Page("/clients/{id}/edit", _CHANGE, edit_page, edit, section="clients"),
    Page("/clients/{id}/e-invoices", Permission.READ_INVOICES, readiness_page, section="clients"),
    Page("/clients/{id}/method", Permission.CHANGE_INVOICES, post=choose_method, again=page),
    Page("/clients/{id}/reminders", Permission.CHANGE_INVOICES, post=switch_reminders, again=page),
    Page("/clients/{id}/portal", _CHANGE, post=choose_portal, again=page),
    Page("/clients/{id}/portal/link", _CHANGE, post=send_portal_link, again=page),
    Page("/clients/{id}/portal/end", _CHANGE, post=end_portal_sessions, again=page),
    Page("/clients/{id}/archive", _CHANGE, post=archive, again=page),
    Page("/clients/{id}/delete", _CHANGE, post=delete, again=page),
    Page("/clients/{id}/contacts/new", _CHANGE, contact_page, add_contact, section="clients"),
    Page("/clients/{id}/contacts/{contact}", _CHANGE, contact_page, edit_contact, section="clients"),
    Page("/clients/{id}/contacts/{contact}/delete", _CHANGE, post=delete_contact, again=page),
)
