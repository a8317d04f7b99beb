"""The audit log: one entry for each transaction that did something, and none that can be rewritten unseen."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from falcon import testing
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import audit, clients
from tallystick.domain.entering import enter
from tests.conftest import superuser
from tests.studio import Api, Studio

_EVENT = Prepared(text("SELECT id FROM events WHERE resource_id = :resource_id ORDER BY occurred_at, id"))


def entries(api: Api, **query: Any) -> list[Any]:
    result = api("GET", "/audit-log", params=query)
    assert result.status_code == 200, result.text
    return result.json["data"]


def test_an_entry_says_who_did_what_from_where_with_before_and_after(api: Api, studio: Studio) -> None:
    made = api.post("/clients", {"name": "Hooli"}, headers={"User-Agent": "Netscape/4"})
    api("PATCH", f"/clients/{made['id']}", {"name": "Hooli & Co"})
    changed, created = entries(api, resourceId=made["id"])
    assert (created["action"], changed["action"]) == ("createClient", "updateClient")
    assert created["actorId"] == studio.owner.user_id
    assert created["actorName"] == "Owner"
    assert created["userAgent"] == "Netscape/4"
    assert studio.owner.token.split("_")[2] == created["credential"]
    assert created["requestId"]
    (change,) = changed["changes"]
    assert (change["type"], change["id"], change["before"]["name"]) == ("client.updated", made["id"], "Hooli")
    assert change["after"]["name"] == "Hooli & Co"
    assert created["changes"][0]["before"] is None
    assert changed["sequence"] == created["sequence"] + 1


def test_what_is_done_at_once_is_one_entry(api: Api, studio: Studio) -> None:
    api.post("/time-entries/start", {"projectId": studio.ids["project"]})
    api.post("/time-entries/start", {"projectId": studio.ids["hidden_project"]})
    (entry,) = entries(api, limit=1)
    assert [change["type"] for change in entry["changes"]] == ["time_entry.stopped", "time_entry.started"]


def test_a_replay_and_a_refusal_write_nothing(api: Api) -> None:
    key = {"Idempotency-Key": "once"}
    api.post("/clients", {"name": "Hooli"}, headers=key)
    before = entries(api)
    assert api("POST", "/clients", {"name": "Hooli"}, headers=key).headers["idempotent-replayed"] == "true"
    assert api("POST", "/clients", {}).status_code == 422
    assert entries(api) == before


def test_pages_and_filters(api: Api, studio: Studio, client: testing.TestClient) -> None:
    for number in range(5):
        api.post("/clients", {"name": f"C{number}"})
    Api(client, studio.people["member"].token).post(
        "/time-entries", {"projectId": studio.ids["project"], "entryDate": "2026-06-15", "durationSeconds": 60}
    )
    seen: list[int] = []
    cursor = None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = api("GET", "/audit-log", params=query).json
        seen += [one["sequence"] for one in page["data"]]
        cursor = page["pagination"]["nextCursor"]
        if cursor is None:
            break
    assert seen == list(range(len(seen), 0, -1))
    assert {one["action"] for one in entries(api, action="createClient")} == {"createClient"}
    (theirs,) = entries(api, actorId=studio.people["member"].user_id)
    assert theirs["action"] == "createTimeEntry"
    assert len(entries(api, resource="time_entry")) == 1
    assert entries(api, until="2020-01-01") == []


@pytest.mark.parametrize("who", ["manager", "member"])
def test_only_owners_and_admins_read_it(who: str, client: testing.TestClient, studio: Studio) -> None:
    result = Api(client, studio.people[who].token)("GET", "/audit-log")
    assert result.status_code == 403


def test_the_table_has_no_formula(api: Api) -> None:
    api.post("/clients", {"name": "=HYPERLINK(1)"}, headers={"User-Agent": "=cmd|' /C calc'!A0"})
    result = api("GET", "/audit-log.csv")
    assert result.status_code == 200
    assert result.headers["content-disposition"] == 'attachment; filename="audit-log.csv"'
    rows = list(csv.DictReader(io.StringIO(result.text)))
    assert rows[0]["User agent"].startswith("'=cmd")
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_many_at_once_make_one_chain(studio: Studio) -> None:
    def write(number: int) -> None:
        with studio.context() as ctx:
            clients.create(ctx, name=f"Client {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with studio.context() as ctx:
        enter(ctx)
        assert audit.length(ctx) >= 40
        assert list(audit.broken(ctx)) == []


TAMPERED = {
    "an event's word": "UPDATE events SET data = data || '{\"name\": \"X\"}' WHERE id = '{event}'",
    "what was before": "UPDATE events SET before = '{\"name\": \"Y\"}' WHERE id = '{event}'",
    "an event is gone": "DELETE FROM events WHERE id = '{event}'",
    "who did it": "UPDATE audit_log SET actor_id = NULL WHERE workspace_id = '{workspace}' AND sequence = {entry}",
    "where from": "UPDATE audit_log SET origin = '{{}}' WHERE workspace_id = '{workspace}' AND sequence = {entry}",
    "when": "UPDATE audit_log SET occurred_at = now() WHERE workspace_id = '{workspace}' AND sequence = {entry}",
    "an entry is gone": "DELETE FROM audit_log WHERE workspace_id = '{workspace}' AND sequence = {entry}",
    "the last entry is gone": "DELETE FROM audit_log WHERE workspace_id = '{workspace}' AND sequence = {last}",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_change_of_a_byte_is_found(what: str, studio: Studio, database_url: str, cluster_url: str) -> None:
    """By somebody who may do anything in the database but does not know how to make hashes anew."""
    with studio.context() as ctx:
        made = clients.create(ctx, name="Hooli")
    with studio.context() as ctx:
        clients.change(ctx, made.id, name="Hooli & Co")
    with studio.context() as ctx:
        clients.create(ctx, name="Other")
        enter(ctx)
        entry = audit.length(ctx)
        (event,) = ctx.rows(_EVENT, resource_id=made.id)[-1:]
    with studio.context() as ctx:
        enter(ctx)
        last = audit.length(ctx)
    words = {"event": event[0], "workspace": studio.workspace_id, "entry": entry, "last": last}
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(psycopg.conninfo.make_conninfo(superuser(cluster_url), dbname=str(name))) as connection:
        connection.execute("SET session_replication_role = replica")  # no trigger fires
        sql = TAMPERED[what]
        for word, value in words.items():
            sql = sql.replace("{" + word + "}", str(value))
        assert connection.execute(sql.replace("{{}}", "{}").encode()).rowcount == 1
    with studio.context() as ctx:
        assert list(audit.broken(ctx)) != []
