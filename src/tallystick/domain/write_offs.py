"""Unbilled work that is given up: neither billed nor unbilled, and locked like billed work until that is undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.expenses import LOCKED as LOCKED_EXPENSE
from tallystick.domain.expenses import Expense
from tallystick.domain.time_entries import LOCKED as LOCKED_TIME
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.errors import Absent, Conflict, Invalid, NotFound, Refusal

Work = TypeVar("Work", TimeEntry, Expense)
MOST: Final = 200
LONGEST_REASON: Final = 500


def write_off(ctx: Context, kind: type[Work], ids: Sequence[str], reason: str, *, field: str = "") -> list[Work]:
    """Write work off, all of it or nothing; what was written off before keeps its reason.

    `field`: where the ids were given, for whoever gave several.
    """
    ctx.require(Permission.WRITE_OFF)
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise Invalid(fields={"reason": f"say why, in at most {LONGEST_REASON} characters"})
    found = _locked(ctx, kind, ids, field)
    for one in found:
        if one.written_off_at is None:
            _refuse_unless_unbilled(one, field)
    for one in found:
        if one.written_off_at is None:
            ctx.change(one, written_off_at=ctx.now, write_off_reason=reason)
            ctx.record("written_off", one)
    return found


def undo(ctx: Context, kind: type[Work], ids: Sequence[str], *, field: str = "") -> list[Work]:
    """Take write-offs back: the work is unbilled again."""
    ctx.require(Permission.WRITE_OFF)
    found = _locked(ctx, kind, ids, field)
    for one in found:
        if one.written_off_at is not None:
            ctx.change(one, written_off_at=None, write_off_reason=None)
            ctx.record("write_off_undone", one)
    return found


def _locked(ctx: Context, kind: type[Work], ids: Sequence[str], field: str) -> list[Work]:
    """The rows, locked in the order of their ids: whoever bills them meanwhile waits, and nobody for each other."""
    wanted = sorted(set(ids))
    if not 1 <= len(wanted) <= MOST:
        raise Invalid(fields={field: f"1 to {MOST} ids"})
    found: list[Work] = []
    for identity in wanted:
        try:
            found.append(ctx.find(kind, identity, lock="update"))
        except NotFound:
            if not field:
                raise
            raise Absent(fields={field: f"no such {kind.noun}: {identity}"}) from None
    return found


def _refuse_unless_unbilled(one: TimeEntry | Expense, field: str) -> None:
    if one.invoice_id is not None:
        refusal = Conflict(LOCKED_TIME if isinstance(one, TimeEntry) else LOCKED_EXPENSE, reason="invoiced")
    elif not one.billable:
        refusal = Conflict(f"This {one.noun} is not billable: there is nothing to write off.", reason="not_billable")
    elif isinstance(one, TimeEntry) and one.running:
        refusal = Conflict("This timer is running. Stop it before you write it off.", reason="running")
    else:
        return
    raise _named(refusal, one.id, field)


def _named(refusal: Refusal, identity: str, field: str) -> Refusal:
    return type(refusal)(refusal.message, fields={field: identity}, reason=refusal.reason) if field else refusal
