"""From where a run was taken, and whether two runs show the same."""

from __future__ import annotations

from dataclasses import dataclass

SAME_VIEW_DEGREES = 5.0
"""Views further apart than this show other overlaps and are not compared."""


@dataclass(frozen=True, slots=True)
class View:
    """From where a run was taken; angles as in DICOM, None where the header is silent."""

    primary_degrees: float | None
    secondary_degrees: float | None


def views_apart(first: View, second: View) -> str | None:
    """Return why two views are not the same one, or None."""
    pairs = (
        (first.primary_degrees, second.primary_degrees),
        (first.secondary_degrees, second.secondary_degrees),
    )
    for one, other in pairs:
        if one is None or other is None:
            return "the angles of a view are not stated"
        if abs(one - other) > SAME_VIEW_DEGREES:
            return f"the views are {abs(one - other):.0f} degrees apart"
    return None
