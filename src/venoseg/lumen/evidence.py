"""What the figures of a vein are made of, station by station, so that part of it can be renewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from venoseg.centerline.curve import Curve
from venoseg.centerline.tree import Branch
from venoseg.lumen.assess import image_decides, whole_sections
from venoseg.lumen.boundary.blood import Blood, blood_in_labels
from venoseg.lumen.boundary.flat_sides import with_flat_sides
from venoseg.lumen.boundary.levels import WIDE_AVERAGED_MM, averaged_along_mm
from venoseg.lumen.boundary.turns import Search
from venoseg.lumen.boundary.vein_wall import EdgeModel
from venoseg.lumen.boundary.wall import Wall, wall_of_image, wall_of_labels
from venoseg.lumen.geometry.contours import evenly_spaced
from venoseg.lumen.geometry.outline import smoothed_stations
from venoseg.lumen.geometry.rings import lengths
from venoseg.lumen.label_view import LabelView, view_labels
from venoseg.lumen.noise.alike import Edge
from venoseg.lumen.noise.shape_noise import Waves, tell_waves
from venoseg.lumen.noise.uncertainty import figure_variances
from venoseg.lumen.rays.blur import label_blur
from venoseg.lumen.rays.grain import Grain
from venoseg.volume import BoolArray, FloatArray, Volume

Boundary = Literal["gray", "mask"]

# An outline that moved by no more than this starts the search at the same place.
_SAME_MM = 0.002

# Where outlines moved by more than the first, the wall moves measurably at stations up to the
# second from them.
_REACH_MM = ((_SAME_MM, 6.0), (0.1, 10.0), (1.0, 15.0), (4.0, 18.0))

# The wall is found as in the whole vein when as much more of it takes part as counts for the level
# inside: so many standard deviations of its average. In a narrow lumen, where that is over more of
# the vein, moves are felt this many times as far as it is more.
_MARGIN = 2.5
_FELT_NARROW = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of n stations of a vein.

    Attributes
    ----------
    view
        What the labels show.
    whole
        (n,) True where the section shows the vein, whole and alone.
    notes
        n tuples of words: why it does not.
    blood
        What of the labels is blood, where the image is asked.
    image, labels
        The wall in the image and that of the labels; each NaN where it was not sought.
    image_variances_mm2, label_variances_mm2
        (n, 2) variances of the equivalent and the minimum diameter.
    grain
        Of the noise.
    model
        What an edge looks like in the image; None where no wall was sought in it.
    search
        What the search for the wall in the image saw.
    """

    view: LabelView
    whole: BoolArray
    notes: tuple[tuple[str, ...], ...]
    blood: Blood
    image: Wall
    labels: Wall
    image_variances_mm2: FloatArray
    label_variances_mm2: FloatArray
    grain: Grain
    model: EdgeModel | None
    search: Search


def gather(
    volume: Volume, branch: Branch, boundary: Boundary, grain: Grain, model: EdgeModel | None
) -> Evidence:
    """Look at every station of a vein.

    Parameters
    ----------
    volume
        The image.
    branch
        The vein.
    boundary
        Whether the edge is sought in the image, or that of the labels taken.
    grain
        Of the noise.
    model
        What an edge looks like in the image; None: it is told from the longest stretch.
    """
    count = len(branch.curve)
    view = view_labels(branch)
    whole, notes = whole_sections(volume, branch, view)
    blank = np.full((count, 2), np.nan)
    blood = _blood(volume, branch.curve, boundary, view)
    evidence = Evidence(
        view=view,
        whole=whole,
        notes=notes,
        blood=blood,
        image=Wall.unknown(count),
        labels=Wall.unknown(count),
        image_variances_mm2=blank,
        label_variances_mm2=blank,
        grain=grain,
        model=model,
        search=Search.unknown(count),
    )
    longest_first = sorted(runs(evidence.whole), key=lambda run: run.start - run.stop)
    for run in longest_first:
        evidence = _look(evidence, volume, branch, boundary, run, run)
    return evidence


def renew(
    evidence: Evidence, volume: Volume, branch: Branch, boundary: Boundary, stations: slice
) -> Evidence:
    """Look again at the stations whose labels have changed, and at those that feel it.

    Parameters
    ----------
    evidence
        Of the same stations before.
    volume, boundary
        As they were.
    branch
        The vein with its new labels.
    stations
        Those whose planes the change meets.
    """
    count, step_mm = len(branch.curve), branch.curve.step_mm
    smoothed = smoothed_stations(step_mm)
    stations = slice(max(stations.start - smoothed, 0), min(stations.stop + smoothed, count))
    again = view_labels(branch, stations)
    view = evidence.view.replaced(stations, again)
    curve = branch.curve.part(stations)
    blood = evidence.blood.replaced(stations, _blood(volume, curve, boundary, again))
    whole, notes = whole_sections(volume, branch, view)
    moved_mm = _moved_mm(evidence.view, view)
    moved_mm[whole != evidence.whole] = np.inf
    averaged_mm = averaged_along_mm(np.sqrt(view.areas_mm2 / np.pi))
    if not np.isnan(evidence.labels.rim).all():
        # Where labels tell the wall it moves as much as they do: felt as the largest moves are.
        moved_mm = np.where(moved_mm > _SAME_MM, np.inf, moved_mm)
    felt = _felt(moved_mm, step_mm, averaged_mm)
    evidence = replace(evidence, view=view, whole=whole, notes=notes, blood=blood)
    if felt is None:
        return evidence
    margin = int(np.ceil(_MARGIN * averaged_mm[felt].max() / step_mm))
    for run in runs(whole):
        wanted = slice(max(run.start, felt.start), min(run.stop, felt.stop))
        if wanted.start < wanted.stop:
            seen = slice(max(run.start, felt.start - margin), min(run.stop, felt.stop + margin))
            evidence = _look(evidence, volume, branch, boundary, wanted, seen)
    return evidence


def _blood(volume: Volume, curve: Curve, boundary: Boundary, view: LabelView) -> Blood:
    """Tell what of the labels is blood; all of it where the image is not asked."""
    if boundary == "mask":
        return Blood.all_of(view.contours_mm)
    return blood_in_labels(volume, curve, view.contours_mm)


def _felt(moved_mm: FloatArray, step_mm: float, averaged_mm: FloatArray) -> slice | None:
    """Return the stations whose wall may be another, given (n,) how far outlines have moved.

    Parameters
    ----------
    moved_mm
        Infinite where sections came or went.
    step_mm
        Distance of the stations.
    averaged_mm
        (n,) over how much of the vein the level inside is averaged.
    """
    moved = np.flatnonzero(moved_mm > _SAME_MM)
    if len(moved) == 0:
        return None
    most_mm = moved_mm.max()
    reach_mm = max(reach for least, reach in _REACH_MM if most_mm > least)
    reach_mm = max(reach_mm, _FELT_NARROW * float(averaged_mm[moved].max() - WIDE_AVERAGED_MM))
    reach = int(np.ceil(reach_mm / step_mm))
    return slice(max(int(moved[0]) - reach, 0), min(int(moved[-1]) + reach + 1, len(moved_mm)))


def _moved_mm(before: LabelView, after: LabelView) -> FloatArray:
    """Return (n,) how far the outline moved at most; infinite where it came or went."""
    moved: FloatArray = lengths(after.contours_mm - before.contours_mm).max(axis=1)
    moved[before.found != after.found] = np.inf
    moved[np.isnan(moved)] = 0.0
    return moved


def outshone(evidence: Evidence, volume: Volume, branch: Branch, stations: BoolArray) -> Evidence:
    """Count (n,) stations among those whose edge in the image is that of metal."""
    bright = np.where(stations, 1.0, evidence.image.bright)
    evidence = replace(evidence, image=replace(evidence.image, bright=bright))
    for run in runs(evidence.whole):
        if stations[run].any():
            evidence = _look_at_labels(evidence, volume, branch, "gray", run, run)
    return evidence


def runs(whole: BoolArray) -> list[slice]:
    """Return the runs of consecutive stations long enough to be smoothed along."""
    stations: npt.NDArray[np.intp] = np.flatnonzero(whole)
    if len(stations) == 0:
        return []
    breaks = np.flatnonzero(np.diff(stations) > 1)
    starts = np.concatenate([[stations[0]], stations[breaks + 1]])
    stops = np.concatenate([stations[breaks], [stations[-1]]]) + 1
    return [slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True) if b - a > 1]


def _look(
    evidence: Evidence,
    volume: Volume,
    branch: Branch,
    boundary: Boundary,
    wanted: slice,
    seen: slice,
) -> Evidence:
    """Find the wall at the wanted stations from those seen around them."""
    curve, start = branch.curve.part(seen), evidence.blood.outlines_mm[seen]
    keep = slice(wanted.start - seen.start, wanted.stop - seen.start)
    if boundary == "gray":
        before = evidence.search.part(seen)
        # What was never looked at cannot be taken from before.
        elsewhere = np.delete(before.known, np.arange(keep.start, keep.stop))
        again = keep if elsewhere.all() else slice(0, len(curve))
        wall, model, search = wall_of_image(
            volume, curve, start, evidence.grain, evidence.model, before, again
        )
        edge = Edge("gray", model.blur, volume.grid, evidence.grain)
        wall, waves = _plain(wall, curve, edge, keep)
        variances = evidence.image_variances_mm2.copy()
        variances[wanted] = figure_variances(wall, waves, curve.part(keep), edge, wanted.start)
        image = evidence.image.replaced(wanted, wall)
        evidence = replace(
            evidence,
            image=image,
            image_variances_mm2=variances,
            model=model,
            search=evidence.search.replaced(wanted, search.part(keep)),
        )
    return _look_at_labels(evidence, volume, branch, boundary, wanted, seen)


def _look_at_labels(
    evidence: Evidence,
    volume: Volume,
    branch: Branch,
    boundary: Boundary,
    wanted: slice,
    seen: slice,
) -> Evidence:
    """Find the labels' own edge in a stretch where the image does not decide throughout."""
    run = next(r for r in runs(evidence.whole) if r.start <= wanted.start < r.stop)
    if boundary == "gray":
        silent: list[list[str]] = [[] for _ in range(run.stop - run.start)]
        if image_decides(evidence.image.part(run), volume, silent).all():
            return evidence
        known = ~np.isnan(evidence.labels.rim[run])
        if not known.any():
            wanted = seen = run
    curve, start = branch.curve.part(seen), evidence.view.contours_mm[seen]
    keep = slice(wanted.start - seen.start, wanted.stop - seen.start)
    grid = branch.region.grid
    found = wall_of_labels(branch.region, curve, start)
    edge = Edge("mask", label_blur(grid), grid)
    wall, waves = _plain(found, curve, edge, keep)
    variances = evidence.label_variances_mm2.copy()
    variances[wanted] = figure_variances(wall, waves, curve.part(keep), edge, wanted.start)
    labels = evidence.labels.replaced(wanted, wall)
    return replace(evidence, labels=labels, label_variances_mm2=variances)


def _plain(wall: Wall, curve: Curve, edge: Edge, keep: slice) -> tuple[Wall, Waves]:
    """Take noise off the shape of a wall, and what averages leave of it beside flat sides.

    At the stations of ``keep``, told with the help of all.
    """
    contours = evenly_spaced(wall.contours_mm)
    waves = tell_waves(contours, wall.ray_sd_mm, curve, edge).part(keep)
    wall = wall.part(keep)
    contours, flat_sd_mm = with_flat_sides(waves.without_noise(contours[keep]))
    shape_sd_mm = np.hypot(waves.oval_sd_mm, flat_sd_mm)
    least_sd_mm = np.hypot(wall.hidden_least_sd_mm, shape_sd_mm)
    plain = replace(wall, contours_mm=contours, hidden_least_sd_mm=least_sd_mm)
    return plain, waves
