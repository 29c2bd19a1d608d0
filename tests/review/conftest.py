"""A case on the desk: one tilted vein, a clock that can be read ahead, a full disk."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from venoseg.review import Session, open_session


class Clock:
    """Tells one minute more each time it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tilted, tmp_path, clock) -> Iterator[Callable[..., Session]]:
    """Open the tilted vein: ``opened("anna")``; every session is closed afterwards."""
    sessions = []

    def open_one(reviewer: str = "anna", folder: Path | None = None, **more) -> Session:
        session = open_session(
            tilted.image,
            tilted.segmentation,
            folder or tmp_path / "case",
            reviewer,
            clock=clock,
            **more,
        )
        sessions.append(session)
        return session

    yield open_one
    for session in sessions:
        session.close()


@pytest.fixture
def full_disk() -> Callable:
    """``with full_disk(bytes):`` no file can grow beyond so many bytes."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
