"""The edges of a filled vein at sub-pixel precision, station by station."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from venoseg.angiography.centring import WIDEST, centred
from venoseg.angiography.course import Course
from venoseg.angiography.grain import Grain
from venoseg.angiography.looks import common_look, fit_sections
from venoseg.angiography.outline import SAMPLE_PX, sample_across, seen_across, steepest_edges
from venoseg.angiography.run import Image
from venoseg.angiography.widthmodel import Fit, Look, Samples, fit_profiles, left_over
from venoseg.volume import BoolArray, FloatArray

# Across a vein so wide every other sample tells as much.
_WIDE_PX = 24.0

# Background beside the vein that is fitted along with it, as a share of the width, and at least.
_BESIDE = 0.35
_BESIDE_PX = 4.0
_FEWEST_SAMPLES = 10

# The opacity in the middle is taken from this share of the width on either side of it.
_CORE = 0.3

# Edges are averaged over stations this far apart, as a share of the width.
_AVERAGED = 0.06
# The average may widen the narrowest place of a vein by this much.
_OFF_PX = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The vein's edges at n stations of its course.

    Attributes
    ----------
    course
        The stations.
    edges_px
        (n, 2) distances of the edges from the course along the normal.
    width_sd_px
        (n,) standard deviation of the width.
    amplitude, amplitude_sd
        (n,) opacity in the middle of the vein.
    misfit
        (n,) what the fitted profile leaves unexplained, as a share of the amplitude.
    beside
        (n,) opacity next to the vein that it does not have elsewhere, as a share of the amplitude.
    exponent
        (n,) of the section's profile; 2 for an ellipse.
    look
        Blur and scatter that fit best.
    noise
        Standard deviation of the picture beside vessels.
    """

    course: Course
    edges_px: FloatArray
    width_sd_px: FloatArray
    amplitude: FloatArray
    amplitude_sd: FloatArray
    misfit: FloatArray
    beside: FloatArray
    exponent: FloatArray
    look: Look
    noise: float

    @property
    def width_px(self) -> FloatArray:
        """(n,) distance of the edges."""
        width: FloatArray = self.edges_px[:, 1] - self.edges_px[:, 0]
        return width

    def contours_px(self) -> FloatArray:
        """Return (n, 2, 2): column and row of the left and the right edge."""
        return self.course.at(self.edges_px)


def find_edges(
    picture: Image,
    seen: BoolArray,
    path_px: FloatArray,
    *,
    clear: Image | None = None,
    logarithmic: bool = True,
    grain: Grain | None = None,
) -> Edges:
    """Find the edges of the vein along a rough path.

    Parameters
    ----------
    picture
        (rows, columns) opacity.
    seen
        Where the picture shows the patient.
    path_px
        (n, 2) column and row.
    clear
        (rows, columns) how much each pixel counts, as `clear_of_devices` gives it; None: all alike.
    logarithmic
        Whether opacities are natural logarithms of intensity; else blur is taken to act on them.
    grain
        Of the picture, where it is known already.

    Raises
    ------
    MeasurementError
        When no vein stands out along the path.
    """
    grain = grain or Grain.of(picture, seen)
    noise = grain.noise
    course, width = centred(picture, path_px, noise)
    reach = min(1.2 * float(np.percentile(width, 95)) + 6.0, WIDEST * picture.shape[1])
    offsets = np.arange(-np.ceil(reach), np.ceil(reach) + SAMPLE_PX / 2, SAMPLE_PX)
    values = sample_across(picture, course, offsets)
    inside = seen_across(seen, course, offsets)
    start = steepest_edges(offsets, values)
    counted = np.ones_like(values)
    if clear is not None:
        counted = sample_across(clear, course, offsets, order=1)
    weights = _weights(offsets, start, inside) * counted
    opacity = np.zeros(len(values))
    if logarithmic:
        opacity = _middle_opacity(offsets, values, start, counted)
    wide = float(np.median(start[:, 1] - start[:, 0]))
    # Across a wide vein every other sample tells as much, and all take twice as long.
    thin = np.s_[:, ::2] if wide >= _WIDE_PX else np.s_[:, :]
    samples = Samples(
        offsets[thin[1]],
        values[thin].astype(np.float32),
        weights[thin].astype(np.float32),
        opacity,
        noise,
    )
    look = common_look(samples, start, logarithmic)
    samples = samples.some(np.arange(len(values)))
    first = fit_profiles(samples, start, look)
    calm = _without_outliers(samples, first, look)
    fit, exponent = fit_sections(calm, start, look, first.edges_px)
    beside = _opacity_beside(offsets, values, fit.edges_px)
    per_pixel = 1.0 / float(samples.offsets_px[1] - samples.offsets_px[0])
    return _averaged(course, fit, beside, look, exponent, noise, (per_pixel, grain.length_px))


def _weights(offsets: FloatArray, edges: FloatArray, inside: BoolArray) -> FloatArray:
    """Return (n, m): 1 in the vein and a little beside it, 0 further out and under shutters."""
    beside = np.maximum(_BESIDE * (edges[:, 1] - edges[:, 0]), _BESIDE_PX)[:, None]
    near = (offsets > edges[:, :1] - beside) & (offsets < edges[:, 1:] + beside)
    counted = near & inside
    # A station with nothing to see is judged as such later; here it only must not divide by zero.
    counted[counted.sum(axis=1) < _FEWEST_SAMPLES] = True
    return counted.astype(np.float64)


def _middle_opacity(
    offsets: FloatArray, values: FloatArray, edges: FloatArray, clear: FloatArray
) -> FloatArray:
    """Return (n,) rough opacities in the middle of a round vein, above what lies beside it."""
    middle, width = edges.mean(axis=1)[:, None], (edges[:, 1] - edges[:, 0])[:, None]
    from_middle = np.abs(offsets - middle)
    core = (from_middle <= np.maximum(_CORE * width, 1.0)) * clear
    beside = ((from_middle > 0.5 * width + 2.0) & (from_middle < 0.8 * width + 4.0)) * clear
    base = (values * beside).sum(axis=1) / np.maximum(beside.sum(axis=1), 1e-6)
    chord = np.sqrt(np.maximum(1.0 - (2.0 * from_middle / np.maximum(width, 2.0)) ** 2, 0.1))
    above = (values - base[:, None]) * core
    rise = np.maximum(above.sum(axis=1) / (chord * core).sum(axis=1), 0.0)
    return np.asarray(ndimage.gaussian_filter1d(rise, 3.0))


def _without_outliers(samples: Samples, fit: Fit, look: Look) -> Samples:
    """Return samples in which places far off the profile, as over a catheter, count little."""
    left = left_over(replace(samples, weights=np.ones_like(samples.weights)), fit.edges_px, look)
    scatter = np.nanmedian(np.where(samples.weights > 0, np.abs(left), np.nan), axis=1)
    size = np.abs(left) / np.maximum(3.0 * 1.4826 * scatter[:, None], 1e-9)
    return replace(samples, weights=samples.weights / np.maximum(size, 1.0) ** 2)


def _averaged(
    course: Course,
    fit: Fit,
    beside: FloatArray,
    look: Look,
    exponent: FloatArray,
    noise: float,
    grain: tuple[float, float],
) -> Edges:
    """Average edges along the vein; ``grain``: samples a pixel, and pixels of one grain."""
    per_pixel, grain_px = grain
    sigma = _averaged_over(fit.edges_px[:, 1] - fit.edges_px[:, 0])
    along = np.arange(len(sigma))
    near = np.exp(-0.5 * ((along[:, None] - along) / sigma[:, None]) ** 2)
    certainty = 1.0 / (fit.edge_sd_px**2 + 0.05**2)
    edges = (near @ (certainty * fit.edges_px)) / (near @ certainty)
    # Neighbouring samples are not independent: they are interpolated from the same grain.
    independent = np.maximum(2.0 * sigma * np.sqrt(np.pi) / grain_px, 1.0)
    sd = fit.width_sd_px * np.sqrt(max(per_pixel * grain_px, 1.0) / independent)
    sd = np.maximum(sd, _unrest(edges[:, 1] - edges[:, 0], float(np.median(sigma))))
    share = fit.misfit / np.maximum(np.abs(fit.amplitude), 1e-9)
    opacity = np.maximum(np.abs(fit.amplitude), 1e-9)
    return Edges(
        course,
        edges,
        sd,
        fit.amplitude,
        fit.amplitude_sd,
        share,
        beside / opacity,
        exponent,
        look,
        noise,
    )


def _averaged_over(width: FloatArray) -> FloatArray:
    """Return (n,) over how many stations edges are averaged: over few where a stenosis is tight."""
    sigma = float(np.clip(_AVERAGED * np.median(width), 1.0, 4.0))
    # An average lies off by half the bend times its variance.
    bend = ndimage.gaussian_filter1d(width, max(1.5 * sigma, 2.0), order=2, mode="nearest")
    allowed = np.sqrt(2.0 * _OFF_PX / np.maximum(np.abs(bend), 1e-9))
    stations: FloatArray = np.clip(allowed, min(0.5, sigma), sigma)
    return stations


def _opacity_beside(offsets: FloatArray, values: FloatArray, edges: FloatArray) -> FloatArray:
    """Return (n,) how much more opaque the more opaque side is than it usually is."""
    gap, reach = 2.0, np.maximum(_BESIDE * (edges[:, 1] - edges[:, 0]), _BESIDE_PX)[:, None]
    sides = []
    for where in (
        (offsets < edges[:, :1] - gap) & (offsets > edges[:, :1] - gap - reach),
        (offsets > edges[:, 1:] + gap) & (offsets < edges[:, 1:] + gap + reach),
    ):
        mean = (values * where).sum(axis=1) / np.maximum(where.sum(axis=1), 1)
        sides.append(mean - np.median(mean))
    more: FloatArray = np.maximum(*sides)
    return more


def _unrest(width: FloatArray, sigma: float) -> FloatArray:
    """Return the (n,) scatter of neighbouring widths: what noise does and no vein does."""
    swing = width - ndimage.gaussian_filter1d(width, 3.0 * sigma, mode="nearest")
    scatter: FloatArray = np.sqrt(ndimage.gaussian_filter1d(swing**2, 15.0, mode="nearest"))
    return scatter
