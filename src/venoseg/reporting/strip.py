"""Every section of a vein in one small picture, to be looked at along its profile."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from venoseg.lumen import VesselProfile
from venoseg.reporting.gray import gray_plane
from venoseg.reporting.window import GrayWindow
from venoseg.reporting.words import patient_direction
from venoseg.volume import Volume

SIDE_PX = 96
_COLUMNS = 16
_QUALITY = 70

# No more sections than this are kept of a vein, evenly spread: the page has to stay small.
_MOST_SECTIONS = 260

_BESIDE_MM = 9.0

# Every so many points of a contour are kept; lengths in it are tenths of a pixel.
_THINNING = 3

_NO_IMAGE_GRAY = 224


@dataclass(frozen=True, slots=True)
class SectionStrip:
    """Sections every ``stride`` stations, side by side in rows.

    Attributes
    ----------
    uri
        A ``data:`` address of the picture.
    columns
        Sections in a row, each `SIDE_PX` pixels wide and high.
    stride
        Stations between two sections.
    outlines
        For every section the contours of its lumens, each as x0, y0, x1, ... from the section's top
        left corner in tenths of a pixel; empty where not measured.
    sides
        For every section the patient's directions at its left, right, top and bottom.
    """

    uri: str
    columns: int
    stride: int
    outlines: tuple[tuple[tuple[int, ...], ...], ...]
    sides: tuple[tuple[str, str, str, str], ...]


def strip_of(
    profile: VesselProfile, volume: Volume, window: GrayWindow, most: int = _MOST_SECTIONS
) -> SectionStrip:
    """Return at most so many sections of one vein, all at one scale."""
    curve = profile.branch.curve
    stride = -(-len(curve) // most)
    stations = range(0, len(curve), stride)
    half = _half_width_mm(profile)
    edge = half * (1.0 - 1.0 / SIDE_PX)
    offsets = np.linspace(-edge, edge, SIDE_PX)
    rows = -(-len(stations) // _COLUMNS)
    picture = np.zeros((rows * SIDE_PX, _COLUMNS * SIDE_PX), dtype=np.uint8)
    for n, station in enumerate(stations):
        row, column = (SIDE_PX * place for place in divmod(n, _COLUMNS))
        plane = gray_plane(volume, curve, station, offsets)[::-1]
        picture[row : row + SIDE_PX, column : column + SIDE_PX] = _eight_bits(plane, window)
    return SectionStrip(
        uri=_jpeg(picture),
        columns=_COLUMNS,
        stride=stride,
        outlines=tuple(_outlines(profile, station, half) for station in stations),
        sides=tuple(_sides(profile, station) for station in stations),
    )


def _half_width_mm(profile: VesselProfile) -> float:
    wall = np.abs(profile.contours_mm[profile.measured])
    others = np.abs(profile.lumens.contours_mm).max(initial=0.0)
    reach = float(max(wall.max(), others)) if wall.size else profile.branch.half_width_mm
    return reach + _BESIDE_MM


def _eight_bits(plane: npt.NDArray[np.float32], window: GrayWindow) -> npt.NDArray[np.uint8]:
    share = np.clip((plane - window.low) / window.width, 0.0, 1.0)
    grays = np.where(np.isnan(share), _NO_IMAGE_GRAY, 255.0 * np.nan_to_num(share))
    return np.rint(grays).astype(np.uint8)


def _jpeg(picture: npt.NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"


def _outlines(profile: VesselProfile, station: int, half_mm: float) -> tuple[tuple[int, ...], ...]:
    if not profile.measured[station]:
        return ()
    points = profile.outlines_mm(station)[:, ::_THINNING] * np.array([1.0, -1.0])
    tenths = np.rint((points + half_mm) * (10.0 * SIDE_PX / (2.0 * half_mm))).astype(int)
    return tuple(tuple(one.ravel().tolist()) for one in tenths)


def _sides(profile: VesselProfile, station: int) -> tuple[str, str, str, str]:
    curve = profile.branch.curve
    across, upward = curve.across[station], curve.upward[station]
    left, right, top, bottom = map(patient_direction, (-across, across, upward, -upward))
    return left, right, top, bottom
