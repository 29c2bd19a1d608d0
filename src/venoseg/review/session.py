"""One case on one reviewer's desk: labels, notes, steps that can be undone, versions.

Every step is in the journal on the disk before the call that makes it returns. Undo and redo go
through the journal too, so that they outlive a crash and a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venoseg.errors import InputError
from venoseg.review.actions import Action, Layer, Notes, packed, unpacked
from venoseg.review.clock import Clock, stamp
from venoseg.review.drawing import Drawing
from venoseg.review.journal import Journal, Record
from venoseg.review.versions import (
    Draft,
    Kind,
    Version,
    read_version,
    write_version,
)
from venoseg.segmentation import Edit, Seed, Segmentation
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


class Session(Drawing):
    """A case being reviewed; made by `venoseg.review.open_session`.

    Attributes
    ----------
    image
        What is looked at.
    folder, reviewer
        Where the review is kept, and by whom.
    messages
        What the reviewer must be told after opening, one sentence each.
    parent
        The version that the next one grows out of.
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
        super().__init__(segmentation, Notes(tuple(seeds), segmentation.occluded))
        self.image = image
        self.folder = folder
        self.reviewer = reviewer
        self.messages: tuple[str, ...] = ()
        self.parent: Version | None = None
        self._clock = clock
        self._journal: Journal | None = None
        self._pending: list[Record] = []
        self._saved_steps = 0

    @property
    def kept(self) -> bool:
        """Whether every step is on the disk."""
        return self._journal is not None and not self._pending

    @property
    def changed(self) -> bool:
        """Whether there are steps that no version holds yet."""
        return self.steps != self._saved_steps

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
        box = self.step(action)
        head, blob = packed(action)
        self._keep(Record({"kind": "done", "at": stamp(self._clock), **head}, blob))
        return box

    def undo(self) -> Box | None:
        """Take the last step back and return the box that changed; None when there is none."""
        if not self.history.done:
            return None
        box = self.step_back()
        self._keep(Record({"kind": "undone", "at": stamp(self._clock)}))
        return box

    def redo(self) -> Box | None:
        """Do the step undone last again; None when there is none."""
        if not self.history.undone:
            return None
        box = self.step_again()
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
        self.lay_out(*read_version(self.folder.versions, version))
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
        self.lay_out(*read_version(self.folder.versions, self.parent))
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
            self.step(unpacked(record.head, record.blob))
        elif kind == "undone":
            self.step_back()
        else:
            self.step_again()

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
        return self.voxels_since(before)
