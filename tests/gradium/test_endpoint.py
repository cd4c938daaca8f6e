from __future__ import annotations

import pytest

from captions.gradium.session import ENDPOINTS, EndpointError, Target, endpoint_url


def test_the_key_never_shows():
    target = Target("wss://example.org", api_key="gsk_secret")
    for shown in (repr(target), str(target), f"{target}", repr([target])):
        assert "secret" not in shown
        assert "example.org" in shown


@pytest.mark.parametrize("region", sorted(ENDPOINTS))
def test_a_region_has_an_address(region):
    assert endpoint_url(region).startswith("wss://")


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/api", "wss://example.org/x"])
def test_an_address_stays_as_it_is(url):
    assert endpoint_url(url) == url


@pytest.mark.parametrize("endpoint", ["", "asia", "https://example.org", "ws://", "//example.org", "example.org"])
def test_anything_else_is_refused_in_words(endpoint):
    with pytest.raises(EndpointError, match=r"GRADIUM_URL must be .*\.$"):
        endpoint_url(endpoint)
