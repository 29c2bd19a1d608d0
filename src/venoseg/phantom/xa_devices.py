"""What lies in an angiogram besides the patient: a marker catheter and a ruler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.phantom.curve import Curve
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.tube import Profile, Tube
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_paths import Image, tube_paths, wire_image
from venoseg.volume import FloatArray

FRENCH_MM = 1 / 3
_SHAFT_PER_MM = 0.09
_BAND_PER_MM = 0.9
_RULER_PER_MM = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Catheter:
    """A catheter with metal bands.

    Attributes
    ----------
    shaft, bands
        Its tube, and the short tubes of the bands around it.
    french
        Outer size; a third of a millimetre each.
    spacing_mm
        Distance of the bands' middles along the catheter.
    middles_lps_mm
        (n, 3) middles of the bands.
    """

    shaft: Tube
    bands: tuple[Tube, ...]
    french: float
    spacing_mm: float
    middles_lps_mm: FloatArray


def marker_catheter(
    curve: Curve,
    start_mm: float,
    stop_mm: float,
    *,
    french: float = 5.0,
    spacing_mm: float = 10.0,
    aside_mm: float = 2.0,
    bands: int = 10,
) -> Catheter:
    """Lay a catheter beside a vein's centreline between two arc lengths, its tip at the first."""
    along = np.linspace(start_mm, stop_mm, max(int((stop_mm - start_mm) / 8.0), 3))
    course = Curve.through(curve.at(along) + aside_mm * curve.axes_at(along)[0])
    radius = french * FRENCH_MM / 2
    shaft = Tube(course, Profile.along(course, 0.0, radius, radius))
    middles = 6.0 + spacing_mm * np.arange(bands)
    middles = middles[middles < course.length_mm - 2.0]
    pieces = tuple(_band(course, float(middle), radius + 0.08) for middle in middles)
    return Catheter(shaft, pieces, french, spacing_mm, course.at(middles))


def _band(course: Curve, middle_mm: float, radius_mm: float) -> Tube:
    ends = course.at([middle_mm - 0.6, middle_mm, middle_mm + 0.6])
    return Tube.plain(ends, radius_mm, radius_mm)


def catheter_image(catheter: Catheter, carm: Carm) -> Image:
    """Return the (rows, columns) attenuation of a catheter."""
    bands = (_tube_image(band, carm, _BAND_PER_MM) for band in catheter.bands)
    shaft = _tube_image(catheter.shaft, carm, _SHAFT_PER_MM)
    return np.asarray(np.add.reduce([shaft, *bands]), dtype=np.float64)


def _tube_image(tube: Tube, carm: Carm, per_mm: float) -> Image:
    paths = tube_paths(tube, carm)
    total = np.bincount(paths.pixels, paths.lengths_mm, minlength=carm.rows * carm.columns)
    return np.asarray(per_mm * total.reshape(carm.rows, carm.columns), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ruler:
    """A ruler with metal ticks every 10 mm that lies along the patient on the table.

    ``start_lps_mm`` is its upper end, ``length_mm`` a multiple of 10.
    """

    start_lps_mm: tuple[float, float, float] = (72.0, 128.0, 130.0)
    length_mm: float = 300.0

    def ticks_lps_mm(self) -> FloatArray:
        """Return (n, 3) middles of the ticks."""
        down = np.arange(0.0, self.length_mm + 1e-6, 10.0)
        ticks: FloatArray = np.array(self.start_lps_mm) - down[:, None] * np.array([0.0, 0.0, 1.0])
        return ticks

    def image(self, carm: Carm) -> Image:
        """Return the (rows, columns) attenuation; every fifth tick is longer."""
        lines = []
        for number, tick in enumerate(self.ticks_lps_mm()):
            half = 5.0 if number % 5 == 0 else 2.5
            across = np.linspace(-half, half, 101)[:, None] * np.array([1.0, 0.0, 0.0])
            lines.append(tick + across)
        wires = Filaments.along(lines, 0.6)
        image: Image = _RULER_PER_MM * wire_image(wires, carm)
        return image
