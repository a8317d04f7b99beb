"""How the workspace is paid: its bank account, and cards by an account of its own with Stripe."""

from __future__ import annotations

from typing import Any

from tallystick.domain import workspaces
from tallystick.domain.access import Permission
from tallystick.domain.cards import settings as cards
from tallystick.domain.cards.settings import METHODS
from tallystick.web.app.visit import Answer, Page, Visit

_BANK = {"iban": 60, "bic": 20, "bank_name": 200, "account_holder": 200, "payment_instructions": 2000}


def page(visit: Visit) -> Answer:
    ctx = visit.ctx
    return visit.show(
        "payment_settings.html",
        studio=workspaces.read(ctx),
        cards=cards.read(ctx),
        webhook=f"{ctx.server.public_url}/stripe/webhook/{ctx.actor.workspace_id}",
    )


def change(visit: Visit) -> Answer:
    facts = {name: visit.form.text(name, longest=longest) for name, longest in _BANK.items()}
    visit.form.check()
    workspaces.change(visit.ctx, **facts)
    return visit.go("/settings/payments", "Saved.")


def change_cards(visit: Visit) -> Answer:
    """What is left empty of the keys stays as it is; `forget` takes both away."""
    form = visit.form
    facts: dict[str, Any] = {
        "method": form.choice("method", METHODS) or "BOTH",
        "fee_percent": form.number("fee_percent"),
    }
    for name in ("secret_key", "webhook_secret"):
        given = form.text(name, longest=300)
        if form.flag("forget"):
            facts[name] = None
        elif given is not None:
            facts[name] = given
    form.check()
    cards.change(visit.ctx, **facts)
    return visit.go("/settings/payments", "Saved.")


_CHANGE = Permission.CHANGE_WORKSPACE

PAGES = (
    Page("/settings/payments", _CHANGE, page, change, label="Settings: payments", section="settings", icon="gear"),
    Page("/settings/payments/cards", _CHANGE, post=change_cards, again=page),
)
