"""Pinned work: first where a timer is started, one click on Home, in the order of whose it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick.domain import pins, projects, time_entries
from tallystick.domain.desk import shell
from tallystick.values.errors import Conflict, NotFound
from tests.app.conftest import Pages
from tests.app.test_browser import CHROMIUM, DESK, Watched, browser, come_in
from tests.live import live_server


def names(pages: Pages, who: str = "owner") -> list[str]:
    with pages.studio.context(who) as ctx:
        return [one.task or one.project for one in pins.pinned(ctx)]


def test_pins_stand_first_in_their_order_and_are_ones_own(pages: Pages) -> None:
    ids, owner = pages.ids, pages["owner"]
    for work in ("spare", "hidden_project", "project"):
        owner.do("/timer/pin", {"work": ids[work], "pinned": "yes"})
    owner.do("/timer/pin", {"work": ids["project"], "pinned": "yes"})
    assert names(pages) == ["Spare task", "Rollout", "Website"]
    owner.do("/timer/pins", {"up": ids["project"]})
    assert names(pages) == ["Spare task", "Website", "Rollout"]
    owner.do("/timer/pins", {"order": [ids["hidden_project"], ids["spare"]]})
    assert names(pages) == ["Rollout", "Spare task", "Website"]
    options = re.findall(r'data-place="([^"]+)"', owner.see("/timer/options"))
    assert options[:3] == [ids["hidden_project"], f"{ids['project']}:{ids['spare']}", ids["project"]]
    assert names(pages, "member") == []
    assert pages["member"].post("/timer/pin", {"work": ids["hidden_project"]}).status_code == 404
    owner.do("/timer/pin", {"work": ids["spare"], "pinned": "no"})
    assert names(pages) == ["Rollout", "Website"]
    with pages.studio.context() as ctx:
        with pytest.raises(NotFound):
            pins.unpin(ctx, ids["spare"])
        projects.change(ctx, ids["project"], status="ARCHIVED")
        assert [one.project for one in pins.pinned(ctx)] == ["Rollout"], "what is at rest waits"
        assert [place.id for place in shell.places(ctx) if place.pinned] == [ids["hidden_project"]]


def test_the_api_pins_moves_and_unpins(pages: Pages) -> None:
    studio, ids = pages.studio, pages.ids
    headers = {"Authorization": f"Bearer {studio.owner.token}"}

    def ask(method: str, path: str, **more: object) -> object:
        return pages.app.simulate_request(method, f"/api/v1{path}", headers=headers, **more)

    for _ in range(2):
        assert ask("PUT", f"/pinned-work/{ids['task']}", json={}).json["data"]["position"] == 1
    first = ask("PUT", f"/pinned-work/{ids['project']}", json={"position": 1})
    assert first.json["data"] | {"createdAt": ""} == {
        "id": ids["project"], "projectId": ids["project"], "taskId": None, "projectName": "Website", "taskName": None,
        "position": 1, "createdAt": "",
    }  # fmt: skip
    assert [one["id"] for one in ask("GET", "/pinned-work").json["data"]] == [ids["project"], ids["task"]]
    assert ask("DELETE", f"/pinned-work/{ids['project']}").status_code == 204
    assert ask("DELETE", f"/pinned-work/{ids['project']}").status_code == 404
    assert ask("PUT", f"/pinned-work/{ids['client']}", json={}).status_code == 404
    assert [one["position"] for one in ask("GET", "/pinned-work").json["data"]] == [1]


def test_fifty_pins_are_enough(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "MOST", 1)
    with pages.studio.context() as ctx:
        pins.pin(ctx, pages.ids["project"])
        with pytest.raises(Conflict) as refused:
            pins.pin(ctx, pages.ids["task"])
    assert refused.value.reason == "too_many_pins"


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_pins_are_put_in_order_by_keys_and_start_with_one_click(
    pages: Pages, database_url: str, tmp_path: Path
) -> None:
    with pages.studio.context() as ctx:
        for work in ("project", "hidden_project", "spare"):
            pins.pin(ctx, pages.ids[work])
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        page = come_in(chromium.new_context(viewport=DESK, locale="en-GB"), server, pages.studio)
        watched = Watched(page, server)
        page.get_by_role("button", name="Move Spare task").focus()
        for _ in range(2):
            with page.expect_response("**/timer/pins"):
                page.keyboard.press("ArrowUp")
        assert names(pages) == ["Spare task", "Website", "Rollout"]
        grip = page.get_by_role("button", name="Move Rollout").bounding_box()
        first = page.locator("pin-list li").first.bounding_box()
        page.mouse.move(grip["x"] + 5, grip["y"] + 5)
        page.mouse.down()
        page.mouse.move(grip["x"] + 5, first["y"] + 2, steps=4)
        with page.expect_response("**/timer/pins"):
            page.mouse.up()
        assert names(pages) == ["Rollout", "Spare task", "Website"]
        page.locator("pin-list .option", has_text="Rollout").click()
        page.locator("work-timer").get_by_text("Rollout").wait_for()
        with pages.studio.context() as ctx:
            assert time_entries.running(ctx).project_id == pages.ids["hidden_project"]
        assert watched.wrong == []
