"""Slow work beside the window, by napari's own threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]  # qtpy picks it

from venoseg.errors import VenosegError
from venoseg.review import Cancelled


def in_background(
    work: Callable[[], Any],
    finished: Callable[[Any], None],
    failed: Callable[[Exception], None],
) -> None:
    """Run ``work`` in a thread; the other two are called in the thread of the window.

    Exactly one of them is called, and an exception never reaches napari's own dialogue, which
    would show a traceback.
    """

    def guarded() -> tuple[bool, Any]:
        try:
            return True, work()
        except Exception as error:  # noqa: BLE001 - it is told in the window
            return False, error

    def returned(result: tuple[bool, Any]) -> None:
        good, value = result
        (finished if good else failed)(value)

    create_worker(guarded, _connect={"returned": returned}, _start_thread=True)


class Work(QObject):
    """Does slow work on behalf of the window, and says what goes on.

    Attributes
    ----------
    locked
        What is being done to the open case, during which nothing of it can be changed; else empty.
    stop
        Set when the user wants what is being done to end.
    """

    # What is being done; empty when nothing is.
    said = Signal(str)
    # Why it ended without a result, and whether that is a problem.
    ended = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.locked = ""
        self.stop = threading.Event()

    def start(self, words: str, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do work in a thread, and what follows it in the thread of the window."""

        def failed(error: Exception) -> None:
            self.locked = ""
            self.said.emit("")
            self.ended.emit(*told_of(error))

        def finished(result: Any) -> None:
            self.said.emit("")
            then(result)

        self.stop.clear()
        self.said.emit(words)
        in_background(work, finished, failed)

    def start_locked(
        self, words: str, work: Callable[[], Any], then: Callable[[Any], None]
    ) -> None:
        """Do work on the open case, during which nothing of it can be changed."""
        self.locked = words

        def done(result: Any) -> None:
            self.locked = ""
            then(result)

        self.start(words, work, done)

    def say(self, words: str) -> None:
        """Say what is being done; from any thread."""
        self.said.emit(words)

    def count(self, done: int, of: int) -> None:
        """Say how many files were looked at; ends the search when the user wants it to.

        Raises
        ------
        Cancelled
            When the user does.
        """
        if self.stop.is_set():
            raise Cancelled("stopped by the user")
        self.said.emit(f"looking for images: {done} of {of} files")


def told_of(error: Exception) -> tuple[str, bool]:
    """Return what the user is told of an exception, and whether it is a problem."""
    if isinstance(error, Cancelled):
        return "stopped; nothing was changed", False
    if isinstance(error, VenosegError):
        return str(error), True
    return f"venoseg failed with {type(error).__name__}: a defect", True
