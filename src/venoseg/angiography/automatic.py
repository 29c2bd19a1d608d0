"""The main vessel of a picture, found without seeds: long and wide, from end to end."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from venoseg.angiography.course import Ground, find_path
from venoseg.angiography.resampling import shrunk
from venoseg.angiography.run import Image
from venoseg.errors import MeasurementError
from venoseg.volume import BoolArray, FloatArray

_COLUMNS = 512
_DISTINCT = 6.0
_LEAST_SHARE = 0.002
_WIDE = 2.0

# A vein that runs up and down again by more than this share of its height is two, joined at their
# confluence; the way round it would show a stenosis that is not there.
_TURNS_BACK = 0.3


def main_vessel_path(picture: Image, seen: BoolArray) -> FloatArray:
    """Return the (n, 2) course, column and row, of the main vessel from its upper end.

    It is the path along which the sum of the vessel's widths is largest, without its last width at
    either end, where the vessel only seems to narrow.

    Raises
    ------
    MeasurementError
        When nothing fills, or the longest way leads from one vein into another.
    """
    from skimage.graph import MCP_Geometric

    shrink = max(-(-picture.shape[1] // _COLUMNS), 1)
    small = ndimage.gaussian_filter(shrunk(picture, shrink), 1.5)
    open_area = shrunk(seen.astype(np.float32), shrink) > 0.99
    vessels = filled_vessels(small, open_area)
    depth = ndimage.distance_transform_edt(vessels)
    # Along the middle of wide vessels a step costs little, so the farthest way is the widest.
    inner = np.where(vessels, (depth.max() / np.maximum(depth, 0.5)) ** _WIDE, -1.0)
    start = np.unravel_index(int(depth.argmax()), depth.shape)
    ends = []
    for _ in range(2):
        search = MCP_Geometric(inner)
        costs, came = search.find_costs([tuple(start)])
        way = _way(costs, came, np.asarray(search.offsets), depth)
        start = np.unravel_index(int(way.argmax()), way.shape)
        ends.append((np.array(start, dtype=np.float64) + 0.5) * shrink - 0.5)
    points = np.array(ends)[:, ::-1]
    path = find_path(Ground.of(picture, seen), points[np.argsort(points[:, 1])])
    _refuse_turning_back(path)
    rows, columns = np.rint((path[:, ::-1] + 0.5) / shrink - 0.5).astype(int).T
    inside = (rows < depth.shape[0]) & (columns < depth.shape[1])
    width = 2.0 * shrink * float(np.median(depth[rows[inside], columns[inside]]))
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    trim = min(0.7 * width, arc[-1] / 4)
    trimmed: FloatArray = path[(arc >= trim) & (arc <= arc[-1] - trim)]
    return trimmed


def _refuse_turning_back(path: FloatArray) -> None:
    height = float(np.ptp(path[:, 1]))
    climbed = abs(float(path[-1, 1] - path[0, 1]))
    if height > np.ptp(path[:, 0]) / 2.0 and height - climbed > _TURNS_BACK * height:
        raise MeasurementError(
            "several veins fill and join, and which of them to measure cannot be told",
            remedy="name the ends of the vein with --seeds",
        )


def filled_vessels(picture: Image, seen: BoolArray) -> BoolArray:
    """Return where the largest connected filled vessel lies.

    Raises
    ------
    MeasurementError
        When nothing stands out from the background.
    """
    base = float(np.median(picture[seen]))
    noise = 1.4826 * float(np.median(np.abs(picture[seen] - base))) + 1e-9
    top = float(np.percentile(picture[seen], 99.5)) - base
    if top < _DISTINCT * noise:
        raise MeasurementError(
            "no contrast medium is seen in the run",
            remedy="choose the run, or with --frames the part of it, in which veins fill",
        )
    found = (picture - base > max(_DISTINCT * noise, 0.25 * top)) & seen
    labels, count = ndimage.label(found, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    if not count or sizes.max() < _LEAST_SHARE * picture.size:
        raise MeasurementError(
            "no contrast medium is seen in the run",
            remedy="choose the run, or with --frames the part of it, in which veins fill",
        )
    largest: BoolArray = labels == int(sizes.argmax())
    return largest


def _way(costs: FloatArray, came: FloatArray, moves: FloatArray, depth: FloatArray) -> FloatArray:
    """Return how far each pixel lies, counted in widths passed on the way to it; -1 outside.

    ``came`` is the number of the move, of ``moves``, by which the cheapest way enters a pixel.
    """
    flat_costs = costs.ravel()
    order = np.argsort(flat_costs)
    order = order[: int(np.isfinite(flat_costs).sum())]
    steps = (moves @ np.array([costs.shape[1], 1])).astype(np.int64)
    lengths, entered, thick = np.linalg.norm(moves, axis=1), came.ravel(), depth.ravel()
    total = np.full(costs.size, -1.0)
    total[order[0]] = 0.0
    for place in order[1:]:
        move = entered[place]
        total[place] = total[place - steps[move]] + lengths[move] * thick[place]
    return total.reshape(costs.shape)
