"""What a reader has seen, and what a reader who comes now is shown, is the same; whatever the wire does."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.fanout.feed import KEPT_FINALS, Delivery, Feed, Item, MissingError

# What a captioner does next: a longer interim, a final, another state, a beat, or a new session.
ACTS = st.lists(
    st.sampled_from(("interim", "interim", "interim", "final", "final", "state", "beat", "session")), max_size=40
)
# What the wire does with each item: how often it comes, and how many places later.
FATES = st.lists(st.tuples(st.sampled_from((1, 1, 1, 0, 2)), st.sampled_from((0, 0, 0, 1, 3, 9))), max_size=40)


@dataclass
class Captioner:
    """Numbers and stores finals, then publishes them."""

    session: int = 1
    seq: int = 0
    interim: str = ""
    state: str = "state live 0"
    stored: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: {1: []})
    items: list[Item] = field(default_factory=list)

    def act(self, act: str) -> None:
        match act:
            case "interim":
                self.interim += "x"
                frame = f"interim {self.session}.{self.seq + 1} {self.interim}"
                self.items.append(Item("interim", self.session, self.seq + 1, frame))
            case "final":
                self.seq += 1
                frame = f"final {self.session}.{self.seq}"
                self.stored[self.session].append((self.seq, frame))
                self.items.append(Item("final", self.session, self.seq, frame))
                self.interim = ""
            case "state":
                self.state = f"state live {len(self.items)}"
                self.items.append(Item("state", self.session, self.seq, self.state))
            case "beat":
                self.items.append(Item("beat", self.session, self.seq, self.state))
            case "session":
                self.session, self.seq, self.interim = self.session + 1, 0, ""
                self.stored[self.session] = []


@dataclass
class Viewer:
    """Puts together what it is told, as the page does."""

    session: int = 0
    finals: list[str] = field(default_factory=list)
    interim: str | None = None
    state: str = ""

    @classmethod
    def of(cls, feed: Feed) -> Viewer:
        return cls(feed.session, feed.since(0), feed.interim, feed.state_frame)

    def take(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            kind, rest = delivery.frame.split(" ", 1)
            if kind == "state":
                self.state = delivery.frame
                continue
            session, seq = (int(part) for part in rest.split(" ")[0].split("."))
            if session > self.session:
                self.session, self.finals, self.interim = session, [], None
            assert session == self.session, "nothing of an older session comes"
            assert seq == len(self.finals) + 1, "numbers rise by one"
            if kind == "interim":
                assert delivery.interim_of == seq
                self.interim = delivery.frame
            else:
                assert delivery.interim_of == 0
                self.finals.append(delivery.frame)
                self.interim = None


def receive(feed: Feed, item: Item, stored: dict[int, list[tuple[int, str]]]) -> list[Delivery]:
    """Take an item, with the database at hand for what is missing."""
    try:
        return feed.apply(item)
    except MissingError:
        have = feed.seq if item.session == feed.session else 0
        repaired = feed.fill(item.session, [row for row in stored[item.session] if row[0] > have])
        return repaired + feed.apply(item)


def arrivals(items: list[Item], fates: list[tuple[int, int]]) -> list[Item]:
    """Return the items as they come: some lost, doubled or late; the last one comes as it was sent."""
    due = []
    for place, item in enumerate(items):
        times, late = fates[place] if place < len(fates) and place + 1 < len(items) else (1, 0)
        due += [(place + late * (copy + 1), place, item) for copy in range(times)]
    last = len(items) - 1
    return [item for _, _, item in sorted((min(at, last), place, item) for at, place, item in due)]


@given(ACTS, FATES, st.integers(0, 40))
def test_a_snapshot_and_what_follows_is_a_later_snapshot(acts, fates, joined_at):
    captioner, feed = Captioner(), Feed()
    for act in [*acts, "beat"]:
        captioner.act(act)
    viewers: list[Viewer] = [Viewer.of(feed)]
    for place, item in enumerate(arrivals(captioner.items, fates)):
        deliveries = receive(feed, item, captioner.stored)
        for viewer in viewers:
            viewer.take(deliveries)
        if place == joined_at:
            viewers.append(Viewer.of(feed))
    now = Viewer.of(feed)
    for viewer in viewers:
        if now.finals or now.interim or viewer.session == now.session:
            assert (viewer.finals, viewer.interim) == (now.finals, now.interim)
        assert viewer.state == now.state == captioner.state
    assert now.session == captioner.session
    assert now.finals == [frame for _, frame in captioner.stored[captioner.session]]


@given(ACTS)
def test_over_a_wire_that_keeps_order_all_comes_as_it_was_sent(acts):
    captioner, feed, told = Captioner(), Feed(), []
    for act in acts:
        captioner.act(act)
    for item in captioner.items:
        told += [delivery.frame for delivery in feed.apply(item)]
    sent, state = [], ""
    for item in captioner.items:
        if item.kind in ("state", "beat"):
            if item.frame == state:
                continue
            state = item.frame
        sent.append(item.frame)
    assert told == sent


@given(ACTS, st.integers(0, 40))
def test_a_hole_is_noticed_and_changes_nothing(acts, lost):
    captioner, feed = Captioner(), Feed()
    for act in acts:
        captioner.act(act)
    for place, item in enumerate(captioner.items):
        if place == lost:
            continue
        before = (feed.session, feed.seq, list(feed.kept), feed.interim, feed.state_frame)
        try:
            feed.apply(item)
        except MissingError:
            assert (feed.session, feed.seq, list(feed.kept), feed.interim, feed.state_frame) == before
            assert captioner.items[lost].kind == "final"
            break


def test_a_beat_alone_shows_that_finals_are_missing():
    with pytest.raises(MissingError):
        Feed().apply(Item("beat", 1, 3, "state live 1"))


def test_the_first_rows_of_a_long_session_stay_in_the_database():
    feed = Feed()
    feed.fill(1, [(number, f"final 1.{number}") for number in range(501, 601)])
    assert (feed.seq, feed.first_kept) == (600, 501)
    assert feed.since(598) == ["final 1.599", "final 1.600"]


def test_memory_is_bounded():
    feed = Feed()
    for number in range(1, KEPT_FINALS + 101):
        feed.apply(Item("final", 1, number, "f"))
    assert len(feed.kept) == KEPT_FINALS
    assert feed.first_kept == 101


def test_an_older_session_is_over():
    feed = Feed()
    feed.apply(Item("final", 2, 1, "final 2.1"))
    assert feed.apply(Item("final", 1, 9, "final 1.9")) == []
    assert feed.fill(1, [(1, "final 1.1")]) == []
    assert feed.since(0) == ["final 2.1"]
