"""Figures that follow the editing: what is stale at once, what is new as soon as it is measured."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from venoseg.errors import VenosegError
from venoseg.lumen import Measurements, measure, remeasure
from venoseg.lumen.profile import Boundary
from venoseg.review.actions import Contour, Layer, Notes
from venoseg.review.contours import with_other_contours
from venoseg.segmentation import Segmentation
from venoseg.segmentation.edits import Box, is_empty
from venoseg.volume import Volume

# Sections are squares, and the image around them is looked at too.
_DIAGONAL = 1.5
_BESIDE_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What is known of the veins at a moment.

    Attributes
    ----------
    found
        The newest measurements; None before the first, or when nothing can be measured.
    stale
        The veins whose figures are being measured again; what is shown of them is old.
    problem
        Why nothing could be measured; empty when it could.
    retracing
        Whether the centerlines are being drawn anew, so that no figure holds yet.
    """

    found: Measurements | None
    stale: frozenset[str] = frozenset()
    problem: str = ""
    retracing: bool = False

    @property
    def settled(self) -> bool:
        """Whether no figure is being measured again."""
        return not self.retracing and not self.stale

    def says_no_more_than(self, other: Figures) -> bool:
        """Tell whether nothing in these figures differs from what others say."""
        return self.found is other.found and (self.stale, self.problem, self.retracing) == (
            other.stale,
            other.problem,
            other.retracing,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    layer: Layer
    box: Box
    part: npt.NDArray[np.uint8]


def stale_veins(found: Measurements, box: Box) -> frozenset[str]:
    """Name the veins whose figures a change within a box can touch: those it comes near to.

    The wall of a vein is smoothed along it, so that one changed voxel can touch figures far from
    it; all of a vein is new, or none of it.
    """
    grid = found.volume.grid
    corners = np.array(np.meshgrid(*[(s.start - 1, s.stop) for s in box])).reshape(3, -1).T
    places = grid.to_lps(corners)
    middle = places.mean(axis=0)
    reach_mm = float(np.linalg.norm(places - middle, axis=1).max())
    near = []
    for profile in found.profiles:
        curve = profile.branch.curve
        distance = np.linalg.norm(curve.points_lps_mm - middle, axis=1).min()
        if distance <= reach_mm + _DIAGONAL * profile.branch.half_width_mm + _BESIDE_MM:
            near.append(profile.vessel)
    return frozenset(near)


class Live:
    """Measures in the background what the editing changes.

    Parameters
    ----------
    image
        What is measured on.
    segmentation
        The labels as they stand; copied.
    tell
        Called with new `Figures` from the thread that calls `change`, and from the measuring one.
    known
        Measurements of these labels, when there are any already; without drawn outlines.
    boundary
        Where the lumen's edge is taken from, as `venoseg.lumen.measure` takes it.
    notes
        The outlines drawn so far, the ends and waypoints set, and the stretches marked as occluded;
        None: only those stretches that the segmentation names.
    """

    def __init__(
        self,
        image: Volume,
        segmentation: Segmentation,
        tell: Callable[[Figures], None],
        known: Measurements | None = None,
        boundary: Boundary = "gray",
        notes: Notes | None = None,
    ) -> None:
        stent = segmentation.stent
        self._image, self._tell, self._boundary = image, tell, boundary
        self._segmentation = segmentation
        self._layers: dict[Layer, npt.NDArray[np.uint8]] = {
            "veins": segmentation.labels.copy(),
            "stent": np.zeros(image.grid.shape, dtype=np.uint8)
            if stent is None
            else stent.astype(np.uint8),
        }
        self._figures = Figures(known, retracing=known is None)
        self._changes: list[_Change] = []
        # Veins near voxels that a stroke in hand has changed, of which there is no step yet.
        self._touched: frozenset[str] = frozenset()
        self._notes = notes or Notes(occluded=segmentation.occluded)
        # Outlines that the newest measurements hold.
        self._drawn: tuple[Contour, ...] = ()
        self._whole = known is None
        self._closed = False
        self._busy = True
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="measuring", daemon=True)
        self._thread.start()

    @property
    def figures(self) -> Figures:
        """What is known now."""
        return self._figures

    def touch(self, box: Box) -> None:
        """Mark as old what a stroke in hand may change; its step is told when it ends."""
        with self._wake:
            figures = self._figures
            if figures.found is not None:
                self._touched |= stale_veins(figures.found, box)
            if self._touched <= figures.stale:
                return
            self._figures = replace(figures, stale=figures.stale | self._touched)
        self._tell(self._figures)

    def let_go(self, box: Box, part: npt.NDArray[np.uint8], layer: Layer = "veins") -> None:
        """End a stroke: what it touched in vain, because no step came of it, is measured again."""
        if self._touched:
            self.change(box, part, layer)

    def change(
        self,
        box: Box,
        part: npt.NDArray[np.uint8],
        layer: Layer = "veins",
        notes: Notes | None = None,
    ) -> None:
        """Take note of a step.

        Parameters
        ----------
        box, part, layer
            ``part`` are the labels in ``box`` from now on; the box may be empty.
        notes
            What is said besides drawing from now on; None: what was said before.
        """
        with self._wake:
            if not is_empty(box):
                self._touched = frozenset()
                self._changes.append(_Change(layer, box, part.copy()))
                self._mark(box)
            if notes is not None:
                self._note(notes)
            if not self._waiting():
                return
            self._wake.notify_all()
        self._tell(self._figures)

    def wait(self, seconds: float) -> bool:
        """Wait until every figure is new; tell whether that was reached in time."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._busy and not self._waiting(), seconds)

    def close(self) -> None:
        """Stop measuring."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()

    def _waiting(self) -> bool:
        return bool(self._changes) or self._whole or self._drawn != self._notes.contours

    def _note(self, notes: Notes) -> None:
        """Take note of other notes; what differs in them is stale."""
        old, self._notes = self._notes, notes
        if (notes.occluded, notes.seeds) != (old.occluded, old.seeds):
            self._whole = True
            self._figures = replace(self._figures, retracing=True)
        if notes.contours != old.contours:
            drawn = {contour.vessel for contour in (*old.contours, *notes.contours)}
            self._figures = replace(self._figures, stale=self._figures.stale | drawn)

    def _mark(self, box: Box) -> None:
        found = self._figures.found
        if found is None:
            self._figures = replace(self._figures, retracing=True)
            return
        stale = self._figures.stale | stale_veins(found, box)
        self._figures = replace(self._figures, stale=stale)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._closed or self._waiting())
                if self._closed:
                    return
                self._busy = True
                changes, self._changes = self._changes, []
                notes = self._notes
                whole = self._whole or self._figures.found is None
                # Strokes come first: the whole is measured when the hand rests.
                self._whole = whole and bool(changes) and self._figures.found is not None
            self._write(changes, notes)
            whole = whole and not self._whole
            self._publish(self._measured(changes, notes, whole=whole), notes)

    def _write(self, changes: list[_Change], notes: Notes) -> None:
        for change in changes:
            self._layers[change.layer][change.box] = change.part
        stent = self._layers["stent"].view(np.bool_)
        self._segmentation = replace(
            self._segmentation,
            labels=self._layers["veins"],
            stent=stent if self._segmentation.stent is not None or _any(changes) else None,
            occluded=notes.occluded,
        )

    def _measured(self, changes: list[_Change], notes: Notes, *, whole: bool) -> Figures:
        found, drawn = self._figures.found, self._drawn
        try:
            if found is None or whole:
                found = measure(
                    self._image, self._segmentation, boundary=self._boundary, seeds=notes.seeds
                )
                drawn = ()
            else:
                for change in changes:
                    found = remeasure(found, self._segmentation, change.box)
            found = with_other_contours(found, drawn, notes.contours)
        except VenosegError as error:
            return Figures(None, problem=str(error))
        except Exception as error:  # noqa: BLE001 - a dead thread would leave old figures waiting
            return Figures(None, problem=f"measuring failed with {type(error).__name__}: a defect")
        return Figures(found, retracing=bool(found.needs_retrace))

    def _publish(self, figures: Figures, notes: Notes) -> None:
        """Make figures known; what was changed while they were measured is marked stale again."""
        with self._wake:
            self._drawn = notes.contours
            self._whole = self._whole or figures.retracing
            self._figures = replace(figures, retracing=self._whole)
            for change in self._changes:
                self._mark(change.box)
            self._figures = replace(self._figures, stale=self._figures.stale | self._touched)
            newest, self._notes = self._notes, notes
            self._note(newest)
        self._tell(self._figures)


def _any(changes: list[_Change]) -> bool:
    return any(change.layer == "stent" and change.part.any() for change in changes)
