"""Whether two runs show the same."""

from __future__ import annotations

import pytest

from venoseg.angiography.views import View, views_apart

FRONTAL = View(0.0, 0.0)


def test_views_a_few_degrees_apart_are_the_same() -> None:
    assert views_apart(FRONTAL, View(3.0, -2.0)) is None


@pytest.mark.parametrize(
    ("second", "words"),
    [(View(30.0, 0.0), "30 degrees apart"), (View(None, 0.0), "angles of a view are not stated")],
)
def test_other_views_are_told_with_a_reason(second: View, words: str) -> None:
    assert words in str(views_apart(FRONTAL, second))
