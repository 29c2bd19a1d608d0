"""Independent steps at the same time: array operations leave the interpreter to other threads.

Two threads work at once and no more, however steps are nested: each operation is so short that
further ones would mostly wait for the interpreter, and for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")

# Held while two threads work.
_second = threading.Semaphore(1)


def both(first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U]:
    """Return what two steps return; an error of the first counts before one of the second."""
    steps: list[Callable[[], Any]] = [first, second]
    one, other = each(lambda step: step(), steps)
    return one, other


def each(step: Callable[[T], U], values: Sequence[T]) -> list[U]:
    """Return what a step makes of each value, in order; the first error in this order counts.

    Where two threads work already the one that asks takes all values, one after the other.
    """
    if len(values) < 2 or not _second.acquire(blocking=False):
        return [step(value) for value in values]
    made: list[Future[U]] = [Future() for _ in values]
    left = iter(range(len(values)))
    idle = threading.Lock()

    def work() -> None:
        for n in left:
            try:
                made[n].set_result(step(values[n]))
            except BaseException as error:  # noqa: BLE001 - raised by the thread that asked
                made[n].set_exception(error)
        # Whoever has nothing left first makes room for steps within what the other still does.
        if idle.acquire(blocking=False):
            _second.release()

    helper = threading.Thread(target=work)
    helper.start()
    work()
    helper.join()
    return [one.result() for one in made]
