"""Who hears on the pages and by mail that a receiver does not work."""

from __future__ import annotations

from datetime import timedelta

from tallystick.domain.context import open_workspace
from tallystick.domain.notifications import notification
from tallystick.domain.notifications.notification import Told
from tests.webhooks.conftest import Hooks
from tests.webhooks.receivers import answer, receiver


def told(hooks: Hooks, who: str) -> list[Told]:
    with hooks.context(who) as ctx:
        return notification.page(ctx)[0]


def letters(hooks: Hooks) -> int:
    with hooks.studio.database.transaction() as connection:
        open_workspace(connection, hooks.studio.workspace_id)
        ((count,),) = connection.execute("SELECT count(*) FROM mails").fetchall()
    return int(count)


def test_a_delivery_that_is_given_up_is_told_to_owners_and_admins_once_for_each_time(hooks: Hooks) -> None:
    with receiver(answer(500)) as broken:
        made = hooks.endpoint(broken.url, "client.created").endpoint
        for times in (1, 2):
            hooks.client("Umbrella")
            hooks.client("Hooli")
            for _ in range(13):
                hooks.carry()
                hooks.studio.clock.now += timedelta(hours=8)
            assert hooks.again(made).status == "failing"
            for who in ("owner", "admin"):
                found = told(hooks, who)
                assert [(one.kind, one.subject_id) for one in found] == [("webhook_failing", made.id)] * times, who
                assert found[0].path == f"/settings/webhooks/{made.id}"
                assert found[0].facts["url"] == broken.url
            assert told(hooks, "manager") == told(hooks, "member") == []
            broken.answers = [answer()]
            hooks.client("Well again")
            hooks.carry()
            assert hooks.again(made).status == "enabled"
            broken.answers = [answer(500)]
    assert letters(hooks) == 0, "by mail only who chose it"


def test_a_disabled_endpoint_is_told_of_and_mailed(hooks: Hooks) -> None:
    with receiver(answer(410)) as gone:
        made = hooks.endpoint(gone.url, "client.created").endpoint
        hooks.client("Umbrella")
        hooks.carry()
    (found,) = told(hooks, "owner")
    assert (found.kind, found.subject_id, found.facts["reason"]) == ("webhook_disabled", made.id, "gone")
    assert letters(hooks) == 2
