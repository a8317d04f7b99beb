"""A letter on its way: handed over once, tried again when that makes sense, and honest about what nobody knows."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tallystick.domain.mails import delivery
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Mail, Words
from tallystick.values.errors import Conflict, Invalid
from tests.mail.conftest import Office


def letter(office: Office, **facts: object) -> Mail:
    given = {"to": ["ada@client.example"], "subject": "Hello", "words": Words(text="Good day.\n\nYours"), **facts}
    with office.context() as ctx:
        return mails.enqueue(ctx, "invoice", **given)  # type: ignore[arg-type]


def test_a_letter_is_delivered_as_text_and_html(office: Office) -> None:
    words = Words(
        text="Good day <Ada> & all,\n\nsee https://x.example/i/abc.", link="https://x.example/i/abc", link_label="See"
    )
    mail = letter(office, words=words, cc=["bob@client.example"])
    assert office.send(mail) is None
    (found,) = office.box.letters
    assert office.box.envelopes == [("tally@server.example", ["ada@client.example", "bob@client.example"])]
    assert (found["To"], found["Cc"], found["Subject"]) == ("ada@client.example", "bob@client.example", "Hello")
    assert found["From"] == "Studio North <tally@server.example>"
    assert found["Message-ID"] == f"<{mail.id}@127.0.0.1>"
    plain, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().strip().replace("\r\n", "\n") == words.text
    assert "Good day &lt;Ada&gt; &amp; all" in rich.get_content()
    assert '<a href="https://x.example/i/abc">' in rich.get_content()
    sent = office.again(mail)
    assert (sent.state, sent.attempts, sent.last_error, sent.sent_at) == ("sent", 1, None, office.studio.clock.now)


def test_a_line_with_a_dot_alone_does_not_end_a_letter(office: Office) -> None:
    office.send(letter(office, words=Words(text="one\n.\n..two\nthree")))
    body = office.box.letters[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == ["one", ".", "..two", "three"]


def test_a_letter_that_was_sent_is_not_sent_again(office: Office) -> None:
    mail = letter(office)
    for _ in range(3):
        assert office.send(mail) is None
    assert len(office.box.letters) == 1


def test_two_workers_at_one_letter_send_it_once(office: Office) -> None:
    mail = letter(office)
    together = threading.Barrier(4)
    said: list[Exception | None] = []

    def work() -> None:
        together.wait()
        said.append(office.send(mail))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(office.box.letters) == 1
    assert all(one is None or isinstance(one, delivery.TryLater) for one in said)
    assert office.again(mail).state == "sent"


def test_a_letter_that_is_refused_for_now_is_tried_again_later_and_later(office: Office) -> None:
    mail = letter(office)
    for wait in delivery.WAITS:
        office.box.answers = ["451 4.7.1 come back"]
        told = office.send(mail)
        assert isinstance(told, delivery.TryLater)
        assert told.at == office.studio.clock.now + wait
        now = office.again(mail)
        assert (now.state, now.next_attempt_at, now.last_error) == ("queued", told.at, "451 4.7.1 come back")
        office.studio.clock.now = told.at
    office.box.answers = ["451 4.7.1 come back"]
    assert isinstance(office.send(mail), delivery.Failed)
    assert office.again(mail).state == "failed"
    assert isinstance(office.send(mail), delivery.Failed)  # by itself it is not tried any more
    assert not office.box.letters
    with office.context("manager") as ctx:
        mails.retry(ctx, mail.id)
    assert office.send(mail) is None
    assert office.again(mail).state == "sent"
    assert office.box.letters[0]["Message-ID"] == mail.message_id


def test_a_letter_that_is_refused_for_good_has_failed_at_once(office: Office) -> None:
    mail = letter(office)
    office.box.answers = ["554 5.7.1 spam"]
    assert isinstance(office.send(mail), delivery.Failed)
    failed = office.again(mail)
    assert (failed.state, failed.attempts, failed.last_error) == ("failed", 1, "554 5.7.1 spam")


def test_one_address_that_is_refused_does_not_keep_it_from_the_others(office: Office) -> None:
    office.box.refused = {"gone@client.example": "550 5.1.1 no such user"}
    mail = letter(office, to=["ada@client.example", "gone@client.example"])
    assert office.send(mail) is None
    sent = office.again(mail)
    assert sent.state == "sent"
    assert sent.last_error == "Refused: gone@client.example: 550 5.1.1 no such user"


def test_one_address_that_is_refused_for_now_puts_off_the_whole(office: Office) -> None:
    office.box.refused = {"grey@client.example": "450 4.2.0 greylisted"}
    mail = letter(office, to=["ada@client.example", "grey@client.example"])
    assert isinstance(office.send(mail), delivery.TryLater)
    assert not office.box.letters
    office.box.refused = {}
    assert office.send(mail) is None
    assert [rcpts for _, rcpts in office.box.envelopes] == [["ada@client.example", "grey@client.example"]]


def test_a_letter_to_nobody_who_is_taken_has_failed(office: Office) -> None:
    office.box.refused = {"ada@client.example": "550 5.1.1 no such user"}
    mail = letter(office)
    assert isinstance(office.send(mail), delivery.Failed)
    assert office.again(mail).last_error == "ada@client.example: 550 5.1.1 no such user"


def stop_in_the_middle(office: Office, mail: Mail, *, handed_over: bool) -> None:
    """As if the worker's process had ended at this moment."""
    with office.context() as ctx:
        row = ctx.find(Mail, mail.id, lock="update")
        handed_over_at = ctx.now if handed_over else None
        ctx.change(row, state="sending", attempts=1, attempted_at=ctx.now, handed_over_at=handed_over_at)


def test_a_worker_that_ended_before_it_handed_over_is_followed_by_another(office: Office) -> None:
    mail = letter(office)
    stop_in_the_middle(office, mail, handed_over=False)
    told = office.send(mail)
    assert isinstance(told, delivery.TryLater)
    office.studio.clock.now = told.at
    assert office.send(mail) is None
    assert len(office.box.letters) == 1
    assert office.again(mail).attempts == 2


def test_a_worker_that_ended_while_it_handed_over_leaves_it_to_a_person(office: Office) -> None:
    mail = letter(office)
    stop_in_the_middle(office, mail, handed_over=True)
    office.studio.clock.now += delivery.LEASE
    assert isinstance(office.send(mail), delivery.Failed)
    assert not office.box.letters
    failed = office.again(mail)
    assert (failed.state, failed.last_error) == ("failed", delivery.INTERRUPTED)
    assert isinstance(office.send(mail), delivery.Failed)
    with office.context() as ctx:
        mails.retry(ctx, mail.id)
    assert office.send(mail) is None


def test_a_worker_that_slept_too_long_does_not_hand_over_what_another_has(office: Office) -> None:
    """It claimed the letter and stood still; another took it up and sent it; then the first goes on."""
    mail = letter(office)
    sleeping, awake = threading.Event(), threading.Event()
    post = office.server.post
    assert post is not None

    class Sleepy:
        def deliver(self, letter: object, sender: object, handing_over: object) -> tuple[str, ...]:
            sleeping.set()
            assert awake.wait(30)
            return post.deliver(letter, sender, handing_over)  # type: ignore[arg-type,union-attr]

    from dataclasses import replace

    slow = Office(office.studio, office.box, replace(office.desk, server=replace(office.server, post=Sleepy())))
    first = threading.Thread(target=slow.send, args=(mail,))
    first.start()
    assert sleeping.wait(30)
    office.studio.clock.now += delivery.LEASE
    assert office.send(mail) is None
    awake.set()
    first.join()
    assert len(office.box.letters) == 1
    assert (office.again(mail).state, office.again(mail).attempts) == ("sent", 2)


def test_an_answer_that_never_comes_leaves_it_to_a_person(office: Office) -> None:
    mail = letter(office)
    office.box.answers = ["421 4.3.0 goodbye"]
    assert isinstance(office.send(mail), delivery.TryLater)  # 421 is an answer


def test_a_test_is_tried_once(office: Office) -> None:
    with office.context() as ctx:
        mail = mails.test(ctx, "ada@studio.example")
    office.box.answers = ["451 4.7.1 come back"]
    assert isinstance(office.send(mail), delivery.Failed)
    assert office.again(mail).state == "failed"


@pytest.mark.parametrize("address", ["", "ada", "a@b@c", "a@b\r\nBcc: x@y.example", "ä@x.example", "a b@x.example",
                                     "<a@x.example>", ".a@x.example", "a" * 65 + "@x.example"])  # fmt: skip
def test_what_is_no_address_is_refused(office: Office, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        letter(office, to=[address])
    assert list(refused.value.fields) == ["to"]


def test_a_subject_cannot_hold_a_header(office: Office) -> None:
    office.send(letter(office, subject="Hello\r\nBcc: eve@evil.example"))
    (found,) = office.box.letters
    assert found["Bcc"] is None
    assert found["Subject"] == "Hello Bcc: eve@evil.example"


def test_what_nobody_could_send_is_refused_at_once(studio: object, office: Office) -> None:
    from dataclasses import replace

    office.desk = replace(office.desk, server=replace(office.server, sender=None))
    with pytest.raises(Conflict) as refused:
        letter(office)
    assert refused.value.reason == "mail_not_set_up"


def test_what_a_letter_says_is_locked_up(office: Office) -> None:
    mail = letter(office, words=Words(text="the secret words"))
    assert b"secret" not in (mail.content or b"")
    with office.context() as ctx:
        words = mails.words_of(ctx, mail)
    assert words is not None
    assert words.text == "the secret words"


def test_a_lease_is_longer_than_an_attempt_may_take() -> None:
    from tallystick.outgoing import smtp

    assert timedelta(seconds=smtp.WHOLE_SECONDS + smtp.ANSWER_SECONDS) < delivery.LEASE
