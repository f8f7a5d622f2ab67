"""The mailbox that outlives its actor."""

from __future__ import annotations

from queue import Queue
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pykka._envelope import Envelope

from scalper.message import Letter, Message
from scalper.runtime.mailbox import MERGE_MAX, Mailbox
from tests.runtime.specimens import AT, WAIT_S_MAX, Level, Spoken, Unlock, Unmergeable

Orders = list[tuple[str, tuple[int, ...], int]]


def a_mailbox(orders: Orders | None = None, *, limit: int = 100_000, is_dropping: bool = False) -> Mailbox:
    kept = orders if orders is not None else []
    mailbox = Mailbox("mill", limit=limit, is_dropping=is_dropping, on_reorder=lambda *note: kept.append(note))
    mailbox.adopt()
    return mailbox


def a_letter(seq: int, message: Message) -> Envelope[Letter]:
    return Envelope(Letter(seq, 0, "test", message))


def fill(mailbox: Mailbox, *messages: Message) -> None:
    """Put letters with seqs from 1."""
    for seq, message in enumerate(messages, start=1):
        mailbox.put(a_letter(seq, message))


def taken(mailbox: Mailbox) -> list[Letter]:
    """Everything that can be taken without waiting."""
    found = []
    while mailbox.has_ready():
        found.append(mailbox.opened(mailbox.get().message))
    return found


SAY = Spoken(at=AT, number=0)
CONTROL = Unlock(at=AT)


def test_letters_come_out_in_the_order_they_were_put() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)

    fill(mailbox, *[SAY] * 100)

    assert [letter.seq for letter in taken(mailbox)] == list(range(1, 101))
    assert orders == []


def test_control_letters_pass_what_waits_and_the_order_is_noted() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)

    fill(mailbox, SAY, SAY, CONTROL, SAY, CONTROL)

    assert [letter.seq for letter in taken(mailbox)] == [3, 5, 1, 2, 4]
    assert orders == [("mill", (3,), 1), ("mill", (5,), 1)]


def test_a_control_letter_with_nothing_before_it_needs_no_note() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)

    fill(mailbox, CONTROL, SAY)

    assert [letter.seq for letter in taken(mailbox)] == [1, 2]
    assert orders == []


def test_no_order_is_noted_before_the_letter_is_opened() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)
    fill(mailbox, SAY, CONTROL)

    item = mailbox.get().message

    assert orders == []
    assert mailbox.opened(item).seq == 2
    assert orders == [("mill", (2,), 1)]


def test_what_is_no_letter_passes_letters_without_a_note() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)
    fill(mailbox, SAY)
    mailbox.put(Envelope("a question of people"))

    assert mailbox.get().message == "a question of people"
    assert mailbox.get().message.seq == 1
    assert orders == []


def test_a_gated_mailbox_hands_out_control_only_and_the_rest_in_order_afterwards() -> None:
    mailbox = a_mailbox()
    mailbox.gate(is_gated=True)

    fill(mailbox, SAY, CONTROL, SAY)
    before = [letter.seq for letter in taken(mailbox)]
    mailbox.gate(is_gated=False)
    after = [letter.seq for letter in taken(mailbox)]

    assert (before, after) == ([2], [1, 3])


def test_a_burst_of_a_conflated_kind_is_handed_over_as_one_with_the_last_seq() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)

    fill(mailbox, *(Level(at=AT, height=height) for height in (7, 8, 9)))
    letters = taken(mailbox)

    assert [(letter.seq, letter.message.height) for letter in letters] == [(3, 9)]
    assert orders == [("mill", (1, 2, 3), 0)]


def test_a_burst_ends_where_another_kind_begins() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)
    low, high = Level(at=AT, height=1), Level(at=AT, height=2)

    fill(mailbox, low, high, SAY, low, high, low)

    assert [letter.seq for letter in taken(mailbox)] == [2, 3, 6]
    assert orders == [("mill", (1, 2), 0), ("mill", (4, 5, 6), 0)]


def test_a_single_conflated_letter_needs_no_note() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)

    fill(mailbox, Level(at=AT, height=1), SAY)

    assert [letter.seq for letter in taken(mailbox)] == [1, 2]
    assert orders == []


def test_no_burst_is_longer_than_its_limit() -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)

    fill(mailbox, *[Level(at=AT, height=1)] * (MERGE_MAX + 2))

    assert [letter.seq for letter in taken(mailbox)] == [MERGE_MAX, MERGE_MAX + 2]
    assert [len(seqs) for _, seqs, _ in orders] == [MERGE_MAX, 2]


def test_a_conflated_kind_that_cannot_be_merged_fails_when_opened_not_when_taken() -> None:
    mailbox = a_mailbox()
    fill(mailbox, Unmergeable(at=AT), Unmergeable(at=AT))

    item = mailbox.get().message

    with pytest.raises(NotImplementedError, match="Unmergeable is not a conflated message"):
        mailbox.opened(item)


def test_a_dropping_mailbox_drops_the_oldest_and_counts_them() -> None:
    mailbox = a_mailbox(limit=2, is_dropping=True)

    fill(mailbox, SAY, SAY, CONTROL, SAY, SAY)

    assert [letter.seq for letter in taken(mailbox)] == [3, 4, 5]
    assert mailbox.dropped == 2


def test_depth_counts_all_that_waits() -> None:
    mailbox = a_mailbox()
    fill(mailbox, SAY, CONTROL, SAY)

    before = mailbox.depth
    mailbox.get()

    assert (before, mailbox.depth) == (3, 2)


def test_to_a_thread_that_does_not_own_it_a_mailbox_is_always_empty() -> None:
    mailbox = a_mailbox()
    fill(mailbox, SAY)
    answers: Queue[bool] = Queue()

    stranger = Thread(target=lambda: answers.put(mailbox.empty()))
    stranger.start()

    assert answers.get(timeout=WAIT_S_MAX)
    assert not mailbox.empty()
    mailbox.abandon()
    assert mailbox.empty()


def test_the_owner_finds_it_empty_once_everything_is_taken() -> None:
    mailbox = a_mailbox()
    fill(mailbox, SAY)

    taken(mailbox)

    assert mailbox.empty()


def test_a_new_owner_finds_what_the_old_one_left() -> None:
    mailbox = a_mailbox()
    fill(mailbox, SAY, CONTROL, SAY)
    mailbox.get()
    mailbox.abandon()
    found: Queue[list[int]] = Queue()

    def take_over() -> None:
        mailbox.adopt()
        found.put([letter.seq for letter in taken(mailbox)])

    Thread(target=take_over).start()

    assert found.get(timeout=WAIT_S_MAX) == [1, 3]


def test_get_waits_for_a_letter() -> None:
    mailbox = a_mailbox()
    found: Queue[int] = Queue()

    def take() -> None:
        mailbox.adopt()
        found.put(mailbox.get().message.seq)

    Thread(target=take).start()
    fill(mailbox, SAY)

    assert found.get(timeout=WAIT_S_MAX) == 1


@given(st.lists(st.sampled_from([SAY, CONTROL, Level(at=AT, height=1)]), max_size=40), st.booleans())
def test_every_letter_is_handed_out_or_noted_as_merged_exactly_once(kinds: list[Message], is_gated: bool) -> None:
    orders: Orders = []
    mailbox = a_mailbox(orders)
    mailbox.gate(is_gated=is_gated)

    fill(mailbox, *kinds)
    letters = taken(mailbox)
    mailbox.gate(is_gated=False)
    letters += taken(mailbox)

    merged = [seqs for _, seqs, passed in orders if not passed]
    whole = [letter.seq for letter in letters]
    seqs = whole + [seq for burst in merged for seq in burst[:-1]]
    assert sorted(seqs) == list(range(1, len(kinds) + 1))
    plain = [letter.seq for letter in letters if not letter.message.is_control]
    assert plain == sorted(plain)
