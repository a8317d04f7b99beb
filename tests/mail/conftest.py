"""A studio whose mail goes to a real mail server on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network

import pytest

from tallystick.domain.context import Context, Server, open_workspace
from tallystick.domain.mails import delivery
from tallystick.domain.mails.mail import Mail
from tallystick.jobs import tasks
from tallystick.jobs.desk import Desk
from tallystick.outgoing.smtp import SmtpPost
from tallystick.values.letter import Sender
from tests.mail.postbox import Certificates, Postbox, make_certificates, postbox
from tests.studio import SERVER, Studio

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as made:
        yield made


@dataclass
class Office:
    """A studio, its mail server, and a worker's desk."""

    studio: Studio
    box: Postbox
    desk: Desk

    @property
    def server(self) -> Server:
        return self.desk.server

    @contextlib.contextmanager
    def context(self, who: str = "owner") -> Generator[Context]:
        with self.studio.database.transaction() as connection:
            open_workspace(connection, self.studio.workspace_id)
            yield Context(self.studio.actor(who), connection, self.studio.clock, self.server)

    def send(self, mail: Mail) -> Exception | None:
        """Do the job of a mail once; what it raised."""
        try:
            tasks.send_mail(self.desk, self.studio.workspace_id, mail.id)
        except (delivery.TryLater, delivery.Failed) as error:
            return error
        return None

    def again(self, mail: Mail) -> Mail:
        """A mail as it is now."""
        with self.context() as ctx:
            return ctx.find(Mail, mail.id)


def server_at(box: Postbox, **facts: object) -> Server:
    """What is lent to verbs, with mail going there."""
    sender = Sender(host="127.0.0.1", port=box.port, tls="none", from_address="tally@server.example")
    return replace(SERVER, post=SmtpPost(LOOPBACK), sender=sender, **facts)  # type: ignore[arg-type]


@pytest.fixture
def office(studio: Studio, box: Postbox, database_url: str) -> Office:
    return Office(studio, box, Desk(database_url, studio.database, server_at(box), studio.clock))
