"""What chaos tests find out in figures is shown at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note a line of figures."""
    return lambda line: request.node.user_properties.append(("figures", line))
