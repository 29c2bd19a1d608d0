"""From an item of the worklist to an open case, in the background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from venoseg.review import CaseFolder, Clock, Loaded, Session, WorkItem, load, open_session
from venoseg_napari.background import Work


@dataclass(frozen=True, slots=True)
class Asked:
    """How a case is to be opened.

    Attributes
    ----------
    folder
        Where its review is kept.
    labels
        What it begins with; None: what its manifest names.
    reviewer, clock
        Who, and what tells the time.
    second_reading
        Whether it begins where the first reading began.
    """

    folder: CaseFolder
    labels: Path | None
    reviewer: str
    clock: Clock
    second_reading: bool = False


def read_case(item: WorkItem, asked: Asked, work: Work) -> tuple[Loaded, Session]:
    """Read an item and open its review; ``work`` says what is done, and ends it.

    Raises
    ------
    VenosegError
        When it cannot be opened, or the user stopped it.
    """
    loaded = load(item, asked.folder, asked.labels, say=work.say, cancelled=work.stop.is_set)
    session = open_session(
        loaded.image,
        loaded.labels,
        asked.folder.path,
        asked.reviewer,
        clock=asked.clock,
        second_reading=asked.second_reading,
        seeds=loaded.seeds,
    )
    return loaded, session
