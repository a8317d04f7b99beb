"""Me, the organization and its members (contract hoursmith 2.1 to 2.3)."""

from __future__ import annotations

import pytest

from tests.conformance.lists import (
    Listed,
    assert_defaults,
    assert_empty_parameters_are_no_filter,
    assert_exact,
    assert_ranges,
    assert_sorted,
    assert_sorts_are,
    assert_wrong_filters_are_named,
    directions,
)
from tests.conformance.world import (
    AT,
    COUNT,
    CURRENCY,
    FLAG,
    ID,
    NOBODY,
    ON,
    PRICE,
    TEXT,
    Form,
    World,
    assert_shape,
    invalid,
    listed,
    refused,
)

ROLES = ("OWNER", "ADMIN", "MANAGER", "MEMBER")
ME = {
    "orgId": ID, "orgName": TEXT, "plan": Form(("studio", "agency")), "role": Form(ROLES), "tokenName": TEXT,
    "scopes": Form(list), "projectIds": Form(list),
}  # fmt: skip
ORGANIZATION = {
    "id": ID, "name": TEXT, "plan": Form(("free", "studio", "agency")), "defaultCurrency": Form(CURRENCY),
    "invoicePrefix": TEXT, "legalName": TEXT | None, "taxId": TEXT | None, "businessEmail": TEXT | None,
    "businessWebsite": TEXT | None, "createdAt": AT,
    "businessPhone": TEXT | None, "businessAddress": TEXT | None, "businessLine1": TEXT | None,
    "businessLine2": TEXT | None, "businessCity": TEXT | None, "businessPostalCode": TEXT | None,
    "businessRegion": TEXT | None, "countryCode": TEXT | None, "registration": TEXT | None, "taxNumber": TEXT | None,
    "contactName": TEXT | None, "endpointScheme": TEXT | None, "endpoint": TEXT | None,
    "taxLabel": TEXT | None, "defaultTaxRate": PRICE | None, "pricesIncludeTax": FLAG,
    "invoiceLayout": TEXT, "invoicePaper": TEXT, "brandColor": TEXT, "invoiceFooter": TEXT | None, "language": TEXT,
    "locale": TEXT | None, "iban": TEXT | None, "bic": TEXT | None, "bankName": TEXT | None,
    "accountHolder": TEXT | None, "paymentInstructions": TEXT | None, "weeklyCapacityHours": PRICE,
    "weekStart": TEXT, "approveWeeks": FLAG, "lockSubmittedWeeks": FLAG, "billApprovedOnly": FLAG,
    "lockedUntil": ON | None, "lockMonthAfterDays": COUNT | None,
}  # fmt: skip
MEMBER = {
    "id": ID, "orgId": ID, "userId": ID, "role": Form(ROLES), "name": TEXT, "email": TEXT, "createdAt": AT,
    "weeklyCapacityHours": PRICE | None,
}  # fmt: skip
MEMBERS = Listed("/members", ("createdAt", "id", "role"), search=("name", "email"), choices={"role": ROLES})


@pytest.mark.parametrize("who", ["owner", "admin", "manager", "member"])
def test_me_is_the_member_the_token_acts_as(world: World, who: str) -> None:
    me = world.api(who).get("/me")
    assert_shape(me, ME)
    assert me["orgId"] == world.studio.workspace_id
    assert me["orgName"] == world.studio.name
    assert me["role"] == world.studio.people[who].role
    assert me["tokenName"] == f"{who}'s token"
    assert me["scopes"] == ["read", "write"]


def test_me_lists_the_projects_a_member_is_limited_to_and_none_for_the_manage_tier(world: World) -> None:
    assert world.api("member").get("/me")["projectIds"] == [world.studio.ids["project"]]
    assert world.api("second").get("/me")["projectIds"] == []
    assert world.api("manager").get("/me")["projectIds"] == []


@pytest.mark.parametrize("who", ["owner", "admin", "manager"])
def test_the_manage_tier_reads_the_organization(world: World, who: str) -> None:
    organization = world.api(who).get("/organization")
    assert_shape(organization, ORGANIZATION)
    assert organization["id"] == world.studio.workspace_id
    assert organization["plan"] == "agency"
    assert organization["defaultCurrency"] == "EUR"


def test_a_member_does_not_read_the_organization(world: World) -> None:
    refused(world.api("member")("GET", "/organization"), 403, "forbidden_scope")


SETTINGS = {
    "name": "Studio North", "legalName": "Studio North GmbH", "taxId": "DE815204334",
    "businessEmail": "hello@north.example", "businessWebsite": "https://north.example", "businessPhone": "+49 40 555",
    "businessAddress": None, "businessLine1": "Kai 1", "businessLine2": "3rd floor", "businessCity": "Hamburg",
    "businessPostalCode": "20457", "businessRegion": "HH", "countryCode": "DE", "registration": "HRB 1",
    "taxNumber": "41/765/02231", "contactName": "Ines", "endpointScheme": "9930", "endpoint": "DE815204334",
    "taxLabel": "USt.", "defaultTaxRate": "19.00", "pricesIncludeTax": False,
    "invoiceLayout": "modern", "invoicePaper": "LETTER", "brandColor": "#b0413e", "invoiceFooter": "Kai 1",
    "language": "de", "locale": "de_AT", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "bankName": "Bank",
    "accountHolder": "North", "paymentInstructions": "By transfer",
}  # fmt: skip


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_owner_and_admin_change_the_organization(world: World, who: str) -> None:
    changed = world.api(who)("PATCH", "/organization", SETTINGS)
    assert changed.status_code == 200
    assert_shape(changed.json["data"], ORGANIZATION)
    read = world.api("manager").get("/organization")
    assert {name: read[name] for name in SETTINGS} == SETTINGS


@pytest.mark.parametrize("who", ["manager", "member"])
def test_nobody_else_changes_the_organization(world: World, who: str) -> None:
    refused(world.api(who)("PATCH", "/organization", {"name": "Mine"}), 403, "forbidden_scope")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"countryCode": "de"}, "countryCode"),
        ({"endpointScheme": "9930"}, "endpointScheme"),
        ({"endpoint": "DE815204334"}, "endpoint"),
        ({"endpointScheme": "VAT", "endpoint": "DE815204334"}, "endpointScheme"),
        ({"name": None}, "name"),
    ],
)
def test_wrong_settings_are_named(world: World, body: dict[str, object], field: str) -> None:
    world.api()("PATCH", "/organization", {"endpoint": None, "endpointScheme": None})
    invalid(world.api()("PATCH", "/organization", body), field)


def test_an_electronic_address_goes_as_a_whole(world: World) -> None:
    assert world.api()("PATCH", "/organization", SETTINGS).status_code == 200
    invalid(world.api()("PATCH", "/organization", {"endpoint": None}), "endpoint")
    gone = world.api()("PATCH", "/organization", {"endpoint": None, "endpointScheme": None})
    assert gone.json["data"]["endpoint"] is None


def test_members_show_the_person_and_their_role(world: World) -> None:
    everyone = listed(world.api(), "/members")
    for member in everyone:
        assert_shape(member, MEMBER)
    assert {(m["id"], m["userId"], m["role"], m["email"]) for m in everyone} == {
        (p.member_id, p.user_id, p.role, p.email) for p in world.studio.people.values()
    }
    assert {m["name"] for m in everyone} == {"Owner", "Admin", "Manager", "Member", "Second"}


def test_one_member_is_found_by_membership_id_not_by_user_id(world: World) -> None:
    member = world.studio.people["member"]
    found = world.api().get(f"/members/{member.member_id}")
    assert_shape(found, MEMBER)
    assert (found["userId"], found["email"]) == (member.user_id, member.email)
    refused(world.api()("GET", f"/members/{member.user_id}"), 404, "not_found")
    refused(world.api()("GET", f"/members/{NOBODY}"), 404, "not_found")


def test_a_member_sees_only_their_own_record(world: World) -> None:
    own = world.studio.people["member"]
    assert [m["id"] for m in listed(world.api("member"), "/members")] == [own.member_id]
    assert listed(world.api("member"), "/members", search="Owner") == []
    assert world.api("member").get(f"/members/{own.member_id}")["role"] == "MEMBER"
    for who in ("owner", "second"):
        path = f"/members/{world.studio.people[who].member_id}"
        refused(world.api("member")("GET", path), 404, "not_found")


def test_members_of_another_workspace_are_not_found(world: World, stranger: World) -> None:
    refused(world.api()("GET", f"/members/{stranger.studio.owner.member_id}"), 404, "not_found")


@pytest.mark.parametrize("sort", directions(MEMBERS))
def test_members_come_in_the_order_asked_for(world: World, sort: str) -> None:
    assert_sorted(world.api(), MEMBERS, sort)


def test_members_filter_as_documented(world: World) -> None:
    every = listed(world.api(), "/members")
    assert_defaults(world.api(), MEMBERS)
    assert_sorts_are(world.api(), MEMBERS)
    assert_exact(world.api(), MEMBERS, every)
    assert_ranges(world.api(), MEMBERS, every)
    assert_wrong_filters_are_named(world.api(), MEMBERS)
    assert_empty_parameters_are_no_filter(world.api(), MEMBERS, every)


def test_members_are_searched_by_name_and_by_email(world: World) -> None:
    for text in ("SECOND", "econ", world.studio.people["second"].email.upper()):
        assert [m["name"] for m in listed(world.api(), "/members", search=text)] == ["Second"]
    assert listed(world.api(), "/members", search="%") == []


def test_who_left_is_no_member_and_their_token_is_dead(fresh: World) -> None:
    from tallystick.domain import members, time_entries

    second = fresh.studio.people["second"]
    with fresh.studio.context() as ctx:
        time_entries.let_go(ctx, members.active(ctx, second.user_id))
    assert second.member_id not in {m["id"] for m in listed(fresh.api(), "/members")}
    refused(fresh.api()("GET", f"/members/{second.member_id}"), 404, "not_found")
    refused(fresh.api("second")("GET", "/me"), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/me", "/organization"])
def test_what_takes_no_parameters_names_those_it_gets(world: World, path: str) -> None:
    refused(world.api()("GET", path, query_string="limit=1"), 422, "validation_error", limit="unknown")
