"""Total order, routes, dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Barrier, Thread

import pytest

from scalper.message import Letter, Message
from scalper.runtime.mailbox import Mailbox
from scalper.runtime.switchboard import DEAD_LETTERS_KEPT, Switchboard
from tests.runtime.specimens import AT, Level, MemoryJournal, Spoken, Unheard, spoken

THREADS = 4
LETTERS_EACH = 1_500


def a_switchboard(routes: dict[str, Sequence[type[Message]]], **options: int) -> tuple[Switchboard, MemoryJournal]:
    journal = MemoryJournal()
    switchboard = Switchboard(journal, **options)
    for name, kinds in routes.items():
        switchboard.register(Mailbox(name), kinds)
    return switchboard, journal


def taken(mailbox: Mailbox) -> list[Letter]:
    found = []
    while mailbox.has_ready():
        found.append(mailbox.get().message)
    return found


def test_a_published_letter_reaches_everybody_with_a_handler_in_the_order_of_registration() -> None:
    switchboard, journal = a_switchboard({"b": [Spoken], "a": [Spoken, Level], "c": [Level]})

    seq = switchboard.publish("test", 7, spoken(1))

    assert journal.letters == [(Letter(seq, 7, "test", spoken(1)), ("b", "a"))]
    assert switchboard.depths() == {"b": 1, "a": 1, "c": 0}


def test_a_letter_nobody_has_a_handler_for_is_logged_to_nobody() -> None:
    switchboard, journal = a_switchboard({"a": [Spoken]})

    switchboard.publish("test", 0, Unheard(at=AT))

    assert [to for _, to in journal.letters] == [()]
    assert switchboard.dead_letters_count == 0


def test_a_sent_letter_reaches_its_one_recipient_whatever_its_routes() -> None:
    switchboard, journal = a_switchboard({"a": [Spoken], "b": [Level]})

    switchboard.send("test", 0, "b", spoken(1))

    assert [to for _, to in journal.letters] == [("b",)]
    assert switchboard.depths() == {"a": 0, "b": 1}


def test_a_letter_to_an_unknown_name_is_logged_and_dead_and_does_not_raise() -> None:
    switchboard, journal = a_switchboard({"a": [Spoken]})

    seq = switchboard.send("test", 0, "nobody", spoken(1))

    assert journal.seqs == [seq]
    assert list(switchboard.dead_letters) == [(Letter(seq, 0, "test", spoken(1)), "nobody: nobody is called nobody")]


def test_of_dead_letters_the_newest_are_kept_and_all_are_counted() -> None:
    switchboard, _ = a_switchboard({})

    for number in range(DEAD_LETTERS_KEPT + 5):
        switchboard.send("test", 0, "nobody", spoken(number))

    assert len(switchboard.dead_letters) == DEAD_LETTERS_KEPT
    assert switchboard.dead_letters[0][0].message.number == 5
    assert switchboard.dead_letters_count == DEAD_LETTERS_KEPT + 5


def test_the_letter_is_in_the_journal_before_it_is_in_a_mailbox() -> None:
    depths = []
    mailbox = Mailbox("a")

    class Looking(MemoryJournal):
        def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
            depths.append(mailbox.depth)

    switchboard = Switchboard(Looking())
    switchboard.register(mailbox, [Spoken])

    switchboard.publish("test", 0, spoken(1))
    switchboard.send("test", 0, "a", spoken(2))

    assert depths == [0, 1]


def test_a_letter_the_journal_refuses_is_not_delivered() -> None:
    class Full(MemoryJournal):
        def letter(self, letter: Letter, to: tuple[str, ...]) -> None:
            raise OSError("no space left")

    mailbox = Mailbox("a")
    switchboard = Switchboard(Full())
    switchboard.register(mailbox, [Spoken])

    with pytest.raises(OSError, match="no space left"):
        switchboard.publish("test", 0, spoken(1))

    assert mailbox.depth == 0


@pytest.mark.parametrize("first_seq", [1, 501])
def test_seqs_go_on_from_where_the_part_before_ended(first_seq: int) -> None:
    switchboard, journal = a_switchboard({"a": [Spoken]}, first_seq=first_seq)

    switchboard.publish("test", 0, spoken(1))
    switchboard.send("test", 0, "a", spoken(2))

    assert journal.seqs == [first_seq, first_seq + 1]
    assert switchboard.seq == first_seq + 1


def test_a_route_learns_of_an_actor_registered_after_its_first_letter() -> None:
    switchboard, _ = a_switchboard({"a": [Spoken]})
    switchboard.publish("test", 0, spoken(1))

    switchboard.register(Mailbox("b"), [Spoken])
    switchboard.publish("test", 0, spoken(2))

    assert switchboard.depths() == {"a": 2, "b": 1}


def test_a_retired_actor_gets_no_more_letters_and_those_sent_to_it_are_dead() -> None:
    switchboard, journal = a_switchboard({"a": [Spoken], "b": [Spoken]})
    switchboard.publish("test", 0, spoken(1))

    switchboard.retire("a")
    switchboard.publish("test", 0, spoken(2))
    switchboard.send("test", 0, "a", spoken(3))

    assert [to for _, to in journal.letters] == [("a", "b"), ("b",), ("a",)]
    assert switchboard.depths() == {"a": 0, "b": 2}
    assert switchboard.dead_letters[0][1] == "a: it is down"
    assert switchboard.dead_letters_count == 1


def test_over_concurrent_senders_seqs_are_contiguous_and_every_mailbox_gets_its_letters_in_their_order() -> None:
    switchboard, journal = a_switchboard({"a": [Spoken], "b": [Spoken]})
    together = Barrier(THREADS)

    def speak(sender: int) -> None:
        together.wait()
        for number in range(LETTERS_EACH):
            if number % 3:
                switchboard.publish(f"s{sender}", 0, Spoken(at=AT, number=number))
            else:
                switchboard.send(f"s{sender}", 0, "b", Spoken(at=AT, number=number))

    threads = [Thread(target=speak, args=(sender,)) for sender in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journal.seqs == list(range(1, THREADS * LETTERS_EACH + 1))
    for name, mailbox in switchboard._mailboxes.items():
        expected = [letter for letter, to in journal.letters if name in to]
        assert mailbox is not None
        assert taken(mailbox) == expected
    for sender in range(THREADS):
        own = [letter.message.number for letter, _ in journal.letters if letter.sender == f"s{sender}"]
        assert own == list(range(LETTERS_EACH))


def test_dead_letters_of_concurrent_senders_are_all_counted() -> None:
    switchboard, _ = a_switchboard({})
    together = Barrier(THREADS)

    def speak() -> None:
        together.wait()
        for number in range(LETTERS_EACH):
            switchboard.send("test", 0, "nobody", spoken(number))

    threads = [Thread(target=speak) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert switchboard.dead_letters_count == THREADS * LETTERS_EACH
