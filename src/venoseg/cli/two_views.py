"""``venoseg two-views``: the area of a vein from its widths in two views."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg two-views``."""
    for name in ("first", "second"):
        parser.add_argument(name, type=Path, help="a folder that `venoseg angio` has written")
    parser.add_argument("--vessel", metavar="NAME", help="the vein; default: all of both runs")


def run(arguments: argparse.Namespace) -> int:
    """Combine the narrowest places of both runs; print what area they allow."""
    import numpy as np

    from venoseg.angiography.twoviews import area_from_two_views
    from venoseg.errors import UsageError
    from venoseg.interchange.venogram_in import narrowest_places

    first, second = (narrowest_places(one) for one in (arguments.first, arguments.second))
    wanted = [arguments.vessel] if arguments.vessel else [name for name in first if name in second]
    if not wanted or any(name not in first or name not in second for name in wanted):
        raise UsageError(
            "no vein of that name was measured in both runs",
            remedy="name the veins alike in the seeds of both runs",
        )
    rows = []
    for name in wanted:
        one, other = first[name], second[name]
        apart = float(np.degrees(np.arccos(np.clip(one.ray @ other.ray, -1.0, 1.0))))
        found = area_from_two_views(one.width, other.width, apart)
        rows.append(
            {
                "vessel": name,
                "first_mm": one.width.mm,
                "second_mm": other.width.mm,
                "apart_degrees": round(apart, 2),
                "area_mm2": round(found.area_mm2, 3),
                "area_low_mm2": round(found.low_mm2, 3),
                "area_high_mm2": round(found.high_mm2, 3),
                "shortest_mm": round(found.shortest_mm, 3),
                "longest_mm": round(found.longest_mm, 3),
                "assumption": f"the narrowest places are one; {found.assumption}",
            }
        )
    if arguments.json:
        print(json.dumps({"veins": rows}, indent=1))
    elif not arguments.quiet:
        for row in rows:
            print(
                f"{row['vessel']}: {row['area_mm2']:.0f} mm² (95 % {row['area_low_mm2']:.0f} to "
                f"{row['area_high_mm2']:.0f}) from {row['first_mm']:.1f} and "
                f"{row['second_mm']:.1f} mm, {row['apart_degrees']:.0f} degrees apart; "
                f"{row['assumption']}"
            )
    return 0
