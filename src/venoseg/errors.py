"""What can go wrong, said so that the user can act on it.

Every message has three parts: what happened, where, and what to do about it. The command line
prints them as one line and exits with the status of the class.
"""

from __future__ import annotations

import traceback
from pathlib import Path


class VenosegError(Exception):
    """Base of every failure that venoseg reports.

    Parameters
    ----------
    what
        What is wrong, in words a radiologist understands.
    where
        The file, series, vessel or position concerned. Never a patient's name or identifier.
    remedy
        What the user can do about it.
    """

    exit_status = 3

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        message = f"{self.where}: {self.what}" if self.where else self.what
        if self.remedy:
            message = f"{message}; {self.remedy}"
        return " ".join(message.split())

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process with every part of the message."""
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


def _rebuild(kind: type[VenosegError], what: str, where: str, remedy: str) -> VenosegError:
    return kind(what, where=where, remedy=remedy)


class UsageError(VenosegError, ValueError):
    """The command or call contradicts itself or names something that does not exist."""

    exit_status = 2


class InputError(VenosegError, ValueError):
    """A path, file or table cannot be read as what it should be."""


class SeriesError(InputError):
    """An image series cannot become one correct volume or run."""


class DecodeError(InputError):
    """The pixels of a frame cannot be decoded with certainty."""


class LabelError(InputError):
    """A label map or its names cannot be used for the image it came with."""


class MeasurementError(VenosegError, ValueError):
    """The image and labels are readable, but what was asked cannot be measured on them."""


class NeedsSeedsError(MeasurementError):
    """The veins cannot be found with certainty; seed points would help, and which ones is said."""


class OutputError(VenosegError, OSError):
    """A result cannot be written where it should go."""


class DependencyError(VenosegError, ImportError):
    """An optional part of venoseg, or a decoder, is not installed."""


def describe_defect(error: BaseException) -> str:
    """Describe a defect of the program without its message, which may name the patient."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{Path(place.filename).name}, line {place.lineno}: venoseg failed with "
        f"{type(error).__name__}, which is a defect; report it with what --debug shows"
    )
