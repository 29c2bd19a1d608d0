"""Segmenters from outside, found by entry point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points

from venoseg.errors import DependencyError, LabelError, UsageError
from venoseg.segmentation.model import Segmentation
from venoseg.segmentation.seeds import Seed
from venoseg.volume import Volume

GROUP = "venoseg.segmenters"
"""The entry point group: name -> callable(volume, seeds) -> Segmentation."""

Segmenter = Callable[[Volume, Sequence[Seed]], Segmentation]


_OWN = (
    EntryPoint("totalsegmentator", "venoseg.segmentation.totalsegmentator:totalsegmentator", GROUP),
)


def segmenter_names() -> tuple[str, ...]:
    """Return the names of the segmenters that are installed, venoseg's backends included."""
    return tuple(sorted({point.name for point in (*_OWN, *entry_points(group=GROUP))}))


def outside_segmenter(name: str) -> Segmenter:
    """Return the segmenter of that name; what it returns is checked against the image.

    Raises
    ------
    UsageError
        When there is none of that name.
    DependencyError
        When it cannot be loaded.
    """
    found = [point for point in (*_OWN, *entry_points(group=GROUP)) if point.name == name]
    if not found:
        raise UsageError(
            f"there is no segmenter {name!r}",
            remedy=f"installed are: {', '.join(segmenter_names())}",
        )
    try:
        call = found[0].load()
    except ImportError as error:
        raise DependencyError(
            f"the segmenter {name!r} cannot be loaded", remedy="install what it needs"
        ) from error

    def checked(volume: Volume, seeds: Sequence[Seed]) -> Segmentation:
        result = call(volume, seeds)
        if not isinstance(result, Segmentation) or not result.grid.matches(volume.grid):
            raise LabelError(
                "the segmenter did not return labels on the grid of the image", where=name
            )
        return result

    return checked
