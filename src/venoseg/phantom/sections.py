"""Exact cross-sections along a vein."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from venoseg.phantom.scene import Scene
from venoseg.phantom.sheets import Sheet, channels_beside
from venoseg.phantom.stents import Stent
from venoseg.phantom.tube import Span, Tube
from venoseg.volume import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """Cross-sections at (n,) positions; lengths in mm, areas in mm2.

    With several lumens the area and perimeter are sums, the minimum diameter that of the smallest
    lumen and the maximum that of the largest. Thrombus with contrast around it leaves a ring: its
    area and perimeter count, its Feret diameters are those of the outer contour. The inscribed
    circle is the largest one in any lumen.
    """

    centres_lps_mm: FloatArray
    tangents: FloatArray
    area_mm2: FloatArray
    minimum_mm: FloatArray
    maximum_mm: FloatArray
    perimeter_mm: FloatArray
    inscribed_mm: FloatArray
    healthy_area_mm2: FloatArray
    components: npt.NDArray[np.int64]


_SIZES = ("area_mm2", "minimum_mm", "maximum_mm", "perimeter_mm", "inscribed_mm")


def sections_at(tube: Tube, positions_mm: FloatArray) -> Sections:
    """Return the elliptic cross-sections of one tube at arc lengths from its central end."""
    from scipy.special import ellipe

    known = tube.curve.positions_mm
    first = np.interp(positions_mm, known, tube.profile.first_mm)
    second = np.interp(positions_mm, known, tube.profile.second_mm)
    small, large = np.minimum(first, second), np.maximum(first, second)
    return Sections(
        centres_lps_mm=tube.curve.at(positions_mm),
        tangents=tube.curve.tangent_at(positions_mm),
        area_mm2=np.pi * first * second,
        minimum_mm=2 * small,
        maximum_mm=2 * large,
        perimeter_mm=4 * large * ellipe(1 - (small / large) ** 2),
        inscribed_mm=2 * small,
        healthy_area_mm2=np.interp(positions_mm, known, tube.profile.healthy_area_mm2),
        components=np.ones(len(positions_mm), dtype=np.int64),
    )


def lumen_along(scene: Scene, tube: Tube, span: Span, positions_mm: FloatArray) -> Sections:
    """Return what is open of a vein at arc lengths of the tube that is its axis."""
    found = sections_at(tube, positions_mm)
    for core in scene.cores:
        if core.curve is tube.curve:
            found = _around(found, core, positions_mm)
    found = _emptied(found, _in_absence(tube, positions_mm))
    for sheet in scene.sheets:
        if sheet.host.curve is tube.curve:
            found = _parted(found, sheet, tube, positions_mm)
    for channel in scene.tubes:
        if channel is not tube and any(part.name == span.name for part in channel.spans):
            found = _with_channel(
                found, tube, channel, positions_mm, (0.0, channel.curve.length_mm)
            )
    return found


def is_occluded(tube: Tube, positions_mm: FloatArray) -> BoolArray:
    """Tell for (n,) arc lengths whether the tube is occluded there."""
    shut = np.zeros(len(positions_mm), dtype=bool)
    for gap in tube.absent:
        if gap.reason == "occluded":
            shut |= (positions_mm >= gap.start_mm) & (positions_mm <= gap.stop_mm)
    return shut


def _in_absence(tube: Tube, positions_mm: FloatArray) -> BoolArray:
    absent = np.zeros(len(positions_mm), dtype=bool)
    for gap in tube.absent:
        absent |= (positions_mm >= gap.start_mm) & (positions_mm <= gap.stop_mm)
    return absent


def _emptied(found: Sections, absent: BoolArray) -> Sections:
    sizes = {name: np.where(absent, 0.0, getattr(found, name)) for name in _SIZES}
    return replace(found, components=np.where(absent, 0, found.components), **sizes)


def _around(found: Sections, core: Tube, positions_mm: FloatArray) -> Sections:
    clot = _emptied(sections_at(core, positions_mm), _in_absence(core, positions_mm))
    present = clot.area_mm2 > 0
    gap = np.maximum(found.maximum_mm - clot.maximum_mm, found.minimum_mm - clot.minimum_mm) / 2
    return replace(
        found,
        area_mm2=found.area_mm2 - clot.area_mm2,
        perimeter_mm=found.perimeter_mm + clot.perimeter_mm,
        inscribed_mm=np.where(present, gap, found.inscribed_mm),
    )


def _parted(found: Sections, sheet: Sheet, tube: Tube, positions_mm: FloatArray) -> Sections:
    """Take a sheet out of the sections it lies in."""
    sizes = {name: getattr(found, name).copy() for name in _SIZES}
    components = found.components.copy()
    known, profile = tube.curve.positions_mm, tube.profile
    for n in np.flatnonzero([sheet.covers(float(at)) for at in positions_mm]):
        at = positions_mm[n]
        axes = (float(np.interp(at, known, axis)) for axis in (profile.first_mm, profile.second_mm))
        channels = channels_beside(sheet, *axes)
        sizes["area_mm2"][n] = sum(one.area_mm2 for one in channels)
        sizes["perimeter_mm"][n] = sum(one.perimeter_mm for one in channels)
        sizes["minimum_mm"][n] = min(one.minimum_mm for one in channels)
        sizes["maximum_mm"][n] = max(one.maximum_mm for one in channels)
        sizes["inscribed_mm"][n] = max(one.inscribed_mm for one in channels)
        components[n] = len(channels)
    return replace(found, components=components, **sizes)


def _with_channel(
    found: Sections,
    axis: Tube,
    channel: Tube,
    positions_mm: FloatArray,
    extent_mm: tuple[float, float],
) -> Sections:
    """Add what a tube, between two of its arc lengths, holds where the axis has no lumen."""
    inside_axis = ~_in_absence(axis, positions_mm)
    where = channel.locate(found.centres_lps_mm)[1]
    own = sections_at(channel, np.clip(where, 0.0, channel.curve.length_mm))
    # The axis' cross-section cuts a channel that leans by some angle in a slightly longer ellipse.
    lean = np.abs(np.einsum("ij,ij->i", own.tangents, found.tangents))
    missing = inside_axis | (where < extent_mm[0]) | (where > extent_mm[1]) | (lean < 0.5)
    own = _emptied(replace(own, area_mm2=own.area_mm2 / np.maximum(lean, 0.5)), missing)
    single = found.components == 0
    smallest = np.where(single, own.minimum_mm, np.minimum(found.minimum_mm, own.minimum_mm))
    return replace(
        found,
        area_mm2=found.area_mm2 + own.area_mm2,
        perimeter_mm=found.perimeter_mm + own.perimeter_mm,
        minimum_mm=np.where(own.components == 0, found.minimum_mm, smallest),
        maximum_mm=np.maximum(found.maximum_mm, own.maximum_mm),
        inscribed_mm=np.maximum(found.inscribed_mm, own.inscribed_mm),
        components=found.components + own.components,
    )


def stent_along(scene: Scene, tube: Tube, positions_mm: FloatArray) -> Sections | None:
    """Return the cross-sections inside the stents on a tube's centreline; 0 beside them.

    The innermost counts where stents overlap; stents in channels that run in the tube's place count
    together. None when the tube has no stent.
    """
    total: Sections | None = None
    for stent in scene.stents:
        if stent.curve is not tube.curve:
            total = _with_stent_of_channel(total, tube, stent, positions_mm)
            continue
        beside = (positions_mm < stent.start_mm) | (positions_mm > stent.stop_mm)
        own = _emptied(sections_at(stent.tube(), positions_mm), beside)
        total = own if total is None else _innermost(total, own)
    return total


def _with_stent_of_channel(
    total: Sections | None, tube: Tube, stent: Stent, positions_mm: FloatArray
) -> Sections | None:
    if not any(gap.reason == "channels" for gap in tube.absent):
        return total
    start = _emptied(sections_at(tube, positions_mm), np.ones(len(positions_mm), dtype=bool))
    extent = stent.start_mm, stent.stop_mm
    return _with_channel(total or start, tube, stent.tube(), positions_mm, extent)


def _innermost(first: Sections, second: Sections) -> Sections:
    take = (first.area_mm2 == 0) | ((second.area_mm2 > 0) & (second.area_mm2 < first.area_mm2))
    chosen = {}
    for field in fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        chosen[field.name] = np.where(take[:, None] if one.ndim == 2 else take, other, one)
    return Sections(**chosen)


def contour_at(tube: Tube, position_mm: float, count: int = 90) -> FloatArray:
    """Return (count, 3) LPS points on a tube's contour at one arc length."""
    at = np.array(position_mm)
    first, second = tube.curve.axes_at(at)
    known, profile = tube.curve.positions_mm, tube.profile
    angle = np.interp(position_mm, known, profile.angle_rad)
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x = np.interp(position_mm, known, profile.first_mm) * np.cos(turn)
    y = np.interp(position_mm, known, profile.second_mm) * np.sin(turn)
    along, across = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    contour: FloatArray = tube.curve.at(at) + along[:, None] * first + across[:, None] * second
    return contour
