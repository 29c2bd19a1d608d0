"""Venous claudication: a record of its own, for the Villalta score has no item for walking.

It is a tight, bursting pain of the thigh or leg on exercise that eases slowly, faster with the leg
raised; on a treadmill (3.5 km/h, 10 % slope) its median onset was 130 m after iliofemoral
thrombosis (Delis 2004, Ann Surg 239:118).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from venoseg.errors import InputError
from venoseg.followup.scores import optional_bool, side_of

TESTS: tuple[str, ...] = ("treadmill", "six_minute_walk", "history")

_SIDES = ("left", "right", "both")
_NUMBERS = ("onset_distance_m", "stop_distance_m", "recovery_min")
_KNOWN = ("side", "present", *_NUMBERS, "relief_by_elevation", "test")


@dataclass(frozen=True, slots=True)
class Claudication:
    """One record; None where something was not recorded.

    Attributes
    ----------
    side
        ``left``, ``right`` or ``both``.
    present
        Whether the patient has it.
    onset_distance_m, stop_distance_m
        Walking distance until pain begins, and until it stops the patient.
    recovery_min
        Until the pain has gone.
    relief_by_elevation
        Whether raising the leg helps.
    test
        ``treadmill``, ``six_minute_walk`` or ``history``.
    """

    side: str
    present: bool
    onset_distance_m: float | None = None
    stop_distance_m: float | None = None
    recovery_min: float | None = None
    relief_by_elevation: bool | None = None
    test: str | None = None


def claudication_from(record: Mapping[str, object], where: str) -> Claudication:
    """Return a record from what was written down.

    Raises
    ------
    InputError
        When it does not say whether there is claudication, or says what is impossible.
    """
    where = f"{where}, claudication"
    unknown = [name for name in record if name not in _KNOWN]
    if unknown:
        raise InputError(
            f"there is no item '{unknown[0]}'", where=where, remedy=f"use {', '.join(_KNOWN)}"
        )
    present = optional_bool(record.get("present"), "present", where)
    if present is None:
        raise InputError("it is not recorded whether there is any", where=where)
    numbers = {name: _amount(record.get(name), name, where) for name in _NUMBERS}
    onset, stop = numbers["onset_distance_m"], numbers["stop_distance_m"]
    if onset is not None and stop is not None and stop < onset:
        raise InputError(
            f"pain stops the patient after {stop:g} m and begins after {onset:g} m", where=where
        )
    if not present and any(value is not None for value in numbers.values()):
        raise InputError("there is none, yet distances or a recovery are recorded", where=where)
    test = record.get("test")
    if test is not None and test not in TESTS:
        raise InputError(
            f"there is no test '{str(test)[:20]}'", where=where, remedy=f"use {', '.join(TESTS)}"
        )
    return Claudication(
        side_of(record, _SIDES, where),
        present,
        onset,
        stop,
        numbers["recovery_min"],
        optional_bool(record.get("relief_by_elevation"), "relief_by_elevation", where),
        None if test is None else str(test),
    )


def _amount(value: object, name: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100_000:
        raise InputError(f"{name} needs a number of 0 or more", where=where)
    return float(value)
