"""A studio with a worker's desk, and short ways to what its people were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from tallystick.domain import noticing, projects, time_entries
from tallystick.domain.mails.mail import Mail, words_of
from tallystick.domain.notifications import notification
from tallystick.domain.notifications.notification import Told
from tallystick.jobs.desk import Desk
from tests.studio import SERVER, Studio

TODAY = date(2026, 6, 15)
"""A Monday; the studio's clock stands at 11:30 in Berlin."""


@dataclass
class Office:
    """A studio and the worker that looks for what there is to tell."""

    studio: Studio
    desk: Desk

    def look(self) -> None:
        """All looks at this workspace, as the worker does them now and then."""
        for look in noticing.LOOKS:
            with self.desk.workspace(self.studio.workspace_id) as ctx:
                look(ctx)

    def of(self, who: str) -> list[Told]:
        """What somebody was told, the newest first."""
        with self.studio.context(who) as ctx:
            return notification.page(ctx)[0]

    def kinds(self, who: str) -> list[str]:
        return [one.kind for one in self.of(who)]

    def letters(self, who: str) -> list[tuple[str, str]]:
        """Subjects and texts of what was mailed to somebody, in order."""
        email = self.studio.people[who].email
        with self.studio.context() as ctx:
            found = sorted(ctx.select(Mail, Mail.kind == "notice"), key=lambda one: one.id)
            words = [(one, words_of(ctx, one)) for one in found if one.recipients == [email]]
        return [(one.subject, said.text) for one, said in words if said is not None]

    def budget(self, **facts: Any) -> None:
        """Give the project a budget."""
        with self.studio.context() as ctx:
            projects.change(ctx, self.studio.ids["project"], **facts)

    def work(self, hours: int, *, day: date = TODAY, who: str = "member") -> str:
        """Log time of somebody on the project."""
        with self.studio.context(who) as ctx:
            logged = {"entry_date": day, "duration_seconds": hours * 3600}
            return time_entries.log(ctx, project_id=self.studio.ids["project"], **logged).id  # type: ignore[arg-type]


@pytest.fixture
def office(studio: Studio, database_url: str) -> Office:
    return Office(studio, Desk(database_url, studio.database, SERVER, studio.clock))
