"""What lies in an angiogram besides the patient: a marker catheter and a ruler."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.errors import UsageError
from venoseg.phantom.curve import Curve
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.tube import Profile, Tube
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_paths import Image, tube_paths, wire_image
from venoseg.volume import FloatArray

FRENCH_MM = 1 / 3
SHAFT_PER_MM = 0.09
_BAND_PER_MM = 0.9
_RULER_PER_MM = 0.8
_KERNEL_PX = 16


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


def catheter_image(catheter: Catheter, carm: Carm, rays: int = 1, blur_px: float = 0.0) -> Image:
    """Return the (rows, columns) attenuation of a catheter.

    ``rays`` run through every pixel from side to side and from top to bottom, an odd number. With
    one, edges have detail finer than pixels, which sampling turns into false coarse detail, as
    large as what tells the width of a thin shaft. A detector blurs before it samples: with more
    rays the picture becomes, once it is blurred by ``blur_px``, what it would be if it had been
    blurred before it was sampled.
    """
    if rays < 1 or rays % 2 == 0:
        raise UsageError("the number of rays through a pixel must be odd")
    finer = replace(
        carm, rows=carm.rows * rays, columns=carm.columns * rays, pixel_mm=carm.pixel_mm / rays
    )
    bands = [_tube_image(band, finer, _BAND_PER_MM) for band in catheter.bands]
    image = np.asarray(
        np.add.reduce([_tube_image(catheter.shaft, finer, SHAFT_PER_MM), *bands]), np.float64
    )
    return image if rays == 1 else _sampled(image, rays, blur_px)


def _sampled(attenuation: Image, rays: int, blur_px: float) -> Image:
    """Return what pixels see of a finer image before they are blurred.

    Of detail finer than pixels so much is left as a blur before sampling would have left of it,
    over what the blur leaves of the coarse detail that it turns into. Only the box around the
    device is gone through; around it nothing is attenuated.
    """
    from scipy.ndimage import convolve1d

    image = np.zeros((attenuation.shape[0] // rays, attenuation.shape[1] // rays))
    rows, columns = (np.flatnonzero(attenuation.any(axis=axis)) // rays for axis in (1, 0))
    if not len(rows):
        return image
    top, left = max(rows[0] - _KERNEL_PX, 0), max(columns[0] - _KERNEL_PX, 0)
    box = np.s_[top : rows[-1] + _KERNEL_PX + 1, left : columns[-1] + _KERNEL_PX + 1]
    fine = np.s_[top * rays : box[0].stop * rays, left * rays : box[1].stop * rays]
    away = np.arange(-_KERNEL_PX * rays, _KERNEL_PX * rays + 1) / rays
    frequency = np.linspace(0.0, rays / 2, 4097)
    kept = np.exp(-2.0 * (np.pi * blur_px) ** 2 * np.maximum(2.0 * frequency - 1.0, 0.0))
    kernel = np.trapezoid(kept * np.cos(2.0 * np.pi * away[:, None] * frequency), frequency, axis=1)
    kernel /= kernel.sum()
    passed = np.exp(-attenuation[fine])
    for axis in (0, 1):
        passed = convolve1d(passed, kernel, axis=axis, mode="nearest")
        passed = passed.take(range(rays // 2, passed.shape[axis], rays), axis=axis)
    image[box] = -np.log(np.maximum(passed, 1e-6))
    return image


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
