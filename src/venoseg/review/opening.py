"""Opening a case: where its reviewer left it, or from the newest version, or from the start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from venoseg.errors import InputError, LabelError, OutputError, VenosegError
from venoseg.review.clock import Clock, checked_reviewer, system_clock
from venoseg.review.journal import Journal, JournalInUseError
from venoseg.review.session import CaseFolder, Session
from venoseg.review.versions import Version, list_versions
from venoseg.segmentation import Seed, Segmentation
from venoseg.volume import Volume


def open_session(
    image: Volume,
    start: Segmentation,
    folder: Path,
    reviewer: str,
    *,
    clock: Clock = system_clock,
    second_reading: bool = False,
    seeds: Sequence[Seed] = (),
) -> Session:
    """Open a case: where the reviewer left it, or from the newest version, or from the start.

    Parameters
    ----------
    image
        What is looked at.
    start
        Labels on its grid to begin with when there is no version yet.
    folder
        Where the review of this case is kept; made when it is not there.
    reviewer
        Who; part of file names.
    clock
        Tells the time.
    second_reading
        Begin with the labels that the first reader began with, so that the readings are
        independent.
    seeds
        Ends and waypoints to begin with when there is no version yet.

    Raises
    ------
    LabelError
        When the labels lie on another grid than the image.
    OutputError
        When the case is open in another window under the same name.
    """
    if not image.grid.matches(start.grid):
        raise LabelError(
            "the labels lie on another grid than the image",
            remedy="read them with read_labels(path, image), which brings them onto it",
        )
    session = Session(image, start, CaseFolder(folder), checked_reviewer(reviewer), clock, seeds)
    try:
        _settle(session, second_reading)
    except JournalInUseError:
        raise
    except OutputError as error:
        session.messages = (
            f"{error.what}: no change is kept until you choose another folder for the review",
        )
    return session


def _settle(session: Session, second_reading: bool) -> None:
    """Find the version to begin with and the journal to go on with."""
    folder, messages = session.folder, []
    versions, damaged = list_versions(folder.versions)
    messages += [f"the saved version {name} is damaged and is left out" for name in damaged]
    if not versions:
        versions = (session.write_start(),)
    path = folder.journal(session.reviewer)
    journal = Journal(path)
    if journal.lost_bytes:
        messages.append("the last step was cut off in the middle of writing and is lost")
    if journal.records:
        try:
            session.resume(journal, {version.name: version for version in versions})
        except (VenosegError, KeyError, IndexError, ValueError) as error:
            words = error.what if isinstance(error, VenosegError) else "it is damaged"
            messages.append(
                f"the journal cannot be replayed ({words}); it was set aside, and the case opens "
                "with the newest version"
            )
            journal.close()
            _set_aside(path)
            journal = Journal(path)
    if not journal.records:
        messages += _begin(session, journal, versions, second_reading)
    others = [
        v.name
        for v in versions
        if session.parent and v.number > session.parent.number and v.by != session.reviewer
    ]
    if others:
        messages.append(
            f"others saved {', '.join(others)} since the version you work on; all are kept"
        )
    session.messages = tuple(messages)


def _begin(
    session: Session, journal: Journal, versions: tuple[Version, ...], second_reading: bool
) -> list[str]:
    """Open the newest version that is whole; for a second reading, the start."""
    messages = []
    wanted = [v for v in versions if v.kind == "start"] if second_reading else versions
    for version in reversed(wanted):
        try:
            session.begin_with(version, journal)
        except InputError as error:
            messages.append(str(error))
        else:
            return messages
    raise InputError(
        "none of the saved versions can be read",
        where=session.folder.path.name,
        remedy="restore the folder from a backup, or review into another folder",
    )


def _set_aside(path: Path) -> None:
    number = 1
    while (aside := path.with_suffix(f".damaged{number}")).exists():
        number += 1
    path.rename(aside)
