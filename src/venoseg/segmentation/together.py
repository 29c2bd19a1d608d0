"""Independent steps at the same time: array operations leave the interpreter to other threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def both(first: Callable[[], T], second: Callable[[], U]) -> tuple[T, U]:
    """Return what two steps return; an error of the first counts before one of the second."""
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(second)
        return first(), other.result()


def each(step: Callable[[T], U], values: Sequence[T]) -> list[U]:
    """Return what a step makes of each value, in order."""
    if len(values) < 2:
        return [step(value) for value in values]
    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(step, values))
