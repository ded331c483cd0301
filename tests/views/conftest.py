"""What all tests of views share."""

from __future__ import annotations

import pytest

from core import first_light


@pytest.fixture(autouse=True)
def no_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session begins on Home, which would make the demo study in an empty workspace."""
    monkeypatch.setattr(first_light, "begin", lambda: None)
