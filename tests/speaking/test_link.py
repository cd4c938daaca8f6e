import pytest

from captions.speaking.link import LinkError, SpeakerLink, checked_server


@pytest.mark.parametrize(
    "url", ["https://live.example:8443/r/hall-2/speak/#abc_-1", "https://live.example:8443/r/hall-2/speak#abc_-1"]
)
def test_a_speaker_link_is_taken_apart(url):
    link = SpeakerLink.parse(url)
    assert link == SpeakerLink("https://live.example:8443", "hall-2", "abc_-1")
    assert link.ticket_url == "https://live.example:8443/r/hall-2/speak/ticket/"
    assert link.socket_url == "wss://live.example:8443/ws/rooms/hall-2/speak/"
    assert link.origin == "https://live.example:8443"
    assert "abc_-1" not in repr(link)


def test_a_server_may_live_below_a_path():
    link = SpeakerLink.parse("http://example.org/captions/r/hall/speak/#t")
    assert link.socket_url == "ws://example.org/captions/ws/rooms/hall/speak/"
    assert link.origin == "http://example.org"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://example.org/r/hall/#t", "the readers' link"),
        ("http://example.org/talks/hall", "is no speaker link"),
        ("ftp://example.org/r/hall/speak/#secret", "is no web address"),
        ("http://example.org:99999/r/hall/speak/#secret", "is no web address"),
        ("http:///r/hall/speak/#secret", "is no web address"),
    ],
)
def test_what_is_no_speaker_link_is_said_without_the_secret(url, sentence):
    with pytest.raises(LinkError) as caught:
        SpeakerLink.parse(url)
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_without_a_scheme_is_no_server():
    with pytest.raises(LinkError, match="One looks like http"):
        checked_server("127.0.0.1:8000")
