"""The change feed: gap-free, complete, blind to what its reader may not see, and equal to the record."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from falcon import testing

from tallystick.db.session import Database, owner_connection
from tallystick.domain import changes as feed
from tallystick.domain import clients, projects
from tallystick.domain.context import open_workspace
from tallystick.domain.entering import enter, enter_all
from tests.changes.replica import Replica
from tests.studio import Api, Studio

DAY = "2026-06-15"


def same(api: Api, replica: Replica) -> None:
    """The copy is the record: by the digests, and by the numbers."""
    told = api.get("/changes/digest")
    assert told["sequence"] == int(replica.cursor or 0)
    assert replica.digests(list(told["resources"])) == told["resources"]


def entry(api: Api, studio: Studio, **facts: Any) -> Any:
    body = {"projectId": studio.ids["project"], "entryDate": DAY, "durationSeconds": 3600, **facts}
    return api.post("/time-entries", body)


def test_the_feed_begins_with_all_there_is(api: Api, replica: Replica) -> None:
    replica.follow()
    assert len(replica.rows["client"]) == 2
    assert len(replica.rows["member"]) == 5
    assert replica.sequences == list(range(1, len(replica.sequences) + 1))
    same(api, replica)


def test_a_change_of_each_kind_is_told_once(api: Api, replica: Replica, studio: Studio) -> None:
    replica.follow()
    made = entry(api, studio, note="Sketch")
    api("PATCH", f"/time-entries/{made['id']}", {"note": "Sketches", "durationSeconds": 1800})
    api("DELETE", f"/time-entries/{made['id']}")
    heard = replica.follow()
    assert [(one["type"], one["resource"], one["id"], one["deleted"]) for one in heard] == [
        ("timeEntry.deleted", "timeEntry", made["id"], True)
    ] * 3
    same(api, replica)


def test_work_that_goes_on_an_invoice_changes_with_it(api: Api, replica: Replica, studio: Studio) -> None:
    made = entry(api, studio)
    replica.follow()
    invoice = api.post("/invoices", {"clientId": studio.ids["client"]})
    heard = {one["type"]: one["data"] for one in replica.follow()}
    assert heard["invoice.created"]["id"] == invoice["id"]
    assert heard["timeEntry.updated"]["id"] == made["id"]
    assert heard["timeEntry.updated"]["invoiceId"] == invoice["id"]
    same(api, replica)


def test_whoever_is_put_to_a_task_changes_it(api: Api, replica: Replica, studio: Studio) -> None:
    replica.follow()
    api("PATCH", f"/tasks/{studio.ids['task']}", {"projectId": studio.ids["project"], "name": "Design",
                                                  "assigneeIds": [studio.people["second"].user_id]})  # fmt: skip
    assert "task.updated" in {one["type"] for one in replica.follow()}
    same(api, replica)


def test_nothing_is_told_of_what_was_rolled_back(api: Api, replica: Replica) -> None:
    replica.follow()
    assert (
        api("POST", "/projects", {"clientId": "018f0000-0000-7000-8000-000000000000", "name": "X"}).status_code == 422
    )
    assert replica.follow() == []


def test_a_member_hears_of_their_projects_without_money(member: Api, api: Api, studio: Studio) -> None:
    copy = Replica(member)
    copy.follow()
    assert set(copy.rows) == {"member", "project", "task", "milestone"}
    assert set(copy.rows["project"]) == {studio.ids["project"]}
    assert "hourlyRate" not in copy.rows["project"][studio.ids["project"]]
    api("PATCH", f"/projects/{studio.ids['hidden_project']}", {"name": "Quiet"})
    entry(api, studio, note="not theirs")
    assert copy.follow() == []
    same(member, copy)


def test_who_gets_on_a_project_hears_of_it_and_who_leaves_it_hears_that(member: Api, studio: Studio, api: Api) -> None:
    copy = Replica(member)
    copy.follow()
    hidden = studio.ids["hidden_project"]
    task = api.post("/tasks", {"projectId": hidden, "name": "Plan"})
    with studio.context() as ctx:
        projects.put_on(ctx, ctx.find(projects.Project, hidden), _member(ctx, studio))
    (general,) = copy.rows["milestone"]  # every project has one for the work of none
    heard = {one["id"] for one in copy.follow()}
    also = set(copy.rows["milestone"]) - {general}
    assert heard == {hidden, task["id"], *also}
    assert len(also) == 1
    same(member, copy)
    with studio.context() as ctx:
        projects.take_off(ctx, ctx.find(projects.Project, hidden), _member(ctx, studio))
    gone = {(hidden, True), (task["id"], True), *((one, True) for one in also)}
    assert {(one["id"], one["deleted"]) for one in copy.follow()} == gone
    same(member, copy)


def _member(ctx: Any, studio: Studio) -> Any:
    from tallystick.domain import members

    return members.active(ctx, studio.people["member"].user_id)


def test_only_what_is_asked_for_is_told(api: Api, studio: Studio) -> None:
    result = api("GET", "/changes", params={"resources": "client,timeEntry", "limit": 1})
    assert [one["resource"] for one in result.json["data"]] == ["client"]
    assert result.json["pagination"]["hasMore"] is True


@pytest.mark.parametrize(
    ("query", "field"),
    [({"after": "999999"}, "after"), ({"after": "x"}, "after"), ({"wait": "26"}, "wait"),
     ({"resources": "x"}, "resources"), ({"limit": "201"}, "limit"), ({"nothing": "1"}, "nothing")],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_by_name(api: Api, query: dict[str, str], field: str) -> None:
    result = api("GET", "/changes", params=query)
    assert result.status_code == 422
    assert list(result.json["error"]["fields"]) == [field]


def test_who_waits_hears_at_once(api: Api, client: testing.TestClient, replica: Replica) -> None:
    replica.follow()
    heard: list[Any] = []
    waiting = threading.Thread(
        target=lambda: heard.append(api("GET", "/changes", params={"after": replica.cursor, "wait": "25"}).json)
    )
    waiting.start()
    made = api.post("/clients", {"name": "Hooli"})
    waiting.join(20)
    assert [one["id"] for one in heard[0]["data"]] == [made["id"]]


def test_other_workspaces_are_silent(
    api: Api, other_studio: Studio, client: testing.TestClient, replica: Replica
) -> None:
    replica.follow()
    theirs = Replica(Api(client, other_studio.owner.token))
    theirs.follow()
    Api(client, other_studio.owner.token).post("/clients", {"name": "Canary"})
    assert replica.follow() == []
    assert [one["type"] for one in theirs.follow()] == ["client.created"]


def test_many_writers_at_once_leave_no_gap_and_lose_nothing(
    database: Database, studio: Studio, api: Api, replica: Replica
) -> None:
    """Commits happen out of order; all who follow meanwhile, and number what they find, have it all in the end."""
    stop = threading.Event()
    copies = [replica, Replica(api), Replica(api)]

    def write(number: int) -> None:
        for turn in range(12):
            with studio.context() as ctx:
                client = clients.create(ctx, name=f"Client {number}.{turn}")
                if turn % 3 == 0:
                    clients.change(ctx, client.id, name=f"Client {number}.{turn} again")
                if turn % 4 == 0:
                    clients.delete(ctx, client.id)

    def follow(copy: Replica) -> None:
        while not stop.is_set():
            copy.follow()

    followers = [threading.Thread(target=follow, args=(copy,)) for copy in copies]
    for one in followers:
        one.start()
    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    stop.set()
    for one in followers:
        one.join()
    for copy in copies:
        copy.follow()
        assert copy.sequences == list(range(1, len(copy.sequences) + 1))
        same(api, copy)


def test_what_is_committed_late_comes_later_and_is_not_lost(studio: Studio, api: Api, replica: Replica) -> None:
    replica.follow()
    with studio.context() as late:
        client = clients.create(late, name="Late")
        api.post("/clients", {"name": "Soon"})
        assert [one["data"]["name"] for one in replica.follow()] == ["Soon"]
        enter(late)  # not over: whoever asks meanwhile numbers no part of it
        clients.change(late, client.id, name="Late, and changed")
        assert replica.follow() == []
    assert [(one["type"], one["data"]["name"]) for one in replica.follow()] == [("client.created", "Late, and changed")]
    same(api, replica)


def test_a_long_queue_is_entered_bit_by_bit_in_whole_transactions(
    database_url: str, studio: Studio, api: Api, replica: Replica
) -> None:
    import psycopg

    with studio.context() as ctx:
        for number in range(58):  # the studio has two of its own
            clients.create(ctx, name=f"Client {number}")
    before = replica.follow()[-1]["sequence"]
    for _ in range(3):
        with psycopg.connect(database_url) as connection:
            for _ in range(50):  # 3,000 rows in the queue, of 60 changes
                connection.execute("UPDATE clients SET notes = notes WHERE workspace_id = %s", [studio.workspace_id])
    for entered, more in ((120, True), (180, False), (180, False)):
        with studio.context() as ctx:
            found = ctx.connection.execute("SELECT last - %s, more FROM enter_changes()", [before]).fetchone()
            assert found == (entered, more)
    assert len(replica.follow()) == 180
    same(api, replica)


def test_however_much_waits_whoever_wrote_finds_it_at_once(database_url: str, studio: Studio, api: Api) -> None:
    import psycopg

    last = enter_now(studio)
    for _ in range(2):
        with psycopg.connect(database_url) as connection:
            for _ in range(3_000):
                connection.execute("UPDATE clients SET notes = notes WHERE workspace_id = %s", [studio.workspace_id])
    mine = api.post("/projects", {"clientId": studio.ids["client"], "name": "Mine"})["id"]
    told = api("GET", f"/changes?resources=project&after={last}").json["data"]
    assert [one["id"] for one in told] == [mine]


def test_what_waits_is_looked_at_twice_however_much_it_is(database_url: str, studio: Studio, api: Api) -> None:
    looked = "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'change_queue'"
    enter_now(studio)
    with owner_connection(database_url) as worker:
        for number in (1, 300):
            for one in range(number):
                api.post("/clients", {"name": f"Client {number} {one}"})
            open_workspace(worker, studio.workspace_id)
            worker.execute("SELECT enter_changes()")
            (rows,) = worker.execute(looked).fetchone() or (0,)
            worker.commit()
    assert 600 <= rows <= 1300


def test_a_workspace_that_cannot_be_entered_stops_no_other(
    database_url: str, studio: Studio, other_studio: Studio
) -> None:
    enter_now(studio)
    for one in (studio, other_studio):
        with one.context() as ctx:
            clients.create(ctx, name="Hooli")
    with studio.context() as ctx, owner_connection(database_url) as owner:
        ctx.connection.execute("SELECT enter_changes()")  # and keeps its lock
        enter_all(owner)
        left = {one for (one,) in owner.execute("SELECT DISTINCT workspace_id FROM change_queue")}
        assert studio.workspace_id in left
        assert other_studio.workspace_id not in left


def enter_now(studio: Studio) -> int:
    with studio.context() as ctx:
        return enter(ctx)


def test_a_copy_is_the_record_after_any_writes(api: Api, studio: Studio, replica: Replica) -> None:
    chance = random.Random(7)
    ids: dict[str, list[str]] = {"clients": [], "time-entries": [], "expenses": [], "invoices": []}
    for turn in range(80):
        match chance.choice(["client", "entry", "expense", "draft", "change", "delete", "send", "pay", "cancel"]):
            case "client":
                ids["clients"].append(api.post("/clients", {"name": f"C{turn}"})["id"])
            case "entry":
                ids["time-entries"].append(entry(api, studio, note=f"N{turn}")["id"])
            case "expense":
                body = {
                    "clientId": studio.ids["client"],
                    "description": f"E{turn}",
                    "amount": "9.50",
                    "expenseDate": DAY,
                }
                ids["expenses"].append(api.post("/expenses", body)["id"])
            case "draft":
                result = api("POST", "/invoices", {"clientId": studio.ids["client"], "includeExpenses": True})
                if result.status_code == 201:
                    ids["invoices"].append(result.json["data"]["id"])
            case "change" if ids["time-entries"]:
                api("PATCH", f"/time-entries/{chance.choice(ids['time-entries'])}", {"durationSeconds": turn * 60})
            case "delete":
                kind = chance.choice(list(ids))
                if ids[kind]:
                    api("DELETE", f"/{kind}/{chance.choice(ids[kind])}")
            case "send" if ids["invoices"]:
                api("POST", f"/invoices/{chance.choice(ids['invoices'])}/mark-sent", {})
            case "pay" if ids["invoices"]:
                body = {"amount": "10.00", "paidOn": DAY}
                api("POST", f"/invoices/{chance.choice(ids['invoices'])}/payments", body)
            case "cancel" if ids["invoices"]:
                api("POST", f"/invoices/{chance.choice(ids['invoices'])}/cancel", {})
            case _:
                pass
        if turn % 9 == 0:
            replica.follow()
    replica.follow()
    same(api, replica)


def test_what_is_made_of_money_is_told_too(api: Api, member: Api, replica: Replica, studio: Studio) -> None:
    """Milestones, rates, tax rates, credit notes, refunds and recurring invoices, and what becomes of them."""
    replica.follow()
    theirs = Replica(member)
    theirs.follow()
    client, project = studio.ids["client"], studio.ids["project"]
    line = {"description": "Concept", "quantity": "1", "rate": "100"}
    milestone = api.post("/milestones", {"projectId": project, "title": "Launch"})
    assert api("POST", f"/milestones/{milestone['id']}/reach", {"reachedOn": DAY}).status_code == 200
    hidden = api.post("/milestones", {"projectId": studio.ids["hidden_project"], "title": "Quiet"})
    rate = api.post("/rates", {"clientId": client, "amount": "95", "effectiveFrom": DAY})
    tax = api.post("/tax-rates", {"name": "Reduced", "percent": "7"})
    api("PATCH", f"/tax-rates/{tax['id']}", {"name": "Lower"})
    every = api.post(
        "/recurring-invoices", {"clientId": client, "rule": "FREQ=MONTHLY", "startDate": DAY, "lines": [line]}
    )
    assert api("POST", f"/recurring-invoices/{every['id']}/run", {}).status_code == 200
    invoice = api.post("/invoices", {"clientId": client, "lines": [line]})["id"]
    api("POST", f"/invoices/{invoice}/mark-sent", {})
    paid = api.post(f"/invoices/{invoice}/payments", {"amount": "100", "paidOn": DAY})
    assert (
        api(
            "POST", f"/invoices/{invoice}/payments/{paid['id']}/refund", {"amount": "40", "refundedOn": DAY}
        ).status_code
        == 201
    )
    noted = api("POST", f"/invoices/{invoice}/credit", {"reason": "Half of it"})
    assert noted.status_code == 201, noted.text
    kinds = {one["resource"] for one in replica.follow()}
    assert kinds >= {"milestone", "rate", "taxRate", "recurringInvoice", "refund", "creditNote"}
    assert replica.rows["recurringInvoice"][every["id"]]["invoicesMade"] == 1
    same(api, replica)
    theirs.follow()
    assert milestone["id"] in theirs.rows["milestone"]
    assert hidden["id"] not in theirs.rows["milestone"]
    assert "amount" not in theirs.rows["milestone"][milestone["id"]]
    assert not set(theirs.rows) & {"rate", "refund", "creditNote", "recurringInvoice"}
    same(member, theirs)
    with studio.context() as ctx:
        projects.put_on(ctx, ctx.find(projects.Project, studio.ids["hidden_project"]), _member(ctx, studio))
    theirs.follow()
    assert {milestone["id"], hidden["id"]} <= set(theirs.rows["milestone"])
    for path in (f"/milestones/{hidden['id']}", f"/rates/{rate['id']}", f"/tax-rates/{tax['id']}"):
        assert api("DELETE", path).status_code == 204
    replica.follow()
    same(api, replica)


def test_whoever_reads_finds_the_queue_empty_afterwards(database_url: str, api: Api, studio: Studio) -> None:
    import psycopg

    waits = "SELECT count(*) FROM change_queue WHERE workspace_id = %s"
    api.post("/clients", {"name": "Hooli"})
    with psycopg.connect(database_url) as connection:
        assert connection.execute(waits, [studio.workspace_id]).fetchone() != (0,)
        connection.commit()
        api.get("/changes?limit=1")
        assert connection.execute(waits, [studio.workspace_id]).fetchone() == (0,)


def test_every_resource_of_the_feed_has_its_trigger(database_url: str) -> None:
    import psycopg

    with psycopg.connect(database_url) as connection:
        named = {name for (name,) in connection.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")}
    for followed in feed.FOLLOWED.values():
        table = followed.listing.kind.__tablename__
        assert {f"note_change_of_{table}_insert", f"note_change_of_{table}_update"} <= named
