"""Which plans have which reports, and the days that a report is about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from tallystick.domain.access import ENTITLEMENTS, plan_with
from tallystick.domain.context import Context
from tallystick.values.errors import Invalid, PlanForbids

USUAL_DAYS: Final = 30
"""How many days a report is about where nobody says it: today is the last of them."""
LONGEST: Final = timedelta(days=1830)
SENTENCES: Final = {
    "reports": "Your plan does not include reports.",
    "advancedReporting": "Your plan does not include this report.",
}


def require_feature(ctx: Context, feature: str) -> None:
    """Refuse what the workspace's plan does not have."""
    if feature not in ENTITLEMENTS[ctx.actor.plan].features:
        raise PlanForbids(SENTENCES[feature], required_plan=plan_with(feature), feature=feature)


def period(ctx: Context, date_from: date | None, date_to: date | None, *, days: int = USUAL_DAYS) -> tuple[date, date]:
    """The first and last day: those given, else as many days as usual until the last one, else until today."""
    last = date_to or max(ctx.today(), date_from or date.min)
    try:
        first = date_from or last - timedelta(days=days - 1)
    except OverflowError:
        first = date.min
    if last < first:
        raise Invalid(fields={"to": "must not be before the first day"})
    if last - first > LONGEST:
        raise Invalid(fields={"to" if date_to else "from": "choose at most five years"})
    return first, last
