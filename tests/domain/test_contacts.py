"""Contacts: people at a client, one of them primary, each address once."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import clients, contacts
from tallystick.domain.clients import Client
from tallystick.domain.contacts import CONTACTS, Contact
from tallystick.values.errors import Absent, Conflict, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk
from tests.studio import Studio

JUN = {"first_name": "Jun", "last_name": "Sato", "email": "Jun@Globex.example "}
MAX = {"first_name": "Max", "last_name": "Mora", "email": "max@globex.example"}


@pytest.fixture
def jun(desk: Desk) -> Contact:
    return desk.do(contacts.create, client_id=desk["client"], **JUN, phone="+49 40 1", job_position="CTO")


def test_the_first_one_is_primary_and_the_client_is_written_to_there(desk: Desk, jun: Contact):
    assert (jun.name, jun.email, jun.is_primary, jun.job_position) == ("Jun Sato", "jun@globex.example", True, "CTO")
    client = desk.find(Client, desk["client"])
    assert (client.contact_name, client.email) == ("Jun Sato", "jun@globex.example")
    second = desk.do(contacts.create, client_id=desk["client"], **MAX)
    assert not second.is_primary
    assert desk.find(Client, desk["client"]).contact_name == "Jun Sato"
    assert desk.events(jun.id) == ["contact.created"]
    assert desk.page(CONTACTS, ("first_name",), client_id=desk["client"], sort="last_name") == [("Max",), ("Jun",)]


def test_another_one_becomes_primary(desk: Desk, jun: Contact):
    second = desk.do(contacts.create, client_id=desk["client"], **MAX)
    assert desk.do(contacts.make_primary, second.id).is_primary
    assert not desk.find(Contact, jun.id).is_primary
    assert desk.find(Client, desk["client"]).email == "max@globex.example"
    assert desk.events(second.id) == ["contact.created", "contact.made_primary"]
    desk.do(contacts.make_primary, second.id)
    assert desk.events(second.id)[-1:] == ["contact.made_primary"], "to say it again changes nothing"
    assert len(desk.events(second.id)) == 2


def test_a_changed_primary_contact_changes_where_the_client_is_written_to(desk: Desk, jun: Contact):
    second = desk.do(contacts.create, client_id=desk["client"], **MAX)
    desk.do(contacts.change, jun.id, last_name="Ito", email="jun@ito.example", phone=None)
    desk.do(contacts.change, second.id, first_name="Maximilian")
    client = desk.find(Client, desk["client"])
    assert (client.contact_name, client.email) == ("Jun Ito", "jun@ito.example")
    assert desk.find(Contact, jun.id).phone is None


def test_an_address_is_taken_by_contacts_and_by_people_of_the_workspace(desk: Desk, jun: Contact, other_studio: Studio):
    for taken in ("JUN@globex.example", desk.studio.owner.email):
        with pytest.raises(Invalid) as refused:
            desk.do(contacts.create, client_id=desk["other_client"], **{**MAX, "email": taken})
        assert refused.value.fields == {"email": "has already been taken"}
    second = desk.do(contacts.create, client_id=desk["client"], **MAX)
    with pytest.raises(Invalid):
        desk.do(contacts.change, second.id, email="jun@globex.example")
    assert desk.do(contacts.change, second.id, email="MAX@globex.example").email == "max@globex.example"
    with other_studio.context() as ctx:
        contacts.create(ctx, client_id=other_studio.ids["client"], **JUN)


def test_the_primary_one_goes_last(desk: Desk, jun: Contact):
    second = desk.do(contacts.create, client_id=desk["client"], **MAX)
    with pytest.raises(Conflict, match="primary contact"):
        desk.do(contacts.delete, jun.id)
    desk.do(contacts.delete, second.id)
    desk.do(contacts.delete, jun.id)
    with pytest.raises(NotFound):
        desk.do(contacts.read, jun.id)
    assert desk.do(contacts.create, client_id=desk["client"], **JUN).is_primary, "the address is free again"


def test_they_go_with_their_client(desk: Desk):
    client = desk.do(clients.create, name="Hooli")
    made = desk.do(contacts.create, client_id=client.id, **JUN)
    desk.do(clients.delete, client.id)
    with pytest.raises(NotFound):
        desk.do(contacts.read, made.id)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"first_name": " "}, "first_name"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"email": "nobody"}, "email"),
        ({"email": "@globex.example"}, "email"),
    ],
)
def test_what_cannot_be_is_refused(desk: Desk, facts: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        desk.do(contacts.create, client_id=desk["client"], **{**JUN, **facts})
    assert list(refused.value.fields) == [field]


def test_members_neither_read_nor_change_them(desk: Desk, jun: Contact):
    for verb, words, facts in (
        (contacts.create, (), {"client_id": desk["client"], **MAX}),
        (contacts.read, (jun.id,), {}),
        (contacts.change, (jun.id,), {"first_name": "x"}),
        (contacts.make_primary, (jun.id,), {}),
        (contacts.delete, (jun.id,), {}),
    ):
        with pytest.raises(Forbidden):
            desk.do(verb, *words, who="member", **facts)


def test_a_client_that_is_not_there_has_none(desk: Desk, other_studio: Studio):
    with pytest.raises(Absent):
        desk.do(contacts.create, client_id=other_studio.ids["client"], **JUN)
