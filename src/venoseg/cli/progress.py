"""A line of progress on standard error, for work that takes longer than a moment."""

from __future__ import annotations

import sys
import time
from types import TracebackType

PATIENCE_S = 1.0
INTERVAL_S = 0.5


class Progress:
    """Prints ``words: done/total`` in place once the work has taken longer than a second.

    Parameters
    ----------
    words
        What is being counted.
    quiet
        Print nothing.
    """

    def __init__(self, words: str, *, quiet: bool = False) -> None:
        self._words = words
        self._quiet = quiet or not sys.stderr.isatty()
        self._due = time.monotonic() + PATIENCE_S
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the work is."""
        if self._quiet or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + INTERVAL_S
        self._shown = True
        print(f"\r{self._words}: {done}/{total}", end="", file=sys.stderr, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
