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
    capacity: int
    """What of their week lies in the period: a fifth of it for each day from Monday to Friday."""

    @property
    def share(self) -> Decimal | None:
        return share(self.billable, self.seconds)

    @property
    def used(self) -> Decimal | None:
        """Hours of a hundred of capacity."""
        return share(self.seconds, self.capacity)


class PersonSum(NamedTuple):
    """Somebody's whole period."""

    user_id: str
    person: str
    seconds: int
    billable: int
    capacity: int

    @property
    def share(self) -> Decimal | None:
        return share(self.billable, self.seconds)

    @property
    def used(self) -> Decimal | None:
        """Hours of a hundred of capacity."""
        return share(self.seconds, self.capacity)


class UtilisationReport(NamedTuple):
    date_from: date
    date_to: date
    weeks: tuple[date, ...]
    """The first days of all weeks that the period touches."""
    rows: tuple[PersonWeek, ...]
    """By name and week; weeks without time are left out."""
    people: tuple[PersonSum, ...]
    """By name; who is a member and recorded nothing is there too, and who left where they recorded something."""
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
    found = ctx.rows(_WEEKS, date_from=first, date_to=last, person=whose, first_weekday=first_weekday)
    worked = {row[0] for row in found}
    staff = {
        user_id: (name, hours)
        for user_id, name, hours, stays in ctx.rows(_STAFF, person=whose)
        if stays or user_id in worked
    }
    rows = tuple(
        PersonWeek(user_id, name, week, seconds, billable, _seconds_of(staff[user_id][1], *within(week, first, last)))
        for user_id, name, week, seconds, billable in found
    )
    sums = {
        user_id: PersonSum(user_id, name, 0, 0, _seconds_of(hours, first, last))
        for user_id, (name, hours) in staff.items()
    }
    for row in rows:
        before = sums[row.user_id]
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
    people = tuple(sums.values())
    total = PersonSum(
        "", "", sum(one.seconds for one in people), sum(one.billable for one in people),
        sum(one.capacity for one in people),
    )  # fmt: skip
    return UtilisationReport(first, last, tuple(weeks), rows, people, total)


def week_of(day: date, first_weekday: int) -> date:
    """The first day of the week that a day is in."""
    back = (day.weekday() - first_weekday) % 7
    return day - timedelta(days=back) if (day - date.min).days >= back else day


def within(week: date, first: date, last: date) -> tuple[date, date]:
    """The days of a week that lie in the period."""
    end = week + timedelta(days=6) if date.max - week >= timedelta(days=6) else date.max
    return max(week, first), min(end, last)


def workdays(first: date, last: date) -> int:
    """Mondays to Fridays from one day to another, both counted."""
    days = (last - first).days + 1
    whole, rest = divmod(days, 7)
    return whole * 5 + sum((first.weekday() + day) % 7 < 5 for day in range(rest))


def _seconds_of(hours: Decimal, first: date, last: date) -> int:
    return int(hours * 720 * workdays(first, last))


_STAFF = Prepared(
    text("""
        SELECT member.user_id, person.name, COALESCE(member.weekly_capacity_hours, studio.weekly_capacity_hours),
               member.removed_at IS NULL
        FROM members AS member
        JOIN people AS person ON person.id = member.user_id
        JOIN workspaces AS studio ON studio.id = member.workspace_id
        WHERE member.workspace_id = :workspace
          AND (CAST(:person AS uuid) IS NULL OR member.user_id = CAST(:person AS uuid))
        ORDER BY lower(person.name), member.user_id
    """)
)
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
