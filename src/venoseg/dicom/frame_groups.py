"""Functional groups of an enhanced run, and the same questions answered by a classic header."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from venoseg.dicom.elements import Elements
from venoseg.volume import FloatArray


class FrameGroups:
    """Asks each frame first, then what all frames share, then the top of the header.

    Parameters
    ----------
    top
        The header.
    frames
        How many frames it has.
    """

    def __init__(self, top: Elements, frames: int) -> None:
        self._top = top
        self._shared = top.item("SharedFunctionalGroupsSequence")
        own = list(top.items("PerFrameFunctionalGroupsSequence"))
        self._own = own if len(own) == frames else []

    def all(self, name: str) -> list[Elements]:
        """Return one group per frame; empty unless every frame has it (of its own or shared)."""
        found = []
        for frame in self._own:
            group = frame.item(name) or (self._shared.item(name) if self._shared else None)
            if group is None:
                return []
            found.append(group)
        return found

    def first(self, name: str) -> Elements:
        """Return the group of the first frame, or the shared one, or the top of the header."""
        if self._own and (group := self._own[0].item(name)):
            return group
        if self._shared and (group := self._shared.item(name)):
            return group
        return self._top

    def text(self, name: str, keyword: str) -> str:
        """Return a text of the first frame."""
        return self.first(name).text(keyword)

    def element(self, name: str, keyword: str) -> int | None:
        """Return a binary number of the first frame."""
        return self.first(name).binary(keyword)

    def each(self, name: str, keyword: str) -> FloatArray | None:
        """Return (frames,) decimal numbers, None unless every frame states one."""
        values = [group.decimal(keyword) for group in self.all(name)]
        known = [value for value in values if value is not None]
        return np.array(known) if known and len(known) == len(values) else None

    def times_s(self) -> FloatArray | None:
        """Return (frames,) seconds since the first frame by each frame's own clock, or None."""
        words = [
            group.text("FrameAcquisitionDateTime") for group in self.all("FrameContentSequence")
        ]
        if not words or not all(words):
            return None
        try:
            clock = [_moment(word) for word in words]
        except ValueError:
            return None
        seconds = np.array([(moment - clock[0]).total_seconds() for moment in clock])
        return seconds if (np.diff(seconds) >= 0).all() else None


def _moment(word: str) -> datetime:
    whole, _, fraction = word.split("+")[0].split("-")[0].partition(".")
    moment = datetime.strptime(whole, "%Y%m%d%H%M%S")
    return moment.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if fraction else 0)
