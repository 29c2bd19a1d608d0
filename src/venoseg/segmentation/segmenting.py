"""One verb: from a CT to its veins, whoever draws them."""

from __future__ import annotations

from collections.abc import Sequence

from venoseg.segmentation.automatic import automatic
from venoseg.segmentation.guided import guided
from venoseg.segmentation.model import Segmentation
from venoseg.segmentation.plugins import outside_segmenter
from venoseg.segmentation.seeds import Seed
from venoseg.volume import Volume


def segment(
    ct: Volume, seeds: Sequence[Seed] | None = None, segmenter: str | None = None
) -> Segmentation:
    """Find the lumen of the cava and the iliac veins.

    Parameters
    ----------
    ct
        A contrast CT in Hounsfield units.
    seeds
        Points that guide: a central end and a peripheral end on each side, waypoints at will
        (`venoseg.interchange.read_seeds`). None: everything is found automatically.
    segmenter
        The name of an outside segmenter, e.g. ``totalsegmentator``; None: venoseg's own.

    Returns
    -------
    Segmentation
        Labels on the grid of ``ct``, stretches without lumen in ``occluded``, and a confidence
        with reasons for every vein.

    Raises
    ------
    InputError
        When a seed cannot be in a vein, or the image is not in Hounsfield units.
    NeedsSeedsError
        When the veins cannot be found with certainty; it says which seeds would help.
    DependencyError, UsageError
        When the outside segmenter is not installed, or there is none of that name.
    """
    if segmenter is not None:
        return outside_segmenter(segmenter)(ct, tuple(seeds or ()))
    return automatic(ct) if seeds is None else guided(ct, tuple(seeds))
