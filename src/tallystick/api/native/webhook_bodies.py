"""The `data` of a webhook: the resource as its GET shows it, made of what was written down when it happened.

Nothing else is read: the same event gives the same data, whatever happened since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tallystick.api.native.automatic_billing import BILLING
from tallystick.api.native.changes import VIEWS
from tallystick.api.native.credit_notes import CREDIT_NOTE
from tallystick.api.native.invoices import REFUND
from tallystick.api.native.milestones import MILESTONE
from tallystick.api.native.rates import RATE
from tallystick.api.native.tax_rates import TAX_RATE
from tallystick.api.native.views import View
from tallystick.api.native.wire import camel
from tallystick.domain.webhooks.sending import Happened

SHAPES: Final[Mapping[str, View[Any]]] = {
    **{name: view for name, view in VIEWS.items() if isinstance(view, View)},
    "automaticBilling": BILLING,
    "creditNote": CREDIT_NOTE,
    "milestone": MILESTONE,
    "rate": RATE,
    "refund": REFUND,
    "taxRate": TAX_RATE,
}
"""Resource → how its GET shows it."""


def compose(event: Happened, together: Sequence[Happened]) -> dict[str, Any]:
    """The data of an event; `together` are the events of the same transaction, itself among them."""
    data = {camel(event.resource): _shown(event)}
    if event.type == "invoice.paid":
        paid = next(
            (
                one
                for one in together
                if one.type == "payment.recorded" and one.facts.get("invoice_id") == event.resource_id
            ),
            None,
        )
        if paid is not None:
            data["payment"] = _shown(paid)
    return data


def _shown(event: Happened) -> Any:
    """As the GET shows it; where only chosen facts were written down, those."""
    view = SHAPES.get(camel(event.resource))
    shape = None if view is None else view.of_facts(event.facts)
    if shape is not None:
        return shape
    told = {camel(name): value for name, value in event.facts.items() if name not in {"id", "workspace_id"}}
    return {"id": event.resource_id, **told}
