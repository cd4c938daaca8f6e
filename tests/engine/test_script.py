from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captions.engine.hearing import Word
from captions.engine.script import Incident, Plan, Script, ScriptError, read_script
from captions.engine.scripted import WordsReader

RATE = 16_000


def test_a_script_says_how_each_connection_goes():
    script = read_script(
        json.dumps(
            {
                "listen": "words",
                "words": [["Good", 0.5, 0.8], ["morning.", 0.9, 1.4]],
                "sessions": [{"refuse_status": 503}, {"incidents": [{"do": "abort", "at_s": 2.5}], "cap_s": 8}],
                "others": {"offset_s": 1},
            }
        )
    )
    assert script.words == (Word("Good", 0.5, 0.8), Word("morning.", 0.9, 1.4))
    assert [script.plan(connection) for connection in range(4)] == [
        Plan(refuse_status=503),
        Plan(incidents=(Incident("abort", at_s=2.5),), cap_s=8.0),
        Plan(offset_s=1.0),
        Plan(offset_s=1.0),
    ]


def test_an_empty_script_is_a_faultless_recogniser():
    assert read_script("{}") == Script()
    assert Script().plan(0) == Plan()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("{", "not JSON"),
        ("[]", "script must be an object"),
        ('{"word": []}', "script.word is not known; known are listen, words"),
        ('{"listen": "music"}', "script.listen must be one of speech, words, bursts"),
        ('{"words": [["a", 1]]}', r"script.words\[0\] must be"),
        ('{"words": [["a", 1, 1]]}', r"script.words\[0\] must end after it starts"),
        ('{"words": [["a", 1, 2], ["b", 1.5, 3]]}', "'b' starts before 'a' has ended"),
        ('{"sessions": [{"cap_s": -1}]}', r"script.sessions\[0\].cap_s must be a number of seconds"),
        ('{"sessions": [{"cap_s": NaN}]}', r"script.sessions\[0\].cap_s must be a number of seconds"),
        ('{"others": {"incidents": [{"at_s": 1}]}}', r"script.others.incidents\[0\].do is missing"),
        ('{"others": {"incidents": [{"do": "explode"}]}}', "must be one of error, close, abort, hang"),
        ('{"others": {"refuse_status": "503"}}', "refuse_status must be a whole number"),
    ],
)
def test_a_script_that_cannot_be_followed_is_refused_in_words(script, says):
    with pytest.raises(ScriptError, match=says):
        read_script(script)


@st.composite
def scripted_words(draw) -> list[Word]:
    at, words = 0.0, []
    for number in range(draw(st.integers(0, 8))):
        start = at + draw(st.integers(0, 30)) / 100
        at = start + draw(st.integers(5, 60)) / 100
        words.append(Word(f"w{number}", round(start, 2), round(at, 2)))
    return words


@settings(deadline=None)
@given(scripted_words(), st.integers(0, 300), st.integers(1, 500), st.integers(1, 4000))
def test_a_session_hears_the_words_of_its_part_whole_and_those_at_its_edges_cut(words, offset, length, size):
    offset_s, length_s = offset / 100, length / 100
    reader = WordsReader(RATE, words, offset_s)
    pcm = bytes(2 * round(length_s * RATE))
    got = [word for at in range(0, len(pcm), 2 * size) for word in reader.read(pcm[at : at + 2 * size])]
    got += reader.flush()
    end_s = round(offset_s + length_s, 2)
    for word, expected in zip(got, [w for w in words if w.end_s > offset_s and w.start_s < end_s], strict=True):
        whole = expected.start_s >= offset_s - 1e-6 and expected.end_s <= end_s + 1e-6
        assert word.text == (expected.text if whole else "uh")
        assert word.start_s == pytest.approx(max(0.0, expected.start_s - offset_s), abs=0.001)
        assert word.end_s == pytest.approx(min(expected.end_s, end_s) - offset_s, abs=0.001)
