"""Clinical scores made of items: Villalta and the revised Venous Clinical Severity Score.

Villalta: 5 symptoms and 6 signs, 0 to 3 each; 0 to 4 none, 5 to 9 mild, 10 to 14 moderate, 15 and
more severe, and severe whenever there is an ulcer (Kahn 2009, J Thromb Haemost,
doi:10.1111/j.1538-7836.2009.03294.x). An ulcer changes the category and leaves the sum alone.
Revised VCSS: 10 items, 0 to 3 each
(doi:10.1016/j.jvs.2010.06.161); 8 and more is severe disease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from venoseg.errors import InputError

SIDES: tuple[str, ...] = ("left", "right", "worse limb")

HIGHEST_ITEM = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """A score: its items by name with their titles, and its categories by their lowest total."""

    name: str
    title: str
    items: Mapping[str, str]
    categories: tuple[tuple[int, str], ...]

    @property
    def highest(self) -> int:
        """The highest possible total."""
        return HIGHEST_ITEM * len(self.items)


VILLALTA = Scale(
    "villalta",
    "Villalta score",
    {
        "pain": "pain",
        "cramps": "cramps",
        "heaviness": "heaviness",
        "paraesthesia": "paraesthesia",
        "pruritus": "pruritus",
        "oedema": "pretibial oedema",
        "induration": "skin induration",
        "hyperpigmentation": "hyperpigmentation",
        "redness": "redness",
        "ectasia": "venous ectasia",
        "compression_pain": "pain on calf compression",
    },
    ((15, "severe"), (10, "moderate"), (5, "mild"), (0, "none")),
)

VCSS = Scale(
    "vcss",
    "Revised Venous Clinical Severity Score",
    {
        "pain": "pain",
        "varicose_veins": "varicose veins",
        "oedema": "oedema",
        "pigmentation": "skin pigmentation",
        "inflammation": "inflammation",
        "induration": "induration",
        "ulcer_number": "number of active ulcers",
        "ulcer_duration": "duration of the oldest active ulcer",
        "ulcer_size": "size of the largest active ulcer",
        "compression": "use of compression",
    },
    ((8, "severe"), (0, "below severe")),
)

SCALES: dict[str, Scale] = {scale.name: scale for scale in (VILLALTA, VCSS)}


@dataclass(frozen=True, slots=True)
class Score:
    """One score of one limb on one day.

    Attributes
    ----------
    scale
        Which score.
    side
        ``left``, ``right`` or ``worse limb``.
    items
        The items that were recorded.
    recorded_total
        A total that came without items; None where items were given.
    ulcer
        For Villalta: whether there is an ulcer; None when not recorded.
    """

    scale: Scale
    side: str
    items: Mapping[str, int] = field(default_factory=dict)
    recorded_total: int | None = None
    ulcer: bool | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the items that were not recorded."""
        return tuple(name for name in self.scale.items if name not in self.items)

    @property
    def total(self) -> int | None:
        """The sum; None when an item is missing and no total was recorded."""
        if not self.items:
            return self.recorded_total
        return None if self.missing else sum(self.items.values())

    @property
    def as_recorded(self) -> bool:
        """Whether the total was taken as it was written down, without its items."""
        return not self.items and self.recorded_total is not None

    @property
    def category(self) -> str | None:
        """Severity; None when it cannot be told.

        A low Villalta total alone does not tell: an ulcer would make it severe.
        """
        top = self.scale.categories[0]
        if self.scale.name == VILLALTA.name and self.ulcer:
            return top[1]
        if self.total is None:
            return None
        return next(words for least, words in self.scale.categories if self.total >= least)

    @property
    def note(self) -> str:
        """What a reader must know of the total and the category; empty when nothing."""
        words = []
        if self.as_recorded:
            words.append("total as recorded, items not given")
        elif self.missing:
            words.append(f"no total: {', '.join(self.missing)} not recorded")
        if self.scale.name == VILLALTA.name and self.ulcer:
            words.append("severe because of an ulcer")
        elif self.scale.name == VILLALTA.name and self.ulcer is None:
            words.append("by the total alone: whether there is an ulcer is not recorded")
        return "; ".join(words)


def score_from(scale: Scale, record: Mapping[str, object], where: str) -> Score:
    """Return a score from what was written down.

    Parameters
    ----------
    scale
        Which score.
    record
        Items by name, ``side``, and optionally ``total`` and, for Villalta, ``ulcer``.
    where
        For the messages.

    Raises
    ------
    InputError
        When an item is unknown, a value is impossible, or the total is not that of the items.
    """
    where = f"{where}, {scale.name}"
    known = [*scale.items, "side", "total", *(["ulcer"] if scale.name == VILLALTA.name else [])]
    unknown = [name for name in record if name not in known]
    if unknown:
        raise InputError(
            f"there is no item '{unknown[0]}'", where=where, remedy=f"use {', '.join(known)}"
        )
    items = {
        name: whole_number(record[name], 0, HIGHEST_ITEM, name, where)
        for name in scale.items
        if record.get(name) is not None
    }
    total = record.get("total")
    stated = None if total is None else whole_number(total, 0, scale.highest, "total", where)
    if not items and stated is None and record.get("ulcer") is None:
        raise InputError("neither items nor a total are recorded", where=where)
    score = Score(
        scale,
        side_of(record, SIDES, where),
        items,
        None if items else stated,
        optional_bool(record.get("ulcer"), "ulcer", where),
    )
    if items and stated is not None and stated != score.total:
        found = "cannot be checked" if score.total is None else f"is {score.total}"
        raise InputError(
            f"the recorded total is {stated}, and that of the items {found}",
            where=where,
            remedy="correct the items or leave the total out",
        )
    return score


def whole_number(value: object, least: int, most: int, name: str, where: str) -> int:
    """Return a whole number within its range.

    Raises
    ------
    InputError
        When it is something else.
    """
    number = float(value) if isinstance(value, int | float) else None
    if isinstance(value, bool) or number is None or not number.is_integer():
        raise InputError(f"{name} needs a whole number, not '{str(value)[:20]}'", where=where)
    if not least <= number <= most:
        raise InputError(f"{name} is {number:.0f}; only {least} to {most} is possible", where=where)
    return int(number)


def side_of(record: Mapping[str, object], allowed: tuple[str, ...], where: str) -> str:
    """Return the side of a record.

    Raises
    ------
    InputError
        When it is missing or none of those allowed.
    """
    side = record.get("side")
    if side not in allowed:
        said = "no side is recorded" if side is None else f"the side is '{str(side)[:20]}'"
        raise InputError(said, where=where, remedy=f"write side = one of {', '.join(allowed)}")
    return str(side)


def optional_bool(value: object, name: str, where: str) -> bool | None:
    """Return yes, no or not recorded.

    Raises
    ------
    InputError
        When it is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    raise InputError(f"{name} needs true or false, not '{str(value)[:20]}'", where=where)
