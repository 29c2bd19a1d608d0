"""When: review records carry the time that the caller's clock tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from venoseg.errors import UsageError

Clock = Callable[[], datetime]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


def system_clock() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def stamp(clock: Clock) -> str:
    """Return the time of a clock as ISO 8601 in UTC, to the second."""
    return clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checked_reviewer(name: str) -> str:
    """Return a reviewer's name when it can be part of file names.

    Raises
    ------
    UsageError
        When it is empty, too long, or holds other characters than letters, digits, - and _.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a reviewer's name",
            remedy="use up to 32 letters, digits, - or _, for example your initials",
        )
    return name
