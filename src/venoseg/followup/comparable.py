"""What stands against the comparison of two scans."""

from __future__ import annotations

from venoseg.dicom.choice import kernel_class
from venoseg.followup.rules import Rules
from venoseg.followup.visit import CtVisit
from venoseg.lumen.assess import METAL
from venoseg.tables import Row


def stented_station(row: Row) -> bool:
    """Tell whether a station lies in a stent, or in metal that hides the blood's edge."""
    return row["stent_area_mm2"] is not None or METAL in str(row["flags"]).split()


def obstacle_of(before: CtVisit, after: CtVisit, stented: bool, rules: Rules) -> str:
    """Return why figures of two scans cannot be compared; empty when nothing stands against it.

    Parameters
    ----------
    before, after
        The scans.
    stented
        Whether the figures come from inside a stent.
    rules
        The limits.
    """
    first, second = before.found.source, after.found.source
    kernels = [kernel_class(s.convolution_kernel or "") for s in (first, second)]
    if None not in kernels and kernels[0] != kernels[1]:
        return f"different kernels: {kernels[0]} and {kernels[1]}"
    if stented and first.convolution_kernel != second.convolution_kernel:
        return "different kernels: blooming of the stent differs"
    thick = [s.slice_thickness_mm for s in (first, second)]
    known = [t for t in thick if t is not None]
    if len(known) == 2 and max(known) > rules.thickness_ratio * min(known):
        return f"different slice thickness: {known[0]:g} and {known[1]:g} mm"
    if stented and known and max(known) > rules.stent_lumen_thickness_mm:
        return f"slices of {max(known):g} mm are too thick for the inside of a stent"
    phases = {before.conditions.phase, after.conditions.phase} - {None, ""}
    if len(phases) == 2:
        return f"different phases: {before.conditions.phase} and {after.conditions.phase}"
    return ""
