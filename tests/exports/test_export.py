"""Everything in one zip: what is in it, that its money is the record's, who gets it, and that nobody waits for it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import owner_connection
from tallystick.domain import clients, exports, time_entries
from tallystick.domain.context import Context, utc_now
from tallystick.domain.exports import Export, ExportPiece
from tallystick.jobs import tasks
from tallystick.jobs.desk import Desk
from tallystick.values.errors import Conflict, Forbidden
from tests.app.conftest import Visitor
from tests.app.test_browser import CHROMIUM, DESK, Watched, browser, come_in
from tests.live import live_server
from tests.matrix.world import furnish
from tests.sign_in.conftest import PASSWORD, cheap_hashes, give_password, nothing_counted, signed_in  # noqa: F401
from tests.studio import SERVER, Studio, app_client

MONEY = {
    "invoices": "total",
    "invoice_lines": "total",
    "payments": "amount",
    "expenses": "amount",
    "credit_notes": "total",
    "refunds": "amount",
}


@pytest.fixture
def desk(studio: Studio, database_url: str) -> Desk:
    return Desk(database_url, studio.database, SERVER, studio.clock)


def asked(studio: Studio) -> str:
    with studio.context() as ctx:
        return exports.ask(ctx).id


def made(studio: Studio, desk: Desk) -> str:
    export_id = asked(studio)
    tasks.export_everything(desk, studio.workspace_id, export_id)
    return export_id


def content_of(ctx: Context, export_id: str) -> bytes:
    found: list[bytes] = []
    while (one := exports.piece(ctx, export_id, len(found))) is not None:
        found.append(one)
    return b"".join(found)


def opened(studio: Studio, export_id: str) -> zipfile.ZipFile:
    with studio.context() as ctx:
        archive = zipfile.ZipFile(io.BytesIO(content_of(ctx, export_id)))
    assert archive.testzip() is None
    return archive


def objects(archive: zipfile.ZipFile, noun: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in archive.read(f"jsonl/{noun}.jsonl").splitlines()]


def cells(archive: zipfile.ZipFile, noun: str) -> list[dict[str, str]]:
    text = archive.read(f"csv/{noun}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_all_money_of_the_record_is_in_the_zip_and_every_row_once_in_both_forms(
    studio: Studio, database_url: str
) -> None:
    world = furnish(studio.database, name="Export & Co")
    mine = world.studio
    desk = Desk(database_url, mine.database, SERVER, mine.clock)
    archive = opened(mine, made(mine, desk))
    totals = json.loads(archive.read("totals.json"))
    with owner_connection(database_url) as connection:
        for noun, column in MONEY.items():
            query = f"SELECT count(*), sum({column}) FROM {noun} WHERE workspace_id = %s"
            count, total = connection.execute(query.encode(), [mine.workspace_id]).fetchone() or (0, 0)
            lines, table = objects(archive, noun), cells(archive, noun)
            assert count > 0, noun
            assert len(lines) == len(table) == totals["counts"][noun] == count, noun
            assert sum(Decimal(str(one[column])) for one in lines) == total, noun
            assert sum(Decimal(one[column]) for one in table) == total, noun
            said = [Decimal(value) for key, value in totals["sums"][noun].items() if key.partition(" ")[0] == column]
            assert sum(said) == total, noun
        documents = connection.execute(
            "SELECT number, pdf FROM issued_documents WHERE workspace_id = %s", [mine.workspace_id]
        ).fetchall()
        kept = connection.execute(
            "SELECT f.id, c.content FROM files f JOIN file_contents c ON c.file_id = f.id WHERE f.workspace_id = %s",
            [mine.workspace_id],
        ).fetchall()
    for number, pdf in documents:
        assert archive.read(f"documents/{number}.pdf") == pdf
    names = archive.namelist()
    for identity, content in kept:
        (name,) = [one for one in names if identity in one and one.startswith("files/")]
        assert archive.read(name) == content
    assert objects(archive, "people")[0]["email"] == mine.owner.email
    assert "Export & Co" in archive.read("README.txt").decode()
    for noun in ("clients", "contacts", "projects", "tasks", "time_entries", "rates", "tax_rates", "recurring_invoices",
                 "comments", "audit_log", "events"):  # fmt: skip
        assert objects(archive, noun), noun


def test_nothing_of_another_workspace_and_no_way_in_is_in_the_zip(studio: Studio, database_url: str) -> None:
    mine, theirs = furnish(studio.database), furnish(studio.database, name="Canary & Co", word="Canary")
    desk = Desk(database_url, mine.studio.database, SERVER, mine.studio.clock)
    archive = opened(mine.studio, made(mine.studio, desk))
    every = b"".join(archive.read(name) for name in archive.namelist() if not name.startswith("documents/"))
    assert theirs.studio.workspace_id.encode() not in every
    assert b"Canary" not in every
    ways_in = {"api_keys", "oauth_tokens", "password_links", "portal_links", "portal_sessions", "sessions", "tokens"}
    for noun in exports.nouns():
        assert noun.name not in ways_in
        for column in noun.columns:
            assert not any(word in column for word in exports.SECRET), (noun.name, column)
    for person in mine.studio.people.values():
        assert person.token.encode() not in every


def test_no_cell_is_a_formula(studio: Studio, desk: Desk) -> None:
    with studio.context() as ctx:
        clients.create(ctx, name='=HYPERLINK("http://evil.example")', notes="@SUM(1)")
    archive = opened(studio, made(studio, desk))
    (row,) = [one for one in cells(archive, "clients") if "HYPERLINK" in one["name"]]
    assert (row["name"][0], row["notes"][0]) == ("'", "'")
    (line,) = [one for one in objects(archive, "clients") if "HYPERLINK" in str(one["name"])]
    assert line["name"] == '=HYPERLINK("http://evil.example")'


def test_it_is_made_in_pieces_one_at_a_time_and_told_of(
    studio: Studio, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PIECE", 2000)
    monkeypatch.setattr(exports, "AT_ONCE", 7)
    with studio.context() as ctx:
        for number in range(40):
            time_entries.log(
                ctx, project_id=studio.ids["project"], entry_date=date(2026, 6, 1), duration_seconds=60 + number
            )
    export_id = asked(studio)
    with studio.context() as ctx, pytest.raises(Conflict, match="under way"):
        exports.ask(ctx)
    tasks.export_everything(desk, studio.workspace_id, export_id)
    tasks.export_everything(desk, studio.workspace_id, export_id)  # a job may run twice
    with studio.context() as ctx:
        export = exports.read(ctx, export_id)
        pieces = ctx.select(ExportPiece)
        content = content_of(ctx, export_id)
    assert (export.state, export.progress, export.size) == ("done", 100, len(content))
    assert len(pieces) > 3
    assert max(len(one.content) for one in pieces) <= 2000
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert Counter(one["duration_seconds"] for one in objects(archive, "time_entries")) == Counter(range(60, 100))


def test_one_that_broke_says_so_and_another_may_be_asked_for(
    studio: Studio, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = asked(studio)
    monkeypatch.setattr(exports, "_readme", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.export_everything(desk, studio.workspace_id, export_id)
    with studio.context() as ctx:
        export = exports.read(ctx, export_id)
        assert (export.state, ctx.select(ExportPiece)) == ("failed", [])
        assert "ZeroDivisionError" in str(export.failure)
        exports.ask(ctx)


def test_after_seven_days_the_zip_is_gone(studio: Studio, desk: Desk) -> None:
    export_id = made(studio, desk)
    studio.clock.now += timedelta(days=7)
    tasks.forget_exports(desk)
    with studio.context() as ctx:
        assert ctx.select(ExportPiece) == []
        assert [one.id for one in ctx.select(Export)] == [export_id]


@pytest.mark.parametrize("who", ["admin", "manager", "member"])
def test_it_is_the_owner_s_alone(studio: Studio, who: str) -> None:
    with studio.context(who) as ctx, pytest.raises(Forbidden):
        exports.ask(ctx)


def test_only_an_owner_who_says_their_password_fetches_it(studio: Studio, desk: Desk, tmp_path: Path) -> None:
    for who in ("owner", "admin"):
        give_password(studio, who)
    export_id = made(studio, desk)
    app = app_client(studio.database, studio.clock, tmp_path)

    def fetch(who: str, **fields: str) -> testing.Result:
        signed = signed_in(studio, who)
        given = {"csrf_token": signed.csrf, **fields}
        return app.simulate_post(
            f"/settings/export/{export_id}/zip",
            params=given,
            headers={
                "Cookie": f"tallystick={signed.cookie_secret}",
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body="&".join(f"{name}={value}" for name, value in given.items()),
        )

    assert fetch("owner", password="not+it").status_code == 400
    assert fetch("owner").status_code == 400
    assert fetch("owner", password=PASSWORD.replace(" ", "+"), csrf_token="0" * 64).status_code == 403
    assert fetch("admin", password=PASSWORD.replace(" ", "+")).status_code == 403
    found = fetch("owner", password=PASSWORD.replace(" ", "+"))
    assert (found.status_code, found.headers["content-type"]) == (200, "application/zip")
    with studio.context() as ctx:
        assert found.content == content_of(ctx, export_id)
        told = ctx.connection.execute("SELECT actor_id FROM events WHERE type = 'export.downloaded'").fetchall()
    assert told == [(studio.owner.user_id,)]


def test_an_owner_without_a_password_has_signed_in_just_now(studio: Studio, desk: Desk, tmp_path: Path) -> None:
    """By passkey or by their provider: no password is asked for that nobody has, nor is one left out that there is."""
    give_password(studio, "owner")
    export_id = made(studio, desk)
    owner = Visitor(app_client(studio.database, studio.clock, tmp_path), signed_in(studio, "owner"))
    path = f"/settings/export/{export_id}/zip"
    assert 'name="password"' in owner.see("/settings/export")
    assert owner.post(path).status_code == 400, "who has a password says it, however young the session"
    with studio.context() as ctx:
        ctx.connection.execute("UPDATE people SET password_hash = NULL WHERE id = %s", (studio.owner.user_id,))
    page = owner.see("/settings/export")
    assert (path in page, 'name="password"' in page) == (True, False)
    found = owner.post(path)
    assert (found.status_code, found.headers["content-type"]) == (200, "application/zip")
    studio.clock.now += timedelta(minutes=10)
    page = owner.see("/settings/export")
    again = "/sign-in?again=yes&next=%2Fsettings%2Fexport"
    assert (path in page, again.replace("&", "&amp;") in page) == (False, True)
    late = owner.post(path)
    assert (late.status_code, late.headers["Location"]) == (303, again)
    assert 'name="next" value="/settings/export"' in owner.see(again), "who is signed in can sign in again"


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_the_page_says_when_it_is_ready_without_being_loaded_again(
    studio: Studio, database_url: str, tmp_path: Path
) -> None:
    give_password(studio, "owner")
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        page = come_in(chromium.new_context(viewport=DESK, locale="en-GB"), server, studio)
        watched = Watched(page, server)
        page.goto(f"{server}/settings/export")
        page.get_by_role("button", name="Export everything").click()
        page.get_by_text("Waits for its turn").wait_for()
        page.evaluate("window.untouched = true")
        with studio.context() as ctx:
            (export,) = exports.listed(ctx)
        tasks.export_everything(Desk(database_url, studio.database, SERVER, utc_now), studio.workspace_id, export.id)
        page.get_by_label("Your password").fill(PASSWORD)
        page.locator("#said").get_by_text("Ready").wait_for()
        assert page.evaluate("window.untouched")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert zipfile.is_zipfile(download.value.path())
        assert watched.wrong == []
