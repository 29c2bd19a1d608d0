"""The CEAP classification in its revision of 2020 (PMID 34171953; Ann Phlebology 2022;20:19)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from venoseg.errors import InputError
from venoseg.followup.scores import side_of

_CLINICAL = re.compile(r"C(0|1|2r?|3|4[abc]|5|6r?)")
_ETIOLOGY = ("Ec", "Ep", "Esi", "Ese", "En")
_ANATOMY = ("As", "Ad", "Ap", "An")
_PATHOPHYSIOLOGY = ("Pr", "Po", "Pr,o", "Pn")
_SYMPTOMS = {"s": "symptomatic", "a": "asymptomatic"}

_SIDES = ("left", "right", "worse limb")


@dataclass(frozen=True, slots=True)
class Ceap:
    """One classification of one limb on one day.

    Attributes
    ----------
    side
        ``left``, ``right`` or ``worse limb``.
    clinical
        C0 to C6r, several where several were recorded.
    symptoms
        ``s``, ``a`` or empty.
    etiology, anatomy, pathophysiology
        As classified; empty where not recorded.
    """

    side: str
    clinical: tuple[str, ...]
    symptoms: str = ""
    etiology: tuple[str, ...] = ()
    anatomy: tuple[str, ...] = ()
    pathophysiology: str = ""

    @property
    def text(self) -> str:
        """The classification as it is written."""
        parts = (
            ",".join(self.clinical) + self.symptoms,
            ",".join(self.etiology),
            ",".join(self.anatomy),
            self.pathophysiology,
        )
        return " ".join(part for part in parts if part)


def ceap_from(record: Mapping[str, object], where: str) -> Ceap:
    """Return a classification from what was written down.

    Raises
    ------
    InputError
        When the clinical class is missing or a class does not exist.
    """
    where = f"{where}, ceap"
    known = ("side", "clinical", "symptoms", "etiology", "anatomy", "pathophysiology")
    unknown = [name for name in record if name not in known]
    if unknown:
        raise InputError(
            f"there is no part '{unknown[0]}'", where=where, remedy=f"use {', '.join(known)}"
        )
    clinical = _words(record.get("clinical"))
    if not clinical:
        raise InputError("no clinical class is recorded", where=where, remedy="write C0 to C6r")
    for word in clinical:
        if not _CLINICAL.fullmatch(word):
            raise InputError(
                f"there is no clinical class '{word[:10]}'",
                where=where,
                remedy="use C0, C1, C2, C2r, C3, C4a, C4b, C4c, C5, C6 or C6r",
            )
    symptoms = str(record.get("symptoms") or "")
    if symptoms not in ("", *_SYMPTOMS):
        raise InputError(f"symptoms is '{symptoms[:10]}'", where=where, remedy="write s or a")
    flow = str(record.get("pathophysiology") or "").replace(" ", "")
    return Ceap(
        side_of(record, _SIDES, where),
        clinical,
        symptoms,
        _of(record.get("etiology"), _ETIOLOGY, "etiology", where),
        _of(record.get("anatomy"), _ANATOMY, "anatomy", where),
        _of([flow] if flow else None, _PATHOPHYSIOLOGY, "pathophysiology", where)[0]
        if flow
        else "",
    )


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return tuple(str(word) for word in value) if isinstance(value, list | tuple) else ()


def _of(value: object, allowed: tuple[str, ...], name: str, where: str) -> tuple[str, ...]:
    words = _words(value)
    for word in words:
        if word not in allowed:
            raise InputError(
                f"there is no {name} '{word[:10]}'",
                where=where,
                remedy=f"use {', '.join(allowed)}",
            )
    return words
