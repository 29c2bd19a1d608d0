"""Where contrast medium is followed: the measured veins, places on them, and all beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.angiography.projection import Projection
from venoseg.angiography.run import Image
from venoseg.angiography.strays import ASTRAY, BRIDGED
from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray

ELSEWHERE = "elsewhere"
"""Name of the region beside the measured veins and all outlined vessels."""

# A vessel beside the measured veins must rise so far above the noise, and hold so many pixels.
_DISTINCT = 5.0
_FAINTEST = 0.06
_LEAST_PX = 40
# Distance from the measured vein's edge at which another vessel is one.
_APART_PX = 3
_RIM_PX = 2

# Stations of a vein that are drawn at once.
_PIECE = 12


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels whose mean is followed.

    ``name`` is ``main``, ``collateral``, or a vein and a place on it; ``where`` (rows, columns).
    """

    name: str
    where: BoolArray


def regions_of(
    projections: list[Projection], composite: Image, seen: BoolArray, *, subtracted: bool = True
) -> list[Region]:
    """Return the measured veins as ``main``, all other vessels as ``collateral``, and places.

    Without subtraction other vessels cannot be told from the rest of the patient: there are none.
    """
    main = np.zeros(composite.shape, dtype=bool)
    regions = []
    for projection in projections:
        lumen = lumen_mask(projection, composite.shape, _own(projection))
        main |= lumen
        regions += _places(projection, composite.shape)
    main &= seen
    covered = main | _beyond_ends(projections, main.shape)
    beside = np.zeros_like(main)
    if subtracted:
        beside = other_vessels(composite, seen, covered, projections)
    return [Region("main", main), Region("collateral", beside), *regions]


def _own(projection: Projection) -> BoolArray:
    """Return (n,) where a course follows its vein, and no other vessel or a line beside them."""
    return np.array([not {BRIDGED, ASTRAY} & set(flag.split(";")) for flag in projection.flags])


def elsewhere_of(projections: list[Projection], regions: list[Region], seen: BoolArray) -> Region:
    """Return what is seen beside the measured veins, their ways on, and all other vessels."""
    named = {region.name: region.where for region in regions}
    own = named["main"] | _beyond_ends(projections, seen.shape)
    return Region(ELSEWHERE, seen & ~_near(own) & ~named["collateral"])


def lumen_mask(
    projection: Projection, shape: tuple[int, ...], stations: BoolArray | None = None
) -> BoolArray:
    """Return (rows, columns), True between the edges of a vein, shut stretches included.

    ``stations`` (n,) chooses some of them; None: all.
    """
    from skimage.draw import polygon2mask

    contours = projection.edges.contours_px()
    mask = np.zeros(shape, dtype=bool)
    chosen = np.ones(len(contours), dtype=bool) if stations is None else stations
    # Short pieces, each in its own box: a polygon's cost is its corners times its pixels.
    for start, last in [
        (begin, min(begin + _PIECE, stop - 1))
        for first, stop in runs_of(chosen)
        for begin in range(first, stop - 1, _PIECE)
    ]:
        piece = contours[start : last + 1]
        ring = np.concatenate([piece[:, 0], piece[::-1, 1]])[:, ::-1]
        low = np.maximum(np.floor(ring.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(ring.max(axis=0)).astype(int) + 1, shape)
        if (high > low).all():
            drawn = polygon2mask(tuple(high - low), ring - low)
            mask[low[0] : high[0], low[1] : high[1]] |= np.asarray(drawn, dtype=bool)
    return mask


def other_vessels(
    composite: Image, seen: BoolArray, main: BoolArray, projections: list[Projection]
) -> BoolArray:
    """Return where vessels other than the measured ones fill."""
    calm = ndimage.gaussian_filter(composite, 1.0)
    calm = calm - np.float32(np.median(calm[seen]))
    noise = 1.4826 * float(np.median(np.abs(calm[seen & ~main])))
    usual = float(np.median([np.median(p.edges.amplitude[p.filled]) for p in projections]))
    threshold = max(_DISTINCT * noise, _FAINTEST * usual)
    found = (calm > threshold) & ~_near(main) & seen
    labels, count = ndimage.label(found, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept: BoolArray = (sizes >= _LEAST_PX)[labels]
    # The rim of a vessel is fainter than what was sought.
    whole: BoolArray = ndimage.binary_dilation(kept, iterations=_RIM_PX) & ~main & seen
    return whole if kept.any() else kept


def _near(where: BoolArray) -> BoolArray:
    """Return what lies at most `_APART_PX` from a mask, line by line of the disc around a pixel.

    A map of all distances takes twenty times as long.
    """
    padded = np.pad(where, _APART_PX)
    rows, columns = where.shape
    near = np.zeros_like(where)
    for right in range(-_APART_PX, _APART_PX + 1):
        reach = int(np.sqrt(_APART_PX**2 - right**2))
        for down in range(-reach, reach + 1):
            top, left = _APART_PX + down, _APART_PX + right
            near |= padded[top : top + rows, left : left + columns]
    return near


def _beyond_ends(projections: list[Projection], shape: tuple[int, ...]) -> BoolArray:
    """Return discs of a vein's width at its ends: there it only goes on."""
    discs = np.zeros(shape, dtype=bool)
    for projection in projections:
        width = float(np.median(projection.edges.width_px[projection.filled]))
        own = _own(projection)
        for end in projection.edges.course.points_px[[0, -1]][own[[0, -1]]]:
            low = np.maximum(np.floor(end - 1.2 * width), 0).astype(int)
            high = np.minimum(np.ceil(end + 1.2 * width).astype(int) + 1, shape[::-1])
            row, column = np.ogrid[low[1] : high[1], low[0] : high[0]]
            disc = (column - end[0]) ** 2 + (row - end[1]) ** 2 <= (1.2 * width) ** 2
            discs[low[1] : high[1], low[0] : high[0]] |= disc
    return discs


def _places(projection: Projection, shape: tuple[int, ...]) -> list[Region]:
    """Return the vein's central end, middle and peripheral end, where it fills."""
    stations = np.flatnonzero(projection.filled & np.isfinite(projection.diameter_px))
    if len(stations) < 12:
        return []
    count = len(projection.filled)
    wanted = {"central_end": 0.06, "middle": 0.5, "peripheral_end": 0.94}
    regions = []
    for name, share in wanted.items():
        nearest = stations[np.abs(stations - share * (count - 1)).argmin()]
        around = np.arange(max(nearest - 3, 0), min(nearest + 4, count))
        inner = np.linspace(0.25, 0.75, 9)
        edges = projection.edges.edges_px[around]
        offsets = edges[:, :1] + inner * (edges[:, 1:] - edges[:, :1])
        column, row = _points(projection, around, offsets)
        where = np.zeros(shape, dtype=bool)
        row = np.clip(np.rint(row).astype(int), 0, shape[0] - 1)
        column = np.clip(np.rint(column).astype(int), 0, shape[1] - 1)
        where[row, column] = True
        regions.append(Region(f"{projection.vessel}:{name}", where))
    return regions


def _points(
    projection: Projection,
    stations: np.ndarray[tuple[int], np.dtype[np.int64]],
    offsets: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    course = projection.edges.course
    points = (
        course.points_px[stations][:, None, :]
        + offsets[..., None] * course.normals[stations][:, None, :]
    )
    return points[..., 0].ravel(), points[..., 1].ravel()
