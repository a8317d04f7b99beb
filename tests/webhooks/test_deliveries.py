"""What receivers get: the eight events of Hoursmith byte by byte, frozen bodies, signatures, retries, replays."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook

from tallystick.api.native.webhook_bodies import compose
from tallystick.db.session import text_query
from tallystick.domain import clients, projects, tasks, time_entries
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.entering import enter
from tallystick.domain.webhooks import deliveries, endpoints, sending
from tallystick.domain.webhooks.deliveries import WebhookDelivery
from tallystick.jobs.tasks import forget_old_webhooks
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound, PlanForbids
from tallystick.values.webhooks import WAITS
from tests.studio import Api, Studio
from tests.webhooks.conftest import Hooks
from tests.webhooks.receivers import Receiver, answer, receiver

EIGHT = ("invoice.sent", "invoice.paid", "invoice.payment_failed", "time_entry.created", "task.completed",
         "task.created", "client.created", "project.created")  # fmt: skip


def bodies(sink: Receiver) -> list[dict]:
    return [json.loads(one.body) for one in sink.heard]


def test_each_event_of_hoursmith_shows_its_resource_as_the_get_does(hooks: Hooks, sink: Receiver, api: Api) -> None:
    hooks.endpoint(sink.url, *EIGHT)
    with hooks.context() as ctx:
        client = clients.create(ctx, name="Umbrella", default_rate=Decimal(80))
        project = projects.create(ctx, client_id=client.id, name="Hive")
        task = tasks.create(
            ctx, project_id=project.id, name="Dig", assignee_ids=[hooks.studio.people["member"].user_id]
        )
        entry = time_entries.log(
            ctx, project_id=project.id, task_id=task.id, entry_date=date(2026, 6, 10), duration_seconds=5400
        )
    seen = {
        "client.created": ("client", api.get(f"/clients/{client.id}")),
        "project.created": ("project", api.get(f"/projects/{project.id}")),
        "task.created": ("task", api.get(f"/tasks/{task.id}")),
        "time_entry.created": ("timeEntry", api.get(f"/time-entries/{entry.id}")),
    }
    api("PATCH", f"/tasks/{task.id}", {"status": "DONE"})
    seen["task.completed"] = ("task", api.get(f"/tasks/{task.id}"))
    invoice = api.post("/invoices", {"clientId": client.id})["id"]
    api.post(f"/invoices/{invoice}/mark-sent", status=200)
    seen["invoice.sent"] = ("invoice", api.get(f"/invoices/{invoice}"))
    api.post(f"/invoices/{invoice}/payments", {"amount": "120.00", "paidOn": "2026-06-15"})
    seen["invoice.paid"] = ("invoice", api.get(f"/invoices/{invoice}"))
    hooks.carry()
    told = {one["type"]: one for one in bodies(sink)}
    assert set(told) == set(seen)
    for name, (key, shown) in seen.items():
        body = told[name]
        assert list(body) == ["id", "type", "created", "orgId", "livemode", "sequence", "data"]
        assert body["orgId"] == hooks.studio.workspace_id
        assert body["created"] == int(hooks.studio.clock.now.timestamp())
        assert body["livemode"] is True
        assert body["data"][key] == shown, name
        assert list(body["data"][key]) == list(shown)  # also the order of its fields
    paid = told["invoice.paid"]["data"]["payment"]
    assert paid == api.get(f"/invoices/{invoice}/payments")[0]
    numbers = sorted(one["sequence"] for one in told.values())
    assert len(set(numbers)) == len(numbers)


def test_who_starts_a_timer_makes_an_entry_too(hooks: Hooks, sink: Receiver) -> None:
    hooks.endpoint(sink.url, "time_entry.*")
    with hooks.context() as ctx:
        entry = time_entries.start(ctx, project_id=hooks.studio.ids["project"])
    hooks.carry()
    created, started = sorted(bodies(sink), key=lambda one: one["sequence"])
    assert (created["type"], started["type"]) == ("time_entry.created", "time_entry.started")
    assert created["id"] != started["id"]
    assert created["data"] == started["data"]
    assert created["data"]["timeEntry"]["id"] == entry.id


def test_a_body_is_of_the_moment_of_the_event_however_late_it_is_made(hooks: Hooks, sink: Receiver) -> None:
    hooks.endpoint(sink.url, "client.created")
    identity = hooks.client("Before")
    with hooks.context() as ctx:
        clients.change(ctx, identity, name="After")
    hooks.carry()
    assert [one["data"]["client"]["name"] for one in bodies(sink)] == ["Before"]


def test_an_endpoint_gets_what_it_wants_and_nothing_from_before_it_was_there(hooks: Hooks, sink: Receiver) -> None:
    hooks.client("Earlier")
    some = hooks.endpoint(sink.url, "project.*", "client.deleted").endpoint
    everything = hooks.endpoint(sink.url, "*").endpoint
    identity = hooks.client("Later")
    with hooks.context() as ctx:
        project = projects.create(ctx, client_id=hooks.studio.ids["client"], name="Roof")
        projects.change(ctx, project.id, name="Cellar")
        clients.delete(ctx, identity)
    hooks.carry()
    assert [one.delivery.type for one in hooks.sent(some)] == ["project.created", "project.updated", "client.deleted"]
    types = [one.delivery.type for one in hooks.sent(everything)]
    assert types == ["client.created", "project.created", "milestone.created", "project.updated", "client.deleted"]
    assert hooks.sent(some)[0].message.body == next(
        one.message.body for one in hooks.sent(everything) if one.delivery.type == "project.created"
    )


def test_what_is_rolled_back_never_happened(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "client.created")
    with pytest.raises(NotFound), hooks.context() as ctx:
        clients.change(ctx, clients.create(ctx, name="Nobody").workspace_id, name="Nobody at all")
    hooks.client("Somebody")
    hooks.carry()
    assert [one["data"]["client"]["name"] for one in bodies(sink)] == ["Somebody"]
    assert len(hooks.sent(made.endpoint)) == 1


def test_a_workspace_without_endpoints_leaves_nothing_behind(hooks: Hooks, sink: Receiver) -> None:
    gone = hooks.endpoint(sink.url, "*").endpoint
    with hooks.context() as ctx:
        endpoints.delete(ctx, gone.id)
    hooks.client("In between")
    hooks.carry()
    made = hooks.endpoint(sink.url, "client.*").endpoint
    hooks.client("Now")
    hooks.carry()
    assert [one["data"]["client"]["name"] for one in bodies(sink)] == ["Now"]
    assert hooks.sent(made)[0].message.sequence >= 1


def test_both_signatures_hold_and_nothing_may_be_altered(hooks: Hooks, sink: Receiver) -> None:
    hooks.studio.clock.now = datetime.now(UTC)  # the library compares with the clock of the machine
    made = hooks.endpoint(sink.url, "client.created")
    hooks.client("Umbrella")
    hooks.carry()
    (heard,) = sink.heard
    body, headers = heard.body, heard.headers
    assert headers["content-type"] == "application/json"
    assert made.secret.startswith("wsk_")
    assert len(base64.urlsafe_b64decode(made.secret[4:] + "==")) == 32
    parts = dict(one.split("=", 1) for one in headers["hoursmith-signature"].split(","))
    right = hmac.new(made.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], right)
    judge = Webhook(made.secret.encode())
    assert judge.verify(body, headers)["id"] == headers["webhook-id"] == json.loads(body)["id"]
    for altered in ({"webhook-id": "x"}, {"webhook-timestamp": str(int(parts["t"]) + 1)}):
        with pytest.raises(Exception, match="signature"):
            judge.verify(body, {**headers, **altered})
    with pytest.raises(Exception, match="signature"):
        judge.verify(body.replace(b"Umbrella", b"Umbrellb"), headers)


def test_for_a_day_after_a_rotation_both_secrets_sign(hooks: Hooks, sink: Receiver) -> None:
    old = hooks.endpoint(sink.url, "client.created")
    with hooks.context() as ctx:
        new = endpoints.rotate(ctx, old.endpoint.id)
    assert new.secret != old.secret

    def signers() -> list[str]:
        heard = sink.heard[-1]
        first, *signatures = heard.headers["hoursmith-signature"].split(",")
        standard = heard.headers["webhook-signature"].split(" ")
        found = []
        for name, secret in (("new", new.secret), ("old", old.secret)):
            text = f"{first[2:]}.".encode() + heard.body
            ours = f"v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}" in signatures
            text = f"{heard.headers['webhook-id']}.{first[2:]}.".encode() + heard.body
            digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
            assert (f"v1,{base64.b64encode(digest).decode()}" in standard) == ours
            found += [name] if ours else []
        return found

    hooks.client("One")
    hooks.carry()
    assert signers() == ["new", "old"]
    hooks.studio.clock.now += timedelta(hours=24)
    hooks.client("Two")
    hooks.carry()
    assert signers() == ["new"]


def test_what_fails_is_tried_eight_times_over_a_day_and_a_half_and_the_same_bytes_go_each_time(hooks: Hooks) -> None:
    with receiver(answer(500, "Sorry" * 1000)) as broken:
        made = hooks.endpoint(broken.url, "client.created")
        hooks.client("Umbrella")
        clock = hooks.studio.clock
        for number, wait in enumerate(WAITS, 1):
            hooks.carry()
            (told,) = hooks.sent(made.endpoint)
            assert (told.delivery.state, len(broken.heard)) == ("pending", number)
            due = told.delivery.next_attempt_at
            assert due is not None
            assert 0.8 <= (due - clock.now) / wait <= 1.2
            clock.now = due - timedelta(seconds=0.001)
            hooks.carry()
            assert len(broken.heard) == number
            clock.now = due
        hooks.carry()
        (told,) = hooks.sent(made.endpoint)
        assert (told.delivery.state, told.delivery.attempts, told.delivery.last_status) == ("failed", 8, 500)
        assert hooks.again(made.endpoint).status == "failing"
        assert len({one.body for one in broken.heard}) == 1
        assert len({one.headers["webhook-id"] for one in broken.heard}) == 1
        assert len({one.headers["webhook-timestamp"] for one in broken.heard}) == 8  # signed anew each time
        assert [one.number for one in told.attempts] == [8, 7, 6, 5, 4, 3, 2, 1]
        assert {len(one.answer) for one in told.attempts} == {2048}
        # It stays enabled, and a success heals it.
        broken.answers = [answer()]
        hooks.client("Another")
        hooks.carry()
        assert hooks.again(made.endpoint).status == "enabled"
        assert hooks.again(made.endpoint).failing_since is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_time_gets_it(hooks: Hooks, status: int) -> None:
    clock = hooks.studio.clock
    later = format_datetime((clock.now + timedelta(seconds=900)).replace(tzinfo=UTC), usegmt=True)
    asked = [("120", 120), (later, 900), ("999999999", 86_400), ("soon", 0)]
    for text, seconds in asked:
        with receiver(answer(status, retry_after=text)) as busy:
            made = hooks.endpoint(busy.url, "client.created")
            hooks.client("Umbrella")
            hooks.carry()
            (told,) = hooks.sent(made.endpoint)
            assert told.delivery.next_attempt_at is not None
            wait = (told.delivery.next_attempt_at - clock.now).total_seconds()
            assert wait == seconds if seconds else 4 <= wait <= 6
            with hooks.context() as ctx:
                endpoints.delete(ctx, made.endpoint.id)


def test_410_disables_at_once(hooks: Hooks) -> None:
    with receiver(answer(410)) as gone:
        made = hooks.endpoint(gone.url, "client.created")
        hooks.client("Umbrella")
        hooks.carry()
        left = hooks.again(made.endpoint)
        assert (left.status, left.disabled_reason) == ("disabled", "gone")
        hooks.client("Another")
        hooks.studio.clock.now += timedelta(days=1)
        hooks.carry()
        assert len(gone.heard) == 1
        # What it missed is had by a replay of the time, once it is enabled again.
        gone.answers = [answer()]
        with hooks.context() as ctx:
            with pytest.raises(Conflict):
                deliveries.test(ctx, made.endpoint.id)
            endpoints.change(ctx, made.endpoint.id, status="enabled")
            since = ctx.now - timedelta(days=2)
            assert deliveries.replay_range(ctx, made.endpoint.id, since=since, until=ctx.now) == 2
        hooks.carry()
        heard = sorted(
            (one["data"]["client"]["name"], two.body) for one, two in zip(bodies(gone), gone.heard, strict=True)
        )
        assert [name for name, _ in heard] == ["Another", "Umbrella", "Umbrella"]  # which comes first is not promised
        assert heard[1] == heard[2], "the same bytes once more"


def test_after_five_days_without_a_success_it_is_disabled_and_owners_and_admins_are_told(hooks: Hooks) -> None:
    with receiver(answer(500)) as broken:
        made = hooks.endpoint(broken.url, "client.created")
        clock = hooks.studio.clock
        for _ in range(6):
            hooks.client("Umbrella")
            hooks.carry()
            assert hooks.again(made.endpoint).status == "enabled"
            clock.now += timedelta(hours=20)
        hooks.client("Umbrella")
        hooks.carry()
    left = hooks.again(made.endpoint)
    assert (left.status, left.disabled_reason) == ("disabled", "unreachable")
    with hooks.studio.database.transaction() as connection:
        open_workspace(connection, hooks.studio.workspace_id)
        mails = connection.execute("SELECT recipients, kind FROM mails ORDER BY recipients").fetchall()
    people = hooks.studio.people
    assert mails == sorted([([people["owner"].email], "notice"), ([people["admin"].email], "notice")])


def test_a_paused_endpoint_gets_nothing_until_it_is_taken_up_again(hooks: Hooks) -> None:
    with receiver(answer(500)) as sink:
        made = hooks.endpoint(sink.url, "client.created").endpoint
        hooks.client("Held")
        hooks.carry()
        with hooks.context() as ctx:
            endpoints.change(ctx, made.id, status="disabled")
        sink.answers = [answer()]
        hooks.client("Missed")
        hooks.studio.clock.now += timedelta(hours=1)
        hooks.carry()
        assert len(sink.heard) == 1
        with hooks.context() as ctx:
            endpoints.change(ctx, made.id, status="enabled")
        hooks.carry()
        assert [one["data"]["client"]["name"] for one in bodies(sink)] == ["Held", "Held"]


def test_a_replay_sends_the_same_bytes_under_the_same_id(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "client.created").endpoint
    hooks.client("Umbrella")
    hooks.carry()
    (told,) = hooks.sent(made)
    hooks.studio.clock.now += timedelta(minutes=10)
    with hooks.context() as ctx:
        deliveries.replay(ctx, told.delivery.id)
    hooks.carry()
    first, second = sink.heard
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["hoursmith-signature"] != second.headers["hoursmith-signature"]
    with hooks.context() as ctx:
        again = {"since": ctx.now - timedelta(hours=1), "until": ctx.now}
        assert deliveries.replay_range(ctx, made.id, **again, only_undelivered=True) == 0
        assert deliveries.replay_range(ctx, made.id, **again) == 1
        with pytest.raises(Invalid):
            deliveries.replay_range(ctx, made.id, since=ctx.now, until=ctx.now - timedelta(hours=1))
    hooks.carry()
    assert len(sink.heard) == 3


def test_a_test_says_that_it_is_one(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "invoice.paid").endpoint
    with hooks.context() as ctx:
        deliveries.test(ctx, made.id)
    hooks.carry()
    (body,) = bodies(sink)
    assert (body["type"], body["livemode"], body["data"]["test"]) == ("webhook_endpoint.test", False, True)


def test_a_server_that_is_not_in_production_says_so(hooks: Hooks, sink: Receiver) -> None:
    hooks.desk = replace(hooks.desk, server=replace(hooks.desk.server, live=False))
    hooks.endpoint(sink.url, "client.created")
    hooks.client("Umbrella")
    hooks.carry()
    assert bodies(sink)[0]["livemode"] is False


def test_a_secret_is_locked_up_and_in_no_event(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "*")
    with hooks.context() as ctx:
        new = endpoints.rotate(ctx, made.endpoint.id)
    with hooks.studio.database.transaction() as connection:
        open_workspace(connection, hooks.studio.workspace_id)
        for table in ("webhook_endpoints", "events", "audit_log", "idempotency_answers"):
            for (row,) in connection.execute(f"SELECT x::text FROM {table} AS x").fetchall():
                for secret in (made.secret, new.secret):
                    assert secret[8:] not in row
                    assert secret.encode().hex() not in row


def test_an_attempt_whose_lease_ended_changes_nothing_any_more(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "client.created").endpoint
    hooks.client("Umbrella")
    desk = hooks.desk
    from tallystick.api.native.webhook_bodies import compose
    from tallystick.values.webhooks import Attempt

    with hooks.context() as ctx:
        enter(ctx)
        sending.fan_out(ctx, compose)
    with desk.owner() as connection:
        (first,) = mine(sending.claim(connection, desk.clock(), 32), hooks)
    with desk.owner() as connection:
        assert mine(sending.claim(connection, desk.clock(), 32), hooks) == []
    hooks.studio.clock.now += sending.LEASE
    with desk.owner() as connection:
        (second,) = mine(sending.claim(connection, desk.clock(), 32), hooks)
    opened = desk.opens(hooks.studio.workspace_id)
    assert sending.settle(opened, first, Attempt(500, 1), desk.clock()) is None
    (told,) = hooks.sent(made)
    assert (told.delivery.state, told.delivery.tries) == ("pending", 0)
    sending.settle(opened, second, Attempt(200, 1), desk.clock())
    (told,) = hooks.sent(made)
    assert (told.delivery.state, len(told.attempts)) == ("delivered", 2)


def mine(claimed: list[sending.Claimed], hooks: Hooks) -> list[sending.Claimed]:
    return [one for one in claimed if one.workspace_id == hooks.studio.workspace_id]


def test_an_endpoint_gets_four_at_a_time_one_after_a_failure_and_those_that_fail_half_of_the_places(
    hooks: Hooks, sink: Receiver
) -> None:
    made = [hooks.endpoint(sink.url, "client.created").endpoint for _ in range(30)]
    for number in range(6):
        hooks.client(f"Client {number}")
    desk = hooks.desk
    with hooks.context() as ctx:
        enter(ctx)
        sending.fan_out(ctx, compose)
        for one in made[:20]:
            ctx.change(ctx.find(endpoints.WebhookEndpoint, one.id), failures=1)
    failing = {one.id for one in made[:20]}
    counts: dict[str, int] = {}
    with desk.owner() as connection:
        for one in sending.claim(connection, desk.clock(), 64):
            counts[one.endpoint_id] = counts.get(one.endpoint_id, 0) + 1
    assert sum(counts.values()) == sending.AT_ONCE
    assert {one: counts.get(one.id, 0) for one in made[20:]} != {}
    assert max(counts.values()) <= sending.OF_ONE
    assert all(counts.get(one.id, 0) >= 3 for one in made[20:])  # 32 places for 10 that work come first
    assert all(counts[one] == 1 for one in failing & set(counts))
    with desk.owner() as connection:
        assert sending.claim(connection, desk.clock(), 64) == []  # every place is taken


def test_half_of_the_places_are_for_receivers_that_work(hooks: Hooks, sink: Receiver) -> None:
    made = [hooks.endpoint(sink.url, "client.created").endpoint for _ in range(20)]
    hooks.client("Umbrella")
    with hooks.context() as ctx:
        enter(ctx)
        sending.fan_out(ctx, compose)
        for one in made:
            ctx.change(ctx.find(endpoints.WebhookEndpoint, one.id), failures=3)
    with hooks.desk.owner() as connection:
        assert len(mine(sending.claim(connection, hooks.desk.clock(), 64), hooks)) == sending.OF_FAILING


def pile_up(hooks: Hooks, endpoint: str, first: int, *, waiting: bool) -> None:
    """Three thousand deliveries, all that wait or all that arrived."""
    with hooks.context() as ctx:
        facts = {"studio": hooks.studio.workspace_id, "endpoint": endpoint, "now": ctx.now, "first": first}
        ctx.connection.execute(
            """
            WITH made AS (
                INSERT INTO webhook_messages (id, workspace_id, sequence, type, body, occurred_at)
                SELECT uuidv7(), %(studio)s::uuid, n, 'client.created', '', %(now)s
                FROM generate_series(%(first)s::int, %(first)s::int + 2999) AS n RETURNING id
            )
            INSERT INTO webhook_deliveries (id, workspace_id, endpoint_id, event_id, type, state, tries, attempts,
                                            next_attempt_at, created_at)
            SELECT uuidv7(), %(studio)s::uuid, %(endpoint)s::uuid, id, 'client.created', %(state)s, 0, 0,
                   %(due)s::timestamptz, %(now)s FROM made
            """,
            {**facts, "state": "pending" if waiting else "delivered", "due": ctx.now if waiting else None},
        )


def test_however_much_waits_for_one_receiver_it_is_not_read_to_serve_another(hooks: Hooks, sink: Receiver) -> None:
    stuck, well = (hooks.endpoint(sink.url, "client.created").endpoint.id for _ in range(2))
    pile_up(hooks, well, 1000, waiting=False)
    with hooks.desk.owner() as connection:
        connection.execute("ANALYZE webhook_deliveries")  # which now thinks that nothing ever waits
    pile_up(hooks, stuck, 5000, waiting=True)
    hooks.client("Umbrella")
    with hooks.context() as ctx:
        enter(ctx)
        sending.fan_out(ctx, compose)
        ctx.change(ctx.find(endpoints.WebhookEndpoint, stuck), failures=3)
    now = hooks.desk.clock()
    with hooks.desk.owner() as connection:
        claimed = mine(sending.claim(connection, now, 64), hooks)
        values = {"most": 64, "one": sending.OF_ONE, "failing": sending.OF_FAILING, "all": sending.AT_ONCE}
        asked = connection.execute(
            text_query(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sending._CLAIM.sql}"),
            {**values, "now": now, "until": now + sending.LEASE},
        ).fetchone()
    assert sorted(one.endpoint_id for one in claimed) == sorted([stuck, well])
    assert asked is not None
    plan = asked[0][0]["Plan"]
    read = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert read < 60, read  # 3,000 rows and their index lie on more


def test_after_thirty_days_messages_are_forgotten(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "client.created").endpoint
    hooks.client("Old")
    hooks.carry()
    hooks.studio.clock.now += timedelta(days=29)
    hooks.client("New")
    hooks.carry()
    forget_old_webhooks(hooks.desk)
    assert len(hooks.sent(made)) == 2
    hooks.studio.clock.now += timedelta(days=2)
    forget_old_webhooks(hooks.desk)
    assert len(hooks.sent(made)) == 1


def test_only_owners_and_admins_see_to_webhooks_and_only_on_a_plan_that_has_them(hooks: Hooks, sink: Receiver) -> None:
    made = hooks.endpoint(sink.url, "*").endpoint
    for who in ("manager", "member"):
        with hooks.context(who) as ctx:
            for refused in (
                lambda: endpoints.create(ctx, url=sink.url, events=["*"]),
                lambda: endpoints.every(ctx),
                lambda: endpoints.read(ctx, made.id),
                lambda: endpoints.change(ctx, made.id, description="mine"),
                lambda: endpoints.rotate(ctx, made.id),
                lambda: endpoints.delete(ctx, made.id),
                lambda: deliveries.test(ctx, made.id),
            ):
                with pytest.raises(Forbidden):
                    refused()
    with hooks.studio.database.transaction() as connection:
        open_workspace(connection, hooks.studio.workspace_id)
        actor = Actor(hooks.studio.workspace_id, hooks.studio.owner.user_id, "OWNER", plan="studio")
        ctx = Context(actor, connection, hooks.studio.clock, hooks.desk.server)
        with pytest.raises(PlanForbids) as refusal:
            endpoints.create(ctx, url=sink.url, events=["*"])
    assert (refusal.value.required_plan, refusal.value.feature) == ("agency", "outboundWebhooks")


def test_another_workspace_has_none_of_it(hooks: Hooks, sink: Receiver, other_studio: Studio) -> None:
    made = hooks.endpoint(sink.url, "*").endpoint
    with other_studio.context() as ctx:
        clients.create(ctx, name="Canary")
        assert endpoints.every(ctx) == []
        with pytest.raises(NotFound):
            endpoints.read(ctx, made.id)
    hooks.client("Ours")
    hooks.carry()
    assert b"Canary" not in b"".join(one.body for one in sink.heard)
    with other_studio.context() as ctx, pytest.raises(NotFound):
        deliveries.read(ctx, hooks.sent(made)[0].delivery.id)
    with other_studio.context() as ctx:
        assert ctx.select(WebhookDelivery) == []


@pytest.mark.parametrize(
    "events", [[], ["invoice.payed"], ["invoice"], ["*.created"], ["wizard.*"], ["**"], ["invoice.*.x"], [""]]
)
def test_what_is_no_event_is_refused(hooks: Hooks, sink: Receiver, events: list[str]) -> None:
    with hooks.context() as ctx, pytest.raises(Invalid) as refusal:
        endpoints.create(ctx, url=sink.url, events=events)
    assert set(refusal.value.fields) == {"events"}
