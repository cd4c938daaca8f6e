from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from captions.engine.hearing import Heard, Word
from captions.engine.reply import Reply, inactivity
from captions.gradium.messages import EndText, Step, Text
from captions.gradium.setup import DELAYS_IN_FRAMES


@st.composite
def spoken(draw) -> list[tuple[int, Word]]:
    """Words in order, each with the frame in which the recogniser is certain of it."""
    at, frame, words = 0.0, 0, []
    for number in range(draw(st.integers(0, 12))):
        start = at + draw(st.integers(0, 40)) / 100
        at = start + draw(st.integers(5, 80)) / 100
        frame = max(frame, int(at / 0.08) + draw(st.integers(0, 20)))
        words.append((frame, Word(f"w{number}", start, at)))
    return words


@settings(deadline=None)
@given(spoken(), st.sampled_from(DELAYS_IN_FRAMES))
def test_words_come_once_in_order_on_the_decoders_clock_and_never_early(words, delay):
    reply = Reply(delay)
    texts, ends, order = [], [], []
    for frame in range(words[-1][0] + 1 if words else 1):
        for message in reply.step(Heard(tuple(word for at, word in words if at == frame), 0.0)):
            order.append(message)
            clock_s = (frame + 1) * 0.08
            match message:
                case Text(start_s=start_s):
                    texts.append(message)
                    assert start_s <= clock_s + 0.001
                case EndText(stop_s=stop_s):
                    ends.append(message)
                    assert stop_s <= clock_s + 0.001
    rest = reply.rest([])
    order += rest
    texts += [message for message in rest if isinstance(message, Text)]
    ends += [message for message in rest if isinstance(message, EndText)]
    assert [(text.text, text.start_s) for text in texts] == [
        (word.text, round(word.start_s + delay * 0.08, 3)) for _, word in words
    ]
    assert [end.stop_s for end in ends] == [round(word.end_s + delay * 0.08, 3) for _, word in words]
    said = [message for message in order if not isinstance(message, Step)]
    assert [type(message) for message in said] == [Text, EndText] * len(words)


def test_there_is_one_step_a_frame_and_they_count():
    reply = Reply(10)
    steps = [message for _ in range(5) for message in reply.step(Heard((), 1.0))]
    assert [(step.step_idx, step.total_duration_s) for step in steps] == [
        (0, 0.08), (1, 0.16), (2, 0.24), (3, 0.32), (4, 0.4),
    ]  # fmt: skip


@settings(deadline=None)
@given(st.floats(0, 10), st.floats(0, 10))
def test_inactivity_grows_with_the_silence_and_is_certain_at_the_horizon(one, two):
    less, more = inactivity(min(one, two)), inactivity(max(one, two))
    assert set(less) == {0.5, 1.0, 2.0, 3.0}
    for horizon, probability in less.items():
        assert 0 <= probability <= more[horizon] <= 1
        assert inactivity(horizon)[horizon] == 1
    assert set(inactivity(0.0).values()) == {0.0}
