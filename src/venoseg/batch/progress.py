"""How far a batch is: one line in place on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from venoseg.batch.names import clean_text

_IN_PLACE_S, _LINE_S = 0.5, 30.0


class BatchProgress:
    """Counts studies or cases and says so on ``stream``.

    Parameters
    ----------
    total
        Studies to measure.
    stream
        A terminal shows one line in place; anything else gets a line for every failure, and one
        from time to time.
    quiet
        Say nothing.
    what
        What is counted.
    clock
        Seconds, for tests.
    """

    def __init__(
        self,
        total: int,
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
        what: str = "studies",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._what = what
        self._clock = clock
        self._live = self._stream.isatty()
        self._began = self._due = clock()
        self.done = 0
        self.failed = 0

    def one_done(self, name: str, reasons: list[str]) -> None:
        """Count a study, and say why it failed if it did."""
        self.done += 1
        self.failed += bool(reasons)
        for reason in reasons:
            self.say(f"{name}: {reason}")
        self.show()

    def say(self, words: str) -> None:
        """Print a line of its own."""
        if self._quiet:
            return
        start = "\r\033[K" if self._live else ""
        print(f"{start}{clean_text(words)}", file=self._stream, flush=True)

    def reading(self, files: int) -> None:
        """Tell how many headers have been read."""
        self.show(f"{files} files read")

    def show(self, words: str = "", *, now: bool = False) -> None:
        """Print how far it is, when it is time to."""
        if self._quiet or (not now and self._clock() < self._due):
            return
        self._due = self._clock() + (_IN_PLACE_S if self._live else _LINE_S)
        start, end = ("\r\033[K", "") if self._live else ("", "\n")
        print(f"{start}{words or self._words()}", end=end, file=self._stream, flush=True)

    def close(self) -> None:
        """Leave the terminal's line."""
        self.show(now=True)
        if self._live and not self._quiet:
            print(file=self._stream, flush=True)

    def _words(self) -> str:
        words = f"{self.done} of {self._total} {self._what}, {self.failed} failed"
        took = self._clock() - self._began
        if not self.done or took <= 0:
            return words
        left = (self._total - self.done) * took / self.done
        rate = 60.0 * self.done / took
        return f"{words}, {rate:.1f} a minute, {_span(left)} left"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
