"""Where veins join: the confluence, and where each vein begins on the one it drains into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from venoseg.centerline.centering import half_width_mm
from venoseg.centerline.strands import Strand
from venoseg.volume import FloatArray

# Over this length next to a junction a vein is taken to run straight towards it.
_STRAIGHT_MM = 12.0


def joining_places(
    strands: Sequence[Strand], root: Strand | None
) -> tuple[dict[str, FloatArray], FloatArray | None]:
    """Find where each chain begins on the vein it drains into, and the confluence.

    Parameters
    ----------
    strands
        The central pieces of all chains.
    root
        The peripheral piece of the inferior vena cava.
    """
    apart = () if root is None else root.fed_apart
    feeding = [s for s in strands if s.parent == "ivc" and s.region.vessels[0] not in apart]
    begins: dict[str, FloatArray] = {}
    confluence = None
    if root is not None and feeding:
        confluence = _meeting_point(root, feeding)
        begins = {strand.region.vessels[0]: confluence for strand in feeding}
    for strand in strands:
        if strand.parent not in (None, "ivc"):
            trunk = next(s for s in strands if strand.parent in s.region.vessels)
            begin = _where_line_meets(trunk.path_lps_mm, *line_at_start(strand.path_lps_mm))
            begins[strand.region.vessels[0]] = begin
    return begins, confluence


def _meeting_point(root: Strand, feeding: Sequence[Strand]) -> FloatArray:
    """Return the point nearest to the straight continuations of all veins at the confluence."""
    lines = [line_at_start(root.path_lps_mm[::-1])]
    lines += [line_at_start(strand.path_lps_mm) for strand in feeding]
    touching = np.mean([s.joins_lps_mm for s in feeding if s.joins_lps_mm is not None], axis=0)
    meeting = nearest_to_lines(lines)
    away = float(np.linalg.norm(meeting - touching))
    astray = all(away > 2.0 * half_width_mm(c.region, c.path_lps_mm) for c in (root, *feeding))
    return np.asarray(touching if astray else meeting, dtype=np.float64)


def nearest_to_lines(lines: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """Return the point nearest to straight lines, each a point and a direction."""
    normal, target = np.zeros((3, 3)), np.zeros(3)
    for point, direction in lines:
        across = np.eye(3) - np.outer(direction, direction)
        normal += across
        target += across @ point
    return np.asarray(np.linalg.solve(normal + 1e-9 * np.eye(3), target), dtype=np.float64)


def line_at_start(path: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit a straight line to the beginning of a path: a point on it and its direction."""
    near = path[np.linalg.norm(path - path[0], axis=1) <= _STRAIGHT_MM]
    if len(near) < 3:
        near = path[:3]
    middle = near.mean(axis=0)
    direction = np.linalg.svd(near - middle)[2][0]
    return middle, direction * np.sign(direction @ (near[-1] - near[0]))


def _where_line_meets(path: FloatArray, point: FloatArray, direction: FloatArray) -> FloatArray:
    """Return the point of a path nearest to a line."""
    offset = path - point
    away = offset - np.outer(offset @ direction, direction)
    nearest: FloatArray = path[int(np.argmin(np.linalg.norm(away, axis=1)))]
    return nearest
