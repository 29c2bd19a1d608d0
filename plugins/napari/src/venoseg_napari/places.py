"""Where in the measurements something lies."""

from __future__ import annotations

import numpy as np

from venoseg.lumen import Measurements
from venoseg.lumen.profile import VesselProfile
from venoseg.volume import FloatArray

# Vein and station.
Place = tuple[str, int]

_NEAR_MM = 40.0


def profile_of(found: Measurements | None, vessel: str | None) -> VesselProfile | None:
    """Return what was measured of a vein; None when nothing was."""
    profiles = found.profiles if found else ()
    return next((p for p in profiles if p.vessel == vessel), None)


def nearest_station(found: Measurements | None, lps_mm: FloatArray) -> Place | None:
    """Return vein and station nearest to a place; None when it is near none."""
    best, least = None, _NEAR_MM
    for profile in found.profiles if found else ():
        gaps = np.linalg.norm(profile.centers_lps_mm - lps_mm, axis=1)
        number = int(gaps.argmin())
        if gaps[number] < least:
            best, least = (profile.vessel, number), float(gaps[number])
    return best


def narrowest(profile: VesselProfile) -> int | None:
    """Return the station of least area; None when none was measured."""
    return int(np.nanargmin(profile.shapes.area_mm2)) if profile.measured.any() else None


def first_place(found: Measurements) -> Place | None:
    """Return where a reader would look first: the narrowest place of the first measured vein."""
    for profile in found.profiles:
        station = narrowest(profile)
        if station is not None:
            return profile.vessel, station
    return None
