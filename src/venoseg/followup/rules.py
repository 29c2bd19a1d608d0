"""Every threshold of change and patency in one table, with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from venoseg.errors import InputError


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds; a manifest may replace any of them under ``[rules]``.

    The meaning and source of each stands in `SOURCES`.
    """

    stenosed_percent: float = 50.0
    compressed_percent: float = 50.0
    native_change_percent: float = 30.0
    native_diameter_change_percent: float = 15.0
    stenosis_ends_primary: bool = False
    thickness_ratio: float = 1.5
    stent_lumen_thickness_mm: float = 3.0
    open_collateral_fraction: float = 0.05
    match_residual_limit_mm: float = 6.0


@dataclass(frozen=True, slots=True)
class Source:
    """What a rule means, and where its default comes from."""

    name: str
    meaning: str
    source: str


SOURCES: tuple[Source, ...] = (
    Source(
        "stenosed_percent",
        "a vein or stent narrowed by at least this much, by area against its reference or stent on "
        "CT and by diameter on a venogram, is stenosed; more than 50 % is the trials' loss of "
        "patency",
        "VERNACULAR (PMC8451739), VIRTUS 2019, Neglen and Raju 2004 (J Vasc Surg 39:181); by "
        "convention, called arbitrary by Jayaraj 2021",
    ),
    Source(
        "compressed_percent",
        "a stent whose least width is smaller than its nominal diameter by at least this much is "
        "compressed",
        "no published cut-off is known; venoseg's own default",
    ),
    Source(
        "native_change_percent",
        "smaller changes of the area of a vein without stent cannot be told from breathing and "
        "filling unless both states are recorded and equal",
        "inference: the cava's area changed by 44 to 62 % with resuscitation (Vascular, "
        "doi:10.1177/1708538114552665) and its diameter by 35 % with breathing (PMC3463481)",
    ),
    Source(
        "native_diameter_change_percent",
        "the same for the least width",
        "readers often differ by more than this (PMID 10637142, PMC3529204); venoseg's own default",
    ),
    Source(
        "stenosis_ends_primary",
        "whether a stenosis ends primary patency as an intervention does",
        "off: patency as it is commonly spoken of; on: VIRTUS 2019, VERNACULAR (PMC8451739)",
    ),
    Source(
        "thickness_ratio",
        "series whose slice thickness differs by more than this factor are not compared",
        "venoseg's own default",
    ),
    Source(
        "stent_lumen_thickness_mm",
        "in-stent figures from thicker slices are not compared",
        "customary; no published limit is known",
    ),
    Source(
        "open_collateral_fraction",
        "a venogram whose share of contrast medium beside the measured veins is below this, with "
        "its whole 95 % interval, shows no collateral filling; where it was at least this before, "
        "there is no residual filling",
        "no published limit is known; venoseg's own default, the accuracy of the share "
        "(docs/venography.md); other veins in the picture count as well",
    ),
    Source(
        "match_residual_limit_mm",
        "levels are not matched by bones that lie farther apart than this after registration",
        "venoseg's own default",
    ),
)


def rules_from(values: Mapping[str, object], where: str) -> Rules:
    """Return the rules with some replaced.

    Raises
    ------
    InputError
        When a name is unknown or a value is no positive number.
    """
    defaults = {one.name: one.default for one in fields(Rules)}
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in defaults:
            raise InputError(
                f"there is no rule '{name}'",
                where=where,
                remedy=f"use one of {', '.join(defaults)}",
            )
        if isinstance(defaults[name], bool):
            if not isinstance(value, bool):
                raise InputError(f"the rule {name} needs true or false", where=where)
            chosen[name] = value
        elif isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise InputError(f"the rule {name} needs a positive number", where=where)
        else:
            chosen[name] = float(value)
    return Rules(**chosen)
