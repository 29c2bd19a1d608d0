"""Several lumens of a vein put in the place of the whole, in the stations that have them."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from venoseg.lumen.assess import CONCAVE, SEVERAL, WEBBED
from venoseg.lumen.division.lumens import Lumens
from venoseg.lumen.geometry.contours import Shapes
from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.rays.edges import to_lps


def put_lumens(profile: VesselProfile, lumens: Lumens) -> VesselProfile:
    """Return a vein with several lumens at some of its stations."""
    figures = {f.name: getattr(profile.shapes, f.name).copy() for f in fields(Shapes)}
    contours, centers = profile.contours_mm.copy(), profile.centers_lps_mm.copy()
    area, least = profile.area_interval_mm2.copy(), profile.minimum_interval_mm.copy()
    components, flags = profile.components.copy(), [list(words) for words in profile.flags]
    curve = profile.branch.curve
    for n in np.unique(lumens.stations).tolist():
        own = lumens.at(n)
        shapes = lumens.shapes.part(own)
        total = float(shapes.area_mm2.sum())
        contours[n] = lumens.contours_mm[own][0]
        figures["area_mm2"][n] = total
        figures["equivalent_mm"][n] = 2.0 * np.sqrt(total / np.pi)
        figures["perimeter_mm"][n] = shapes.perimeter_mm.sum()
        figures["minimum_mm"][n] = shapes.minimum_mm.min()
        figures["maximum_mm"][n] = shapes.maximum_mm.max()
        figures["inscribed_mm"][n] = shapes.inscribed_mm.max()
        figures["minimum_angle_rad"][n] = shapes.minimum_angle_rad[0]
        area[n] = lumens.area_interval_mm2[own].sum(axis=0)
        least[n] = lumens.minimum_interval_mm[own].min(axis=0)
        middle = np.average(lumens.centers_mm[own], axis=0, weights=shapes.area_mm2)
        centers[n] = (
            curve.points_lps_mm[n] + to_lps(middle[None, None], curve.part(slice(n, n + 1)))[0, 0]
        )
        components[n] = len(shapes.area_mm2)
        kept = [word for word in flags[n] if word not in (CONCAVE, SEVERAL, WEBBED)]
        flags[n] = [*kept, SEVERAL]
    return replace(
        profile,
        contours_mm=contours,
        centers_lps_mm=centers,
        shapes=Shapes(**figures),
        area_interval_mm2=area,
        minimum_interval_mm=least,
        components=components,
        flags=tuple(map(tuple, flags)),
        lumens=lumens,
    )
