"""One case on one reviewer's desk: labels, notes, steps that can be undone, versions.

Every step is in the journal on the disk before the call that makes it returns. Undo and redo go
through the journal too, so that they outlive a crash and a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from venoseg.errors import InputError
from venoseg.review.actions import Action, History, Layer, Notes, packed, unpacked
from venoseg.review.clock import Clock, stamp
from venoseg.review.journal import Journal, Record
from venoseg.review.vein_values import LABEL_NAMES, canonical_labels, voxel_changes
from venoseg.review.versions import (
    Draft,
    Kind,
    Version,
    read_version,
    write_version,
)
from venoseg.segmentation import Edit, Seed, Segmentation, apply, undo
from venoseg.segmentation.edits import EMPTY_BOX, Box
from venoseg.tables import Table
from venoseg.volume import Volume

# The name under which the labels that a review begins with are kept.
STARTER = "start"


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """Where the review of one case is kept."""

    path: Path

    @property
    def versions(self) -> Path:
        """The folder of versions."""
        return self.path / "versions"

    def journal(self, reviewer: str) -> Path:
        """Return the journal of one reviewer."""
        return self.path / "journals" / f"{reviewer}.journal"


class Session:
    """A case being reviewed; made by `venoseg.review.open_session`.

    Attributes
    ----------
    image
        What is looked at.
    folder, reviewer
        Where the review is kept, and by whom.
    messages
        What the reviewer must be told after opening, one sentence each.
    notes
        What was said besides drawing.
    history
        The steps done and undone.
    parent
        The version that the next one grows out of.
    steps
        How many steps, undone and redone ones included, were made.
    touched, touched_box
        The layer and the box of voxels that the last step, or its undoing, changed.
    """

    def __init__(
        self,
        image: Volume,
        segmentation: Segmentation,
        folder: CaseFolder,
        reviewer: str,
        clock: Clock,
        seeds: Sequence[Seed] = (),
    ) -> None:
        self.image = image
        self.folder = folder
        self.reviewer = reviewer
        self.messages: tuple[str, ...] = ()
        self.notes = Notes()
        self.history = History()
        self.parent: Version | None = None
        self.touched: Layer = "veins"
        self.touched_box: Box = EMPTY_BOX
        self._clock = clock
        self._journal: Journal | None = None
        self._pending: list[Record] = []
        self._saved_steps = 0
        self.steps = 0
        self._lay_out(segmentation, Notes(tuple(seeds), segmentation.occluded))

    def _lay_out(self, segmentation: Segmentation, notes: Notes) -> None:
        self._template = replace(segmentation, names=LABEL_NAMES, occluded=())
        self.labels = canonical_labels(segmentation)
        stent = segmentation.stent
        self.stent: npt.NDArray[np.uint8] = (
            np.zeros(segmentation.labels.shape, dtype=np.uint8)
            if stent is None
            else stent.astype(np.uint8)
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

    @property
    def kept(self) -> bool:
        """Whether every step is on the disk."""
        return self._journal is not None and not self._pending

    @property
    def changed(self) -> bool:
        """Whether there are steps that no version holds yet."""
        return self.steps != self._saved_steps

    def layer(self, name: Layer) -> npt.NDArray[np.uint8]:
        """Return the voxels of a layer; only to be looked at."""
        return self.labels if name == "veins" else self.stent

    def draw(self, what: str, edit: Edit, layer: Layer = "veins") -> Box:
        """Make an edit of the voxels and return the box that changed.

        Raises
        ------
        OutputError
            When it is done but could not be kept on the disk; it is tried again at the next step.
        """
        return self.do(Action(what, layer, edit)) if len(edit) else EMPTY_BOX

    def note(self, what: str, notes: Notes) -> Box:
        """Change the notes."""
        return self.do(Action(what, before=self.notes, after=notes))

    def draw_and_note(self, what: str, edit: Edit, notes: Notes) -> Box:
        """Make an edit of the veins and change the notes in one step."""
        drawn = edit if len(edit) else None
        return self.do(Action(what, "veins", drawn, self.notes, notes))

    def do(self, action: Action) -> Box:
        """Make a step and return the box of voxels that changed."""
        box = self._apply(action, forward=True)
        self.history.add(action)
        self.steps += 1
        head, blob = packed(action)
        self._keep(Record({"kind": "done", "at": stamp(self._clock), **head}, blob))
        return box

    def undo(self) -> Box | None:
        """Take the last step back and return the box that changed; None when there is none."""
        if not self.history.done:
            return None
        box = self._apply(self.history.done[-1], forward=False)
        self.history.step_back()
        self.steps += 1
        self._keep(Record({"kind": "undone", "at": stamp(self._clock)}))
        return box

    def redo(self) -> Box | None:
        """Do the step undone last again; None when there is none."""
        if not self.history.undone:
            return None
        box = self._apply(self.history.undone[-1], forward=True)
        self.history.step_forward()
        self.steps += 1
        self._keep(Record({"kind": "redone", "at": stamp(self._clock)}))
        return box

    def keep(self) -> None:
        """Try again to bring to the disk what could not be kept.

        Raises
        ------
        OutputError
            When it still cannot.
        """
        if self._journal is None:
            self._journal = Journal(self.folder.journal(self.reviewer))
        self._journal.append(*self._pending)
        self._pending.clear()

    def save(
        self,
        changes: Table | None = None,
        *,
        kind: Kind = "saved",
        second_reader: bool = False,
    ) -> Version:
        """Save a version: a new one, read back from the disk before this returns.

        Parameters
        ----------
        changes
            Every diameter before and after, `venoseg.review.audit.changes_table`.
        kind
            ``saved`` or ``signed``.
        second_reader
            Whether a second reader is asked for.

        Raises
        ------
        OutputError
            When it cannot be written or does not read back; the steps stay where they are.
        """
        self._keep_pending()
        segmentation = self.segmentation
        draft = Draft(self.reviewer, stamp(self._clock), kind, self.parent, second_reader)
        version = write_version(
            self.folder.versions, draft, segmentation, self.notes, self._voxels(), changes
        )
        self.parent = version
        self._saved_steps = self.steps
        self._keep(Record({"kind": "saved", "version": version.name}))
        return version

    def write_start(self) -> Version:
        """Keep the labels as they are as what the review of this case begins with.

        Raises
        ------
        OutputError
            When they cannot be written.
        """
        draft = Draft(STARTER, stamp(self._clock), "start", None)
        return write_version(self.folder.versions, draft, self.segmentation, self.notes, {}, None)

    def begin_with(self, version: Version, journal: Journal) -> None:
        """Begin a journal on the labels of a version.

        Raises
        ------
        InputError
            When the version is damaged.
        OutputError
            When the journal cannot be written.
        """
        self._lay_out(*read_version(self.folder.versions, version))
        self.parent, self._journal = version, journal
        self.steps = self._saved_steps = 0
        self._keep(Record({"kind": "opened", "base": version.name}))

    def resume(self, journal: Journal, versions: Mapping[str, Version]) -> None:
        """Go on where a journal ends: replay it on the version it began with.

        Raises
        ------
        InputError
            When the version or the journal is damaged.
        LabelError
            When a step does not fit the labels.
        """
        base = str(journal.records[0].head["base"])
        if base not in versions:
            raise InputError(f"the version {base} that it began with is damaged")
        self.parent = versions[base]
        self._lay_out(*read_version(self.folder.versions, self.parent))
        for record in journal.records[1:]:
            self._replay(record, versions)
        self._journal = journal

    def _replay(self, record: Record, versions: Mapping[str, Version]) -> None:
        kind = record.head["kind"]
        if kind == "saved":
            self.parent = versions.get(str(record.head["version"]), self.parent)
            self._saved_steps = self.steps
            return
        if kind == "done":
            action = unpacked(record.head, record.blob)
            self._apply(action, forward=True)
            self.history.add(action)
        elif kind == "undone":
            self._apply(self.history.done[-1], forward=False)
            self.history.step_back()
        else:
            self._apply(self.history.undone[-1], forward=True)
            self.history.step_forward()
        self.steps += 1

    def move_to(self, folder: Path) -> None:
        """Go on in another folder, with every step; the old folder stays as it is.

        Raises
        ------
        OutputError
            When that folder cannot be written either.
        """
        target = CaseFolder(folder)
        start = Draft(STARTER, stamp(self._clock), "start", None)
        version = write_version(target.versions, start, self.segmentation, self.notes, {}, None)
        journal = Journal(target.journal(self.reviewer))
        journal.append(Record({"kind": "opened", "base": version.name}))
        self.close()
        self.folder, self._journal, self.parent = target, journal, version
        self._pending.clear()

    def close(self) -> None:
        """Let go of the files; steps that are not kept are lost with the session."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

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

    def _keep(self, record: Record) -> None:
        self._pending.append(record)
        self.keep()

    def _keep_pending(self) -> None:
        if self._pending:
            self.keep()

    def _voxels(self) -> dict[str, tuple[int, int]]:
        """Count for each vein the voxels gained and lost since the parent."""
        if self.parent is None:
            return {}
        before, _ = read_version(self.folder.versions, self.parent)
        old_stent = np.zeros(self.stent.shape, bool) if before.stent is None else before.stent
        counts = voxel_changes(before.labels, self.labels)
        stent = self.stent.view(np.bool_)
        gained = int(np.count_nonzero(stent & ~old_stent))
        lost = int(np.count_nonzero(old_stent & ~stent))
        return counts | ({"stent": (gained, lost)} if gained or lost else {})
