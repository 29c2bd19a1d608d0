"""The course of a vein in a picture: a smooth line of evenly spaced stations, with normals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from venoseg.angiography.run import Image
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

STEP_PX = 1.0

# Paths are sought in pictures of at most so many columns.
_SEARCH_COLUMNS = 512
# Cost of a pixel without contrast medium against one in the middle of a vein: 1 / this, squared.
# Large enough that a path runs straight on through a short gap, not round it by collaterals.
_GAP = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Stations along a vein from its central end.

    Attributes
    ----------
    points_px
        (n, 2) column and row, from 0 at the centre of the first pixel.
    normals
        (n, 2) unit vectors across, 90 degrees from the direction of the course.
    """

    points_px: FloatArray
    normals: FloatArray

    @property
    def position_px(self) -> FloatArray:
        """(n,) length along the course."""
        steps = np.linalg.norm(np.diff(self.points_px, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def at(self, offsets_px: FloatArray) -> FloatArray:
        """Return (n, m, 2) points at (n, m) or (m,) distances along the normals."""
        offsets = np.broadcast_to(offsets_px, (len(self.points_px), offsets_px.shape[-1]))
        result: FloatArray = (
            self.points_px[:, None, :] + offsets[..., None] * self.normals[:, None, :]
        )
        return result


def smooth_course(points_px: FloatArray, smoothing_px: float) -> Course:
    """Lay a smooth course through points, with a station every pixel.

    Wiggles shorter than about four times ``smoothing_px`` are removed; the ends stay.
    """
    from scipy import ndimage

    even = _even(points_px, STEP_PX)
    sigma = smoothing_px / STEP_PX
    # Mirrored through the ends, so that these neither move nor turn.
    reach = min(int(4 * sigma) + 1, len(even) - 1)
    head, tail = 2 * even[0] - even[reach:0:-1], 2 * even[-1] - even[-2 : -reach - 2 : -1]
    longer = np.concatenate([head, even, tail])
    smooth = ndimage.gaussian_filter1d(longer, max(sigma, 0.5), axis=0)[reach : reach + len(even)]
    points = _even(smooth, STEP_PX)
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    return Course(points, np.stack([-along[:, 1], along[:, 0]], axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a path through a picture costs, the more the less contrast medium it meets.

    Attributes
    ----------
    cost
        (r, c) of each pixel of the picture, made smaller.
    shrink
        How many pixels make one of the small picture, per axis.
    shape
        Rows and columns of the picture.
    """

    cost: FloatArray
    shrink: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, picture: Image, seen: BoolArray) -> Ground:
        """Look at a (rows, columns) opacity; paths go where the picture shows the patient."""
        rows, columns = picture.shape
        shrink = max(-(-columns // _SEARCH_COLUMNS), 1)
        return cls(_cost(picture, seen, shrink), shrink, (rows, columns))

    def nodes(self, places_px: FloatArray) -> npt.NDArray[np.intp]:
        """Return (n, 2) row and column in the small picture of (n, 2) columns and rows."""
        nodes = np.rint((places_px[:, ::-1] + 0.5) / self.shrink - 0.5).astype(np.intp)
        inside: npt.NDArray[np.intp] = np.clip(nodes, 0, np.array(self.cost.shape) - 1)
        return inside


def find_path(
    ground: Ground, points_px: FloatArray, trunk_px: FloatArray | None = None
) -> FloatArray:
    """Return the (n, 2) path of most contrast medium through points, in their order.

    Parameters
    ----------
    ground
        Of the picture.
    points_px
        (m, 2) column and row, two or more; one is enough where there is a trunk.
    trunk_px
        (k, 2) course of a vein that this one joins: the path begins where it reaches that one.

    Raises
    ------
    MeasurementError
        When a point lies outside the picture.
    """
    from skimage.graph import MCP_Geometric

    _check_inside(points_px, *ground.shape)
    nodes = ground.nodes(points_px)
    legs = []
    if trunk_px is not None:
        search = MCP_Geometric(ground.cost)
        ends = ground.nodes(trunk_px)
        # The search spreads by cost: the first place of the trunk that it reaches is the nearest.
        total, _ = search.find_costs([tuple(nodes[0])], ends.tolist(), find_all_ends=False)
        end = ends[int(total[ends[:, 0], ends[:, 1]].argmin())]
        legs.append(np.array(search.traceback(tuple(end)), dtype=np.float64)[::-1])
    for start, stop in pairwise(nodes):
        search = MCP_Geometric(ground.cost)
        search.find_costs([tuple(start)], [tuple(stop)])
        legs.append(np.array(search.traceback(tuple(stop)), dtype=np.float64))
    path = np.concatenate([legs[0], *(leg[1:] for leg in legs[1:])])
    whole = ((path + 0.5) * ground.shrink - 0.5)[:, ::-1]
    first = points_px[:1] if trunk_px is None else whole[:1]
    return np.concatenate([first, whole[1:-1], points_px[-1:]])


def _check_inside(points_px: FloatArray, rows: int, columns: int) -> None:
    outside = (points_px < 0) | (points_px > (columns - 1, rows - 1))
    if outside.any():
        column, row = points_px[outside.any(axis=1)][0]
        raise MeasurementError(
            f"the point at column {column:.0f}, row {row:.0f} lies outside the picture of "
            f"{columns} x {rows} pixels",
            remedy="correct the seeds",
        )


def _cost(picture: Image, seen: BoolArray, shrink: int) -> FloatArray:
    from scipy import ndimage

    from venoseg.angiography.resampling import shrunk

    small = ndimage.gaussian_filter(shrunk(picture, shrink), 2.0)
    open_area = shrunk(seen.astype(np.float32), shrink) > 0.5
    low, high = np.percentile(small[open_area], [30.0, 99.0])
    filled = np.clip((small - low) / max(float(high - low), 1e-9), 0.0, 1.5)
    cost: FloatArray = np.where(open_area, 1.0 / (_GAP + filled) ** 2, 1e3).astype(np.float64)
    return cost


def _even(points: FloatArray, step: float) -> FloatArray:
    apart = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-6])
    points = points[apart]
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    if arc[-1] < 8 * step:
        raise MeasurementError(
            "the two ends of the vein lie too close together",
            remedy="set them at least 8 pixels apart",
        )
    at = np.linspace(0.0, arc[-1], max(round(arc[-1] / step), 2) + 1)
    return np.stack([np.interp(at, arc, points[:, axis]) for axis in range(2)], axis=1)
