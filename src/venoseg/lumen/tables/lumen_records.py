"""The table of the lumens at stations that have several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from venoseg.lumen.profile import VesselProfile
from venoseg.lumen.rays.edges import to_lps
from venoseg.tables import Column, Row, Table

LUMEN_COLUMNS: tuple[Column, ...] = (
    Column("vessel", "name of the vein"),
    Column("position_mm", "arc length from the vein's central end, as in the cross-sections", 2),
    Column("lumen", "number of the lumen at the station, the largest first"),
    Column("x_mm", "centre of this lumen, towards the patient's left (LPS)", 3),
    Column("y_mm", "centre of this lumen, towards the patient's back (LPS)", 3),
    Column("z_mm", "centre of this lumen, towards the patient's head (LPS)", 3),
    Column("lumen_area_mm2", "area of this lumen in the plane across the centerline", 2),
    Column("lumen_area_low_mm2", "low end of the 95 % interval of the area", 2),
    Column("lumen_area_high_mm2", "high end of the 95 % interval of the area", 2),
    Column("equivalent_diameter_mm", "diameter of the circle of the same area, 2 sqrt(A/pi)", 3),
    Column("minimum_diameter_mm", "least width of this lumen (Feret)", 3),
    Column("minimum_diameter_low_mm", "low end of the 95 % interval of the least width", 3),
    Column("minimum_diameter_high_mm", "high end of the 95 % interval of the least width", 3),
    Column("maximum_diameter_mm", "greatest width of this lumen (Feret)", 3),
    Column("perimeter_mm", "length of this lumen's outline", 3),
)


def lumen_table(profiles: Sequence[VesselProfile]) -> Table:
    """Return one row for every lumen of the stations that have more than one."""
    return Table.from_rows(LUMEN_COLUMNS, [row for p in profiles for row in _rows(p)])


def _rows(profile: VesselProfile) -> Iterator[Row]:
    lumens, curve = profile.lumens, profile.branch.curve
    shapes = lumens.shapes
    for k, n in enumerate(lumens.stations.tolist()):
        station = curve.part(slice(n, n + 1))
        middle = lumens.centers_mm[k][None, None]
        center = curve.points_lps_mm[n] + to_lps(middle, station)[0, 0]
        area, least = lumens.area_interval_mm2[k], lumens.minimum_interval_mm[k]
        figures = {
            "position_mm": curve.position_mm[n],
            "x_mm": center[0],
            "y_mm": center[1],
            "z_mm": center[2],
            "lumen_area_mm2": shapes.area_mm2[k],
            "lumen_area_low_mm2": area[0],
            "lumen_area_high_mm2": area[1],
            "equivalent_diameter_mm": shapes.equivalent_mm[k],
            "minimum_diameter_mm": shapes.minimum_mm[k],
            "minimum_diameter_low_mm": least[0],
            "minimum_diameter_high_mm": least[1],
            "maximum_diameter_mm": shapes.maximum_mm[k],
            "perimeter_mm": shapes.perimeter_mm[k],
        }
        number = k - lumens.at(n).start + 1
        known = {name: float(value) if value == value else None for name, value in figures.items()}
        yield {"vessel": profile.vessel, "lumen": number, **known}
