"""How often one may ask: what the headers say is true, what is refused is told when to come back, and may."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.auth.rate_limits import RateLimits
from tallystick.db.session import Database
from tallystick.domain import workspaces
from tallystick.main import build
from tallystick.settings import Settings
from tests.studio import KEY, Api, Studio, app_client

LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
CLIENT = "198.51.100.7"


def limited(studio: Studio, data: Path, **limits: int) -> testing.TestClient:
    return app_client(studio.database, studio.clock, data, **limits)


def planned(studio: Studio, data: Path, *, trusted: tuple[str, ...] = (), address: int = 10) -> testing.TestClient:
    """The app with the limits of the plans."""
    settings = Settings(
        data=data, rate_limit_address=address, trusted_proxies=tuple(ipaddress.ip_network(one) for one in trusted)
    )
    limits = RateLimits(data / "limits", clock=lambda: studio.clock().timestamp())
    return testing.TestClient(build(settings, studio.database, KEY, clock=studio.clock, limits=limits))


def remaining(result: testing.Result) -> int:
    return int(result.headers["X-RateLimit-Remaining"])


def later(studio: Studio, seconds: float) -> None:
    studio.clock.now += timedelta(seconds=seconds)


def assert_refused(result: testing.Result) -> int:
    """The 429 of the contract; answers Retry-After."""
    assert result.status_code == 429
    error = result.json["error"]
    assert (error["code"], error["message"]) == ("rate_limited", "Too many requests.")
    assert error["requestId"] == result.headers["X-Request-Id"]
    assert result.headers["Retry-After"].isdigit()
    assert int(result.headers["Retry-After"]) >= 1
    for name in LIMIT_HEADERS:
        assert name in result.headers
    return int(result.headers["Retry-After"])


def test_every_answer_says_the_limits(studio: Studio, tmp_path: Path) -> None:
    app = limited(studio, tmp_path, burst=50, sustained=100, address=100)
    api = Api(app, studio.owner.token)
    client = studio.ids["client"]
    answers = {
        200: api("GET", "/me"),
        201: api("POST", "/clients", {"name": "x"}),
        204: api("DELETE", f"/clients/{api.post('/clients', {'name': 'y'})['id']}"),
        400: api("POST", "/clients", body="{"),
        403: Api(app, studio.people["member"].token)("GET", "/clients"),
        404: api("GET", "/nothing"),
        405: api("PUT", f"/clients/{client}"),
        409: api("DELETE", f"/clients/{client}"),
        413: api("POST", "/clients", body="x" * 2_000_000),
        415: api("POST", "/clients", body="x", headers={"Content-Type": "text/plain"}),
        422: api("POST", "/clients", {}),
        401: Api(app, "hsk_live_wrong")("GET", "/me"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        for name in LIMIT_HEADERS:
            assert answer.headers.get(name, "").isdigit(), f"{name} of a {status}"
        assert answer.headers["X-RateLimit-Limit"] == "100"
        assert "RateLimit-Policy" in answer.headers
        assert "RateLimit" in answer.headers


def test_remaining_falls_by_one_for_every_call_whatever_came_of_it(studio: Studio, tmp_path: Path) -> None:
    api = Api(limited(studio, tmp_path, burst=0, sustained=50), studio.owner.token)
    left = remaining(api("GET", "/me"))
    assert left == 49
    asked: tuple[tuple[str, str, Any], ...] = (
        ("GET", "/clients", None), ("GET", "/nothing", None), ("POST", "/clients", {}), ("PUT", "/me", None),
        ("HEAD", "/me", None), ("POST", "/clients", {"name": "x"}), ("GET", "/me", None),
    )  # fmt: skip
    for method, path, body in asked:
        left -= 1
        assert remaining(api(method, path, body)) == left


def test_replays_count_too(studio: Studio, tmp_path: Path) -> None:
    api = Api(limited(studio, tmp_path, sustained=50), studio.owner.token)
    headers = {"Idempotency-Key": "same"}
    first = api("POST", "/clients", {"name": "x"}, headers=headers)
    second = api("POST", "/clients", {"name": "x"}, headers=headers)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert remaining(second) == remaining(first) - 1


@pytest.mark.parametrize(("limits", "count", "window"), [({"burst": 5}, 5, 10), ({"sustained": 7}, 7, 60)])
def test_after_retry_after_the_next_call_passes(
    studio: Studio, tmp_path: Path, limits: dict[str, int], count: int, window: int
) -> None:
    api = Api(limited(studio, tmp_path, **limits), studio.owner.token)
    for _ in range(3):
        for _ in range(count):
            assert api("GET", "/me").status_code == 200
        wait = assert_refused(api("GET", "/me"))
        assert wait <= window
        later(studio, wait - 1)
        assert_refused(api("GET", "/me"))
        later(studio, 1)


def test_reset_is_when_the_quota_is_full_again(studio: Studio, tmp_path: Path) -> None:
    api = Api(limited(studio, tmp_path, sustained=3), studio.owner.token)
    for _ in range(3):
        last = api("GET", "/me")
    reset = int(last.headers["X-RateLimit-Reset"])
    assert 0 < reset - studio.clock.now.timestamp() <= 60
    later(studio, reset - studio.clock.now.timestamp())
    assert remaining(api("GET", "/me")) == 2


def test_a_burst_does_not_use_up_the_minute(studio: Studio, tmp_path: Path) -> None:
    api = Api(limited(studio, tmp_path, burst=3, sustained=5), studio.owner.token)
    assert [api("GET", "/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = api("GET", "/me")
    assert refused.json["error"]["reason"] == "burst"
    assert refused.headers["X-RateLimit-Limit"] == "5"
    assert remaining(refused) == 2, "refused calls are not counted"
    later(studio, 10)
    assert [api("GET", "/me").status_code for _ in range(3)] == [200, 200, 429]
    last = api("GET", "/me")
    assert (last.json["error"]["reason"], remaining(last)) == ("sustained", 0)


def test_a_refused_call_writes_nothing(studio: Studio, tmp_path: Path) -> None:
    app = limited(studio, tmp_path, sustained=2)
    api = Api(app, studio.owner.token)
    before = len(api.get("/clients"))
    api.get("/me")
    headers = {"Idempotency-Key": "later"}
    wait = assert_refused(api("POST", "/clients", {"name": "x"}, headers=headers))
    later(studio, wait)
    assert len(api.get("/clients")) == before
    again = api("POST", "/clients", {"name": "x"}, headers=headers)
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, None)


def test_a_call_over_the_limit_is_refused_also_when_its_workspace_changed_meanwhile(
    studio: Studio, tmp_path: Path
) -> None:
    """The refusal comes before it is found out that who asks is not quite who they were; then it is asked anew."""
    api = Api(limited(studio, tmp_path, sustained=2), studio.owner.token)
    assert [api("GET", "/me").status_code for _ in range(2)] == [200, 200]
    with studio.context() as ctx:
        workspaces.change(ctx, name="Studio South")
    assert_refused(api("POST", "/clients", {"name": "x"}))


def test_each_token_has_its_own_quota(studio: Studio, tmp_path: Path) -> None:
    app = limited(studio, tmp_path, sustained=1)
    for who in ("owner", "admin", "member"):
        api = Api(app, studio.people[who].token)
        assert [api("GET", "/me").status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(("plan", "burst", "sustained"), [("studio", 30, 600), ("agency", 60, 1200)])
def test_the_plan_says_how_much(studio: Studio, tmp_path: Path, plan: str, burst: int, sustained: int) -> None:
    with studio.context() as ctx:
        ctx.change(workspaces.current(ctx), plan=plan)
    api = Api(planned(studio, tmp_path), studio.owner.token)
    first = api("GET", "/me")
    assert first.headers["X-RateLimit-Limit"] == str(sustained)
    assert remaining(first) == sustained - 1
    assert [api("GET", "/me").status_code for _ in range(burst)] == [200] * (burst - 1) + [429]


def test_a_workspace_without_the_api_is_told_its_limits_too(studio: Studio, tmp_path: Path) -> None:
    with studio.context() as ctx:
        ctx.change(workspaces.current(ctx), plan="free")
    answer = Api(planned(studio, tmp_path), studio.owner.token)("GET", "/me")
    assert answer.status_code == 402
    assert "X-RateLimit-Limit" in answer.headers


def test_failed_credentials_count_per_address_and_a_valid_token_passes_from_anywhere(
    studio: Studio, tmp_path: Path
) -> None:
    app = planned(studio, tmp_path)

    def knock(token: str | None, address: str = CLIENT) -> testing.Result:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return app.simulate_get("/api/v1/me", headers=headers, remote_addr=address)

    answers = [knock(token) for token in (None, "hsk_live_x", studio.owner.token + "0") * 3]
    answers.append(knock(None))
    assert [answer.status_code for answer in answers] == [401] * 10
    assert [remaining(answer) for answer in answers] == list(range(9, -1, -1))
    assert answers[0].headers["X-RateLimit-Limit"] == "10"
    wait = assert_refused(knock(None))
    assert_refused(knock("hsk_live_x"))
    assert knock(studio.owner.token).status_code == 200
    assert knock(None, "198.51.100.8").status_code == 401
    later(studio, wait)
    assert knock(None).status_code == 401


def test_unknown_paths_and_large_bodies_without_a_token_count_as_failed_credentials(
    studio: Studio, tmp_path: Path
) -> None:
    app = planned(studio, tmp_path, address=3)
    first = app.simulate_get("/api/v1/nothing", remote_addr=CLIENT)
    second = app.simulate_post("/api/v1/clients", body="x" * 2_000_000, remote_addr=CLIENT)
    third = app.simulate_delete("/api/v1/me", remote_addr=CLIENT)
    assert [answer.status_code for answer in (first, second, third)] == [401] * 3
    assert_refused(app.simulate_get("/api/v1/me", remote_addr=CLIENT))


def test_one_ipv6_subscriber_is_one_address(studio: Studio, tmp_path: Path) -> None:
    app = planned(studio, tmp_path, address=2)
    same = ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::1")
    assert [app.simulate_get("/api/v1/me", remote_addr=one).status_code for one in same] == [401, 401, 429]
    assert app.simulate_get("/api/v1/me", remote_addr="2001:db8:1:3::1").status_code == 401


def forwarded(app: testing.TestClient, chain: str, peer: str = "10.0.0.1") -> int:
    return app.simulate_get("/api/v1/me", headers={"X-Forwarded-For": chain}, remote_addr=peer).status_code


def test_a_stranger_cannot_say_whom_they_forward(studio: Studio, tmp_path: Path) -> None:
    app = planned(studio, tmp_path, address=2)
    chains = ("203.0.113.1", "203.0.113.2", "203.0.113.3")
    assert [forwarded(app, chain, CLIENT) for chain in chains] == [401, 401, 429]


def test_a_trusted_proxy_says_whom_it_forwards_and_only_its_own_word_counts(studio: Studio, tmp_path: Path) -> None:
    app = planned(studio, tmp_path, address=2, trusted=("10.0.0.0/8",))
    assert [forwarded(app, "203.0.113.1") for _ in range(3)] == [401, 401, 429]
    assert forwarded(app, "203.0.113.2") == 401
    # What a client writes into the header itself stands before what the proxy appends.
    assert forwarded(app, "203.0.113.99, 203.0.113.1") == 429
    assert forwarded(app, "203.0.113.1, 10.0.0.9") == 429
    assert forwarded(app, "203.0.113.1, 203.0.113.3") == 401


@pytest.mark.parametrize(
    "chain", ["", " ", ",", "unknown", "not-an-address", "::ffff:10.0.0.1", "203.0.113.1:80", "x" * 9000]
)
def test_a_header_that_makes_no_sense_is_no_way_around(studio: Studio, tmp_path: Path, chain: str) -> None:
    app = planned(studio, tmp_path, address=2, trusted=("10.0.0.0/8",))
    assert [forwarded(app, chain) for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/openapi.json"])
def test_health_and_documents_are_not_counted(studio: Studio, tmp_path: Path, path: str) -> None:
    app = planned(studio, tmp_path, address=1)
    for _ in range(5):
        answer = app.simulate_get(path, remote_addr=CLIENT)
        assert answer.status_code == 200
        assert "X-RateLimit-Limit" not in answer.headers
    assert app.simulate_get("/api/v1/me", remote_addr=CLIENT).status_code == 401


def test_zero_is_no_limit_and_says_nothing(studio: Studio, tmp_path: Path) -> None:
    api = Api(limited(studio, tmp_path, burst=0, sustained=0, address=0), studio.owner.token)
    for _ in range(100):
        answer = api("GET", "/me")
        assert answer.status_code == 200
        assert not [name for name in answer.headers if "ratelimit" in name.lower()]
    for _ in range(20):
        assert Api(api._client, "nothing")("GET", "/me").status_code == 401


def test_a_preflight_is_not_counted(studio: Studio, tmp_path: Path) -> None:
    app = limited(studio, tmp_path, sustained=1, address=1)
    for _ in range(5):
        assert app.simulate_options("/api/v1/clients", remote_addr=CLIENT).status_code == 204
    assert Api(app, studio.owner.token)("GET", "/me").status_code == 200


def test_quotas_are_shared_by_the_processes_of_a_machine(studio: Studio, database: Database, tmp_path: Path) -> None:
    workers = [Api(limited(studio, tmp_path, sustained=4), studio.owner.token) for _ in range(2)]
    assert [workers[number % 2]("GET", "/me").status_code for number in range(5)] == [200] * 4 + [429]
