"""Sections of a vein that a sheet divides: which lumens show, followed from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.centerline.curve import Curve
from venoseg.centerline.regions import Region
from venoseg.centerline.sections import plane_offsets_mm, sample_planes
from venoseg.centerline.tree import Branch
from venoseg.lumen.geometry.contours import signed_mm
from venoseg.runs import runs_of
from venoseg.volume import BoolArray, FloatArray

_PIXEL_MM = 0.4

# Less of a sheet in a section does not part it; a smaller lumen is a ragged label.
_LEAST_SHEET_MM2, _LEAST_LUMEN_MM2 = 1.0, 4.0

# Voxels of a sheet that touch at corners only part lumens too: open is what holds less of it.
_CLEAR_OF_SHEET = 0.25

# The labels' steps are smoothed away over this much before the line midway between two lumens is
# laid.
_SMOOTHING_MM = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """Consecutive sections in which the same lumens show.

    Attributes
    ----------
    offsets_mm
        (m,) places along either axis.
    apart_mm
        (n, c, m, m) distance from each of c lumens, negative inside.
    wall_mm
        (n, m, m) that from the outer wall.
    sheet
        (n, m, m) share of the sheet in the labels.
    """

    offsets_mm: FloatArray
    apart_mm: FloatArray
    wall_mm: FloatArray
    sheet: npt.NDArray[np.float32]

    @property
    def pixel_mm(self) -> float:
        """Distance of the places."""
        return float(self.offsets_mm[1] - self.offsets_mm[0])


def divided_runs(branch: Branch, contours_mm: FloatArray) -> list[slice]:
    """Return the runs of stations in whose section a sheet shows."""
    region = branch.region
    assert region.sheets is not None
    offsets = plane_offsets_mm(branch.half_width_mm, 1.0)
    planes = sample_planes(region.sheets.view(np.uint8), region.grid, branch.curve, offsets)
    known = np.isfinite(contours_mm[:, 0, 0])
    shows = known & (planes.sum(axis=(1, 2)) >= _LEAST_SHEET_MM2)
    return [slice(start, stop) for start, stop in runs_of(shows)]


def alike_sections(
    region: Region, curve: Curve, run: slice, contours: FloatArray
) -> Iterator[tuple[slice, Sections]]:
    """Yield the stretches of a run with the same number of lumens, two or more."""
    assert region.sheets is not None
    offsets = plane_offsets_mm(float(np.abs(contours).max()) + 2.0, _PIXEL_MM)
    stations = curve.part(run)
    sheet = sample_planes(region.sheets.view(np.uint8), region.grid, stations, offsets)
    opened = sample_planes(
        (region.mask & ~region.sheets).view(np.uint8), region.grid, stations, offsets
    )
    points = np.stack(np.meshgrid(offsets, offsets), axis=-1)
    wall = np.stack([signed_mm(contour, points) for contour in contours])
    clear = (opened > 0.5) & (sheet < _CLEAR_OF_SHEET) & (wall < 0.5)
    labels = [_numbered(one) for one in clear]
    counts = np.array([one.max() for one in labels])
    first = 0
    while first < len(counts):
        stop = first + int(np.argmax(np.append(counts[first:] != counts[first], True)))
        if counts[first] > 1:
            numbers = _followed(labels[first:stop])
            apart = np.stack(
                [[_distance(one == c + 1) for c in range(counts[first])] for one in numbers]
            )
            sigma = _SMOOTHING_MM / _PIXEL_MM
            apart = ndimage.gaussian_filter(apart, (1.0, 0.0, sigma, sigma), mode="nearest")
            part = slice(run.start + first, run.start + stop)
            yield part, Sections(offsets, apart, wall[first:stop], sheet[first:stop])
        first = stop


def _numbered(inside: BoolArray) -> npt.NDArray[np.int32]:
    """Give a number to each lumen of one section that is large enough."""
    labels, count = ndimage.label(inside)
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * _PIXEL_MM**2
    number = np.zeros(count + 1, dtype=np.int32)
    large = np.flatnonzero(sizes[1:] >= _LEAST_LUMEN_MM2) + 1
    number[large] = np.arange(1, len(large) + 1)
    result: npt.NDArray[np.int32] = number[labels]
    return result


def _followed(labels: list[npt.NDArray[np.int32]]) -> list[npt.NDArray[np.int32]]:
    """Give each lumen the number that it has in the section before: where most of it was."""
    followed = [labels[0]]
    count = int(labels[0].max())
    for now in labels[1:]:
        both = now.ravel() * (count + 1) + followed[-1].ravel()
        common = np.bincount(both, minlength=(count + 1) ** 2).reshape(count + 1, -1)[1:, 1:]
        number = np.zeros(count + 1, dtype=np.int32)
        free = common.astype(np.float64)
        for _ in range(count):
            new, old = np.unravel_index(int(free.argmax()), free.shape)
            number[new + 1] = old + 1
            free[new], free[:, old] = -1.0, -1.0
        followed.append(number[now])
    return followed


def _distance(inside: BoolArray) -> FloatArray:
    """Return the distance from a region in one plane, negative inside."""
    outer = ndimage.distance_transform_edt(~inside, sampling=_PIXEL_MM)
    inner = ndimage.distance_transform_edt(inside, sampling=_PIXEL_MM)
    return np.asarray(np.where(inside, 0.5 * _PIXEL_MM - inner, outer - 0.5 * _PIXEL_MM))
