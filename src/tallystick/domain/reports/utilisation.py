"""How much everybody worked each week, and how much of it was billable. Members see themselves."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.reports.plan import period, require_feature

USUAL_DAYS: Final = 56


class PersonWeek(NamedTuple):
    """A week of somebody."""

    user_id: str
    person: str
    week: date
    """Its first day; of the first and last week only the days of the period count."""
    seconds: int
    billable: int

    @property
    def share(self) -> Decimal | None:
        return share(self.billable, self.seconds)


class PersonSum(NamedTuple):
    """Somebody's whole period."""

    user_id: str
    person: str
    seconds: int
    billable: int

    @property
    def share(self) -> Decimal | None:
        return share(self.billable, self.seconds)


class UtilisationReport(NamedTuple):
    date_from: date
    date_to: date
    weeks: tuple[date, ...]
    """The first days of all weeks that the period touches."""
    rows: tuple[PersonWeek, ...]
    """By name and week; weeks without time are left out."""
    people: tuple[PersonSum, ...]
    total: PersonSum


def share(billable: int, seconds: int) -> Decimal | None:
    """Of a hundred, with one decimal; None where there is no time."""
    return round(Decimal(billable * 100) / seconds, 1) if seconds else None


def report(
    ctx: Context,
    *,
    date_from: date | None = None,
    date_to: date | None = None,
    user_id: str | None = None,
    first_weekday: int = 0,
) -> UtilisationReport:
    """Weeks begin on `first_weekday`, 0 is Monday; without days it is the last eight."""
    ctx.require(Permission.TRACK_TIME)
    require_feature(ctx, "advancedReporting")
    last = date_to or max(ctx.today(), date_from or date.min)
    if date_from is None:  # whole weeks
        begin = week_of(last, first_weekday)
        date_from = max(date.min + timedelta(days=USUAL_DAYS), begin) - timedelta(days=USUAL_DAYS - 7)
    first, last = period(ctx, date_from, date_to)
    whose = user_id if ctx.actor.sees_everyone else ctx.actor.user_id
    rows = tuple(
        PersonWeek._make(row)
        for row in ctx.rows(_WEEKS, date_from=first, date_to=last, person=whose, first_weekday=first_weekday)
    )
    sums: dict[str, PersonSum] = {}
    for row in rows:
        before = sums.get(row.user_id) or PersonSum(row.user_id, row.person, 0, 0)
        sums[row.user_id] = before._replace(
            seconds=before.seconds + row.seconds, billable=before.billable + row.billable
        )
    weeks: list[date] = []
    week = week_of(first, first_weekday)
    while week <= last:
        weeks.append(week)
        if date.max - week < timedelta(days=7):
            break
        week += timedelta(days=7)
    total = PersonSum("", "", sum(one.seconds for one in rows), sum(one.billable for one in rows))
    return UtilisationReport(first, last, tuple(weeks), rows, tuple(sums.values()), total)


def week_of(day: date, first_weekday: int) -> date:
    """The first day of the week that a day is in."""
    back = (day.weekday() - first_weekday) % 7
    return day - timedelta(days=back) if (day - date.min).days >= back else day


_WEEKS = Prepared(
    text("""
        SELECT entry.user_id, person.name, week, sum(seconds)::bigint, sum(billable)::bigint
        FROM (
            SELECT user_id, GREATEST(entry_date - mod(CAST(EXTRACT(ISODOW FROM entry_date) AS integer) + 6
                                     - CAST(:first_weekday AS integer), 7), DATE '0001-01-01') AS week,
                   sum(duration_seconds) AS seconds,
                   COALESCE(sum(duration_seconds) FILTER (WHERE billable), 0) AS billable
            FROM time_entries
            WHERE workspace_id = :workspace AND deleted_at IS NULL
              AND (started_at IS NULL OR stopped_at IS NOT NULL)
              AND entry_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
              AND (CAST(:person AS uuid) IS NULL OR user_id = CAST(:person AS uuid))
            GROUP BY user_id, entry_date
        ) AS entry
        JOIN people AS person ON person.id = entry.user_id
        GROUP BY entry.user_id, person.name, week
        ORDER BY lower(person.name), entry.user_id, week
    """)
)
