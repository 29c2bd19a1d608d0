"""What is drawn and said of a case at the moment, and every step that led there; no disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from venoseg.review.actions import Action, History, Layer, Notes
from venoseg.review.vein_values import LABEL_NAMES, canonical_labels, voxel_changes
from venoseg.segmentation import Segmentation, apply, undo
from venoseg.segmentation.edits import EMPTY_BOX, Box


class Drawing:
    """Labels, stents and notes of a case, with steps that can be taken back.

    Attributes
    ----------
    labels, stent
        uint8, the voxels of both layers; 0 where there is nothing.
    notes
        What was said besides drawing.
    history
        The steps done and undone.
    steps
        How many steps, undone and redone ones included, were made.
    touched, touched_box
        The layer and the box of voxels that the last step, or its undoing, changed.
    """

    def __init__(self, segmentation: Segmentation, notes: Notes) -> None:
        self.steps = 0
        self.touched: Layer = "veins"
        self.touched_box: Box = EMPTY_BOX
        self.lay_out(segmentation, notes)

    def lay_out(self, segmentation: Segmentation, notes: Notes) -> None:
        """Begin anew with labels and notes, without any step."""
        self.labels = canonical_labels(segmentation)
        stent = segmentation.stent
        self.stent: npt.NDArray[np.uint8] = (
            np.zeros(segmentation.labels.shape, dtype=np.uint8)
            if stent is None
            else stent.astype(np.uint8)
        )
        # Without the arrays it came with, which would be kept for nothing.
        self._template = replace(
            segmentation, labels=self.labels, stent=None, names=LABEL_NAMES, occluded=()
        )
        self.notes = notes
        self.history = History()

    @property
    def segmentation(self) -> Segmentation:
        """The labels as they stand, not copied: they change with the next step."""
        stent = self.stent.view(np.bool_)
        return replace(
            self._template,
            labels=self.labels,
            stent=stent if stent.any() else None,
            origin="semiautomatic" if self.history.done else self._template.origin,
            occluded=self.notes.occluded,
        )

    def layer(self, name: Layer) -> npt.NDArray[np.uint8]:
        """Return the voxels of a layer; only to be looked at."""
        return self.labels if name == "veins" else self.stent

    def step(self, action: Action) -> Box:
        """Make a step and return the box of voxels that changed."""
        box = self._apply(action, forward=True)
        self.history.add(action)
        self.steps += 1
        return box

    def step_back(self) -> Box:
        """Take the last step back and return the box that changed."""
        box = self._apply(self.history.done[-1], forward=False)
        self.history.step_back()
        self.steps += 1
        return box

    def step_again(self) -> Box:
        """Do the step undone last again and return the box that changed."""
        box = self._apply(self.history.undone[-1], forward=True)
        self.history.step_forward()
        self.steps += 1
        return box

    def voxels_since(self, before: Segmentation) -> dict[str, tuple[int, int]]:
        """Count for each vein, and for stents, the voxels gained and lost."""
        old_stent = np.zeros(self.stent.shape, bool) if before.stent is None else before.stent
        counts = voxel_changes(before.labels, self.labels)
        stent = self.stent.view(np.bool_)
        gained = int(np.count_nonzero(stent & ~old_stent))
        lost = int(np.count_nonzero(old_stent & ~stent))
        return counts | ({"stent": (gained, lost)} if gained or lost else {})

    def _apply(self, action: Action, *, forward: bool) -> Box:
        notes = action.after if forward else action.before
        if notes is not None:
            self.notes = notes
        if action.edit is None:
            self.touched_box = EMPTY_BOX
            return EMPTY_BOX
        self.touched, self.touched_box = action.layer, action.edit.box
        (apply if forward else undo)(self.layer(action.layer), action.edit)
        return action.edit.box
