"""What the marks in a venogram ask to be measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from venoseg.angiography import VenogramOptions, Way
from venoseg.angiography.fiducials import Fiducial, FiducialKind
from venoseg.dicom.angiogram import Angiogram
from venoseg.errors import InputError
from venoseg.venography import header_calibration
from venoseg_napari.venogram_picture import Point

_NAMED = "vein"


def options_of(
    angiogram: Angiogram,
    points_px: Sequence[Point],
    line_px: tuple[Point, Point] | None,
    known: tuple[FiducialKind, float],
    frames: tuple[int, int] | None = None,
) -> VenogramOptions:
    """Return what to measure in a run.

    Parameters
    ----------
    angiogram
        The run's header, whose calibration is taken where no line is drawn.
    points_px
        Along the vein from its central end; none: the main vessel is found.
    line_px
        On the object to calibrate with.
    known
        Kind of that object, and its size in mm.
    frames
        First and last frame to measure, counted from 0; None: all.

    Raises
    ------
    InputError
        When there is a single point.
    """
    if len(points_px) == 1:
        raise InputError(
            "one point makes no course", remedy="click the other end of the stretch too"
        )
    ways = (Way(_NAMED, np.array(points_px)),) if points_px else ()
    fiducial = None if line_px is None else Fiducial(*known, *line_px)
    return VenogramOptions(
        ways=ways, frames=frames, fiducial=fiducial, calibration=header_calibration(angiogram)
    )
