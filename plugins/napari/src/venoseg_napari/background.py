"""Slow work beside the window, by napari's own threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.qt.threading import create_worker


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
