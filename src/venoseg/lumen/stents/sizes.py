"""What is known of implanted stents beforehand: in which veins they lie, and their size."""

from __future__ import annotations

from collections.abc import Collection, Mapping

StentSizes = float | Mapping[str, float | None]
"""Nominal diameter of all stents in mm; or of those in each vein that holds any, None: unknown."""


def stented_veins(sizes: StentSizes | None, vessels: Collection[str]) -> frozenset[str]:
    """Return the veins that are known to hold stents, of those there are."""
    if sizes is None:
        return frozenset()
    return frozenset(v for v in vessels if not isinstance(sizes, Mapping) or v in sizes)


def nominal_mm_in(sizes: StentSizes | None, vessels: Collection[str]) -> float | None:
    """Return the nominal diameter of the stents in veins; None where it is unknown or differs."""
    if not isinstance(sizes, Mapping):
        return sizes
    known = {sizes[vessel] for vessel in vessels if vessel in sizes}
    return next(iter(known)) if len(known) == 1 else None


def sizes_in_words(sizes: StentSizes) -> float | str:
    """Return the sizes as one parameter of a measurement."""
    if not isinstance(sizes, Mapping):
        return sizes
    return " ".join(f"{v}={'?' if mm is None else f'{mm:g}'}" for v, mm in sizes.items())
