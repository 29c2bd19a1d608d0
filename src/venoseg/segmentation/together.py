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

    While two threads work already the one that asks takes value by value, until it can be helped.
    """
    made: list[U] = []
    while len(made) < len(values) - 1:
        if _second.acquire(blocking=False):
            return made + _shared(step, values[len(made) :])
        made.append(step(values[len(made)]))
    return made + [step(value) for value in values[len(made) :]]


def _shared(step: Callable[[T], U], values: Sequence[T]) -> list[U]:
    """Return what a step makes of each value, in two threads; `_second` is held."""
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
