"""The projected diameter along a vein, with what can be said about each position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from venoseg.angiography.edges import Edges
from venoseg.angiography.run import Image
from venoseg.dicom.calibration import Calibration
from venoseg.tables import Column, Row, Table
from venoseg.volume import BoolArray, FloatArray

PROJECTION_COLUMNS = (
    Column("vessel", "name of the vein"),
    Column("position_px", "length along the projected centreline from the central end", 2),
    Column("column_px", "of the middle, from 0 at the centre of the first pixel", 3),
    Column("row_px", "of the middle, from 0 at the centre of the first pixel", 3),
    Column("diameter_px", "distance of the edges across the vein; 0 where occluded", 3),
    Column("diameter_mm", "the same in the patient; empty without a calibration", 3),
    Column("diameter_low_mm", "lower end of the 95 % interval", 3),
    Column("diameter_high_mm", "upper end of the 95 % interval", 3),
    Column("length_kind", "calibrated, isocentre, detector or pixel"),
    Column("state", "patent, stenotic, occluded or not_assessable"),
    Column("flags", "what is odd here"),
)

UNLIKE = "profile_unlike_a_single_vein"
"""Flag of stations at which another vessel overlaps or branches off."""

# Opacity times width below this share of the vein's usual is no filling.
_EMPTY = 0.02
_EMPTY_SD = 4.0
_SHORTEST_GAP_PX = 4
# What lies further beside the course than this share of the width is another vessel.
_ASIDE = 0.4
# Filled stretches inside a gap shorter than this share of the width are vessels that cross it.
_ISLAND = 0.5

# Half widths of 95 % of what noise does not explain: sampling and the profile's model, in pixels
# and as a share of the width.
_MODEL_PX = 0.13
_MODEL_SHARE = 0.005

# Half width, as a share of the width, of what a profile unlike a single vein's does to its edges:
# another vessel that overlaps may take the place of one of them in part.
_UNLIKE = 0.2

# Half width, as a share of the width, of what the unknown curve of pixels made for display does: it
# makes a round section's profile look like a boxier one's, and what is blur cannot be told then.
_DISPLAYED = 0.06

# Edges known no better than to this share of the width are not drawn or given.
_UNSURE = 0.25

# So much beside the lumen must be seen to tell its edges: pixels, and a share of the width.
_MARGIN_PX = 4.0
_MARGIN = 0.1

_SATURATED = 0.2
_MISFIT = 0.2
_BESIDE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """A vein's projected diameters at n positions from its central end.

    Attributes
    ----------
    vessel
        Its name.
    edges
        Where its edges are.
    diameter_px
        (n,) 0 where occluded, NaN where it could not be measured.
    half_px
        (n,) half width of the 95 % interval of the edges alone.
    filled
        (n,) where contrast medium fills the lumen.
    state, flags
        n each; flags separated by a semicolon.
    calibration
        What a pixel is.
    """

    vessel: str
    edges: Edges
    diameter_px: FloatArray
    half_px: FloatArray
    filled: BoolArray
    state: tuple[str, ...]
    flags: tuple[str, ...]
    calibration: Calibration

    @property
    def position_px(self) -> FloatArray:
        """(n,) along the course."""
        return self.edges.course.position_px

    @property
    def mm_per_px_across(self) -> FloatArray | None:
        """(n,) size of a pixel across the vein in the patient; None without a calibration."""
        return self._mm_per_px(self.edges.course.normals)

    @property
    def position_mm(self) -> FloatArray | None:
        """(n,) length along the course in the plane of the calibration; None without one."""
        steps = np.diff(self.edges.course.points_px, axis=0)
        size = np.linalg.norm(steps, axis=1)
        factor = self._mm_per_px(steps / size[:, None])
        if factor is None:
            return None
        return np.concatenate([[0.0], np.cumsum(size * factor)])

    def diameters_mm(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """Return (n,) diameters and both ends of their 95 % intervals; None without a calibration.

        The interval holds the edges, the calibration and the depth at which it was made.
        """
        factor, share = self.mm_per_px_across, self.calibration.relative_uncertainty
        if factor is None or share is None:
            return None
        half = np.hypot(self.half_px * factor, share * self.diameter_px * factor)
        diameter = self.diameter_px * factor
        shut = self.diameter_px == 0
        half = np.where(shut, 0.0, half)
        return diameter, np.maximum(diameter - half, 0.0), diameter + half

    def _mm_per_px(self, directions: FloatArray) -> FloatArray | None:
        size = self.calibration.mm_per_pixel
        if not self.calibration.is_patient_length or size is None:
            return None
        row_mm, column_mm = size
        factor: FloatArray = np.hypot(directions[:, 0] * column_mm, directions[:, 1] * row_mm)
        return factor


def project(
    vessel: str,
    edges: Edges,
    calibration: Calibration,
    *,
    saturated: Image,
    seen: BoolArray,
    displayed: bool = False,
    stenotic: BoolArray | None = None,
    decided: BoolArray | None = None,
) -> Projection:
    """Judge the edges of a vein position by position.

    Parameters
    ----------
    vessel
        Its name.
    edges
        From `find_edges`.
    calibration
        What a pixel is.
    saturated
        (rows, columns) share of frames in which a pixel stood at the end of its range.
    seen
        (rows, columns), True where the picture shows the patient.
    displayed
        Whether the pixels were made for display.
    stenotic
        (n,) where the vein is narrowed, when that is known already.
    decided
        (n,) where a person drew an edge, which counts however wide its interval.
    """
    filled, shut = filling(edges)
    inside = _seen_with_surroundings(edges, seen)
    clipped = _share_inside(edges, saturated) > _SATURATED
    unlike = (edges.misfit > _MISFIT) | (edges.beside > _BESIDE)
    model = np.hypot(_MODEL_PX, _MODEL_SHARE * edges.width_px)
    half = np.hypot(1.96 * edges.width_sd_px, model)
    half = np.where(unlike, np.hypot(half, _UNLIKE * edges.width_px), half)
    half = np.where(shut, 0.0, half)
    usual = float(np.median(edges.width_px[filled])) if filled.any() else 0.0
    unsure = half > _UNSURE * np.maximum(edges.width_px, usual)
    if decided is not None:
        unsure &= ~decided
    if displayed:
        half = np.where(shut, 0.0, np.hypot(half, _DISPLAYED * edges.width_px))
    usable = filled & inside & ~clipped & ~unsure
    diameter = np.where(usable, edges.width_px, np.where(shut, 0.0, np.nan))
    narrow = np.zeros(len(filled), dtype=bool) if stenotic is None else stenotic
    state = np.where(usable, np.where(narrow, "stenotic", "patent"), "not_assessable")
    state = np.where(shut, "occluded", state)
    named = (
        ("saturated", clipped & filled),
        ("outside_picture", ~inside),
        ("edges_unsure", unsure & filled & inside),
        ("not_filled", ~filled & ~shut),
        (UNLIKE, unlike & usable),
    )
    flags = tuple(";".join(name for name, where in named if where[n]) for n in range(len(filled)))
    return Projection(
        vessel,
        edges,
        diameter,
        half,
        filled,
        tuple(str(word) for word in state),
        flags,
        calibration,
    )


def projection_rows(projection: Projection) -> list[Row]:
    """Return the rows of ``projection.csv`` of one vein."""
    in_mm = projection.diameters_mm()
    contours = projection.edges.contours_px()
    middles = contours.mean(axis=1)
    positions = projection.position_px
    rows: list[Row] = []
    for n in range(len(positions)):
        value = float(projection.diameter_px[n])
        known = np.isfinite(value)
        shown = [None] * 3 if in_mm is None or not known else [float(part[n]) for part in in_mm]
        rows.append(
            {
                "vessel": projection.vessel,
                "position_px": float(positions[n]),
                "column_px": float(middles[n, 0]),
                "row_px": float(middles[n, 1]),
                "diameter_px": value if known else None,
                "diameter_mm": shown[0],
                "diameter_low_mm": shown[1],
                "diameter_high_mm": shown[2],
                "length_kind": projection.calibration.length_kind,
                "state": projection.state[n],
                "flags": projection.flags[n],
            }
        )
    return rows


def projection_table(projections: list[Projection]) -> Table:
    """Return ``projection.csv``."""
    rows = [row for projection in projections for row in projection_rows(projection)]
    return Table.from_rows(PROJECTION_COLUMNS, rows)


def filling(edges: Edges) -> tuple[BoolArray, BoolArray]:
    """Return where the vein fills, and where it is shut between two stretches that fill."""
    mass = np.maximum(edges.amplitude, 0.0) * edges.width_px
    doubt = edges.amplitude_sd * edges.width_px
    usual = float(np.percentile(mass, 75))
    calm = ndimage.median_filter(mass, 5, mode="nearest")
    filled = calm > np.maximum(_EMPTY * usual, _EMPTY_SD * ndimage.median_filter(doubt, 5))
    width = float(np.median(edges.width_px[filled])) if filled.any() else 1.0
    filled &= np.abs(edges.edges_px.mean(axis=1)) < _ASIDE * width
    filled = _without_short(filled, max(int(_ISLAND * width), 3))
    empty = _without_short(~filled, _SHORTEST_GAP_PX)
    stations = np.flatnonzero(~empty)
    between = np.zeros(len(filled), dtype=bool)
    if len(stations):
        between[stations[0] : stations[-1] + 1] = True
    return ~empty, empty & between


def _without_short(where: BoolArray, length: int) -> BoolArray:
    """Return a mask without its runs shorter than a length, those at the ends kept."""
    labels, count = ndimage.label(where)
    kept = where.copy()
    for run in range(1, count + 1):
        places = np.flatnonzero(labels == run)
        at_end = places[0] == 0 or places[-1] == len(where) - 1
        if len(places) < length and not at_end:
            kept[places] = False
    return kept


def _seen_with_surroundings(edges: Edges, seen: BoolArray) -> BoolArray:
    """Return (n,) where the lumen is seen, and enough beside it to tell its edges."""
    width = np.maximum(edges.width_px, 1.0)
    margin = np.maximum(_MARGIN, _MARGIN_PX / width)
    beyond = np.stack([-margin, -margin / 2, 1.0 + margin / 2, 1.0 + margin], axis=1)
    whole = _values_at(edges, seen.astype(np.float32), beyond).min(axis=1) > 0.5
    lumen: BoolArray = _share_inside(edges, seen.astype(np.float32)) > 0.98
    return np.asarray(whole & lumen, dtype=bool)


def _share_inside(edges: Edges, picture: Image) -> FloatArray:
    """Return the (n,) mean of a picture over the lumen at each station."""
    at = np.broadcast_to(np.linspace(0.05, 0.95, 10), (len(edges.width_px), 10))
    mean: FloatArray = _values_at(edges, picture, at).mean(axis=1)
    return mean


def _values_at(edges: Edges, picture: Image, shares: FloatArray) -> FloatArray:
    """Return (n, m) values of a picture at (n, m) shares of the way from edge to edge."""
    points = edges.course.at(edges.edges_px[:, :1] + shares * edges.width_px[:, None])
    values: FloatArray = ndimage.map_coordinates(
        picture, [points[..., 1], points[..., 0]], order=1, mode="constant"
    )
    return values
