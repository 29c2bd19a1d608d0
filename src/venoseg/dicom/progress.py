"""Telling how far something slow is."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

# Called with how many are done and how many there are; what it raises ends the work.
Progress = Callable[[int, int], None]


class Count:
    """Counts the slices that are read, from any thread."""

    def __init__(self, of: int, progress: Progress | None) -> None:
        self._of, self._progress, self._done = of, progress, 0
        self._lock = Lock()

    def add(self, slices: int = 1) -> None:
        """Count some more, and tell whoever wants to know."""
        if self._progress is not None:
            with self._lock:
                self._done += slices
                self._progress(self._done, self._of)
