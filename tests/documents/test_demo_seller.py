"""The demo's studio has all that the profiles ask of a seller, and clients that are ready for each."""

from __future__ import annotations

import pytest

from tallystick.demo import nordlicht
from tallystick.domain import clients, workspaces
from tallystick.domain.invoices import conformity
from tests.studio import Studio


@pytest.mark.parametrize("client", [one for one in nordlicht.CLIENTS if one.facts.get("einvoice_profile")])
def test_the_clients_of_the_demo_are_ready_for_their_profiles(studio: Studio, client: nordlicht.Client) -> None:
    with studio.context() as ctx:
        workspaces.change(ctx, **nordlicht.SETTINGS)
        made = clients.create(ctx, name=client.name, currency=client.currency, **client.facts)
    with studio.context() as ctx:
        ask = conformity.readiness(ctx, made.id)
    (chosen,) = [one for one in ask() if one.chosen]
    assert chosen.problems == []


def test_there_is_a_client_for_each_of_the_profiles_that_ask_for_most() -> None:
    assert {"cii", "xrechnung", "peppol"} <= {one.facts.get("einvoice_profile") for one in nordlicht.CLIENTS}
