"""The digital twins that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from venoseg.errors import UsageError
from venoseg.phantom import shapes, variants
from venoseg.phantom.iliocaval import iliocaval_y
from venoseg.phantom.scene import Scene
from venoseg.phantom.surroundings import in_body


@dataclass(frozen=True, slots=True)
class Twin:
    """A kind of digital twin: its name, what it shows, and how a seed becomes one of them.

    ``modality`` is the machine that looks at it: ``CT`` or ``XA``.
    """

    name: str
    title: str
    build: Callable[[int], Scene]
    modality: Literal["CT", "XA"] = "CT"


def _sick_y(seed: int) -> Scene:
    return iliocaval_y(
        seed,
        compression_percent=55.0,
        stenosis_percent=60.0,
        stenosed="right_external_iliac_vein",
    )


_TWINS = (
    Twin("straight", "one straight round vein", shapes.straight),
    Twin("tilted", "one round vein 20 to 60 degrees off the axis", shapes.tilted),
    Twin("curved", "one curved vein of changing calibre", shapes.curved),
    Twin("elliptic", "one flattened vein, aspect 1.5 to 3.5", shapes.elliptic),
    Twin("small", "one curved vein of 2 to 6 mm", shapes.small),
    Twin("focal-stenosis", "one curved vein with a focal stenosis", shapes.focal_stenosis),
    Twin("healthy-y", "cava and iliac veins, healthy", iliocaval_y),
    Twin("iliocaval-y", "cava and iliac veins, left compression, right stenosis", _sick_y),
    Twin("y-stenosis-50", "cava and iliac veins, 50 % stenosis on the left", shapes.y_stenosis),
    Twin(
        "y-stenosis-70",
        "cava and iliac veins, 70 % stenosis on the left",
        lambda seed: shapes.y_stenosis(seed, 70.0),
    ),
    Twin(
        "abdomen",
        "healthy cava and iliac veins among bones, muscles, gut and arteries",
        lambda seed: in_body(iliocaval_y(seed, internal=True, femoral=True), seed),
    ),
    Twin("may-thurner", "left common iliac vein pressed flat", shapes.may_thurner),
)

_IN_BODY = (
    (
        "chronic-occlusion",
        "shut cava and common iliac veins, collaterals",
        variants.chronic_occlusion,
    ),
    ("reconstructed", "the same veins with wide stents", variants.reconstructed),
    ("kissing-stents", "two stents side by side in the cava", variants.kissing),
    ("broken-stent", "overlapping stents, one fractured", variants.broken_stent),
    ("thrombus", "acute occlusive thrombus, no rim", variants.fresh_thrombus),
    ("thrombus-rim", "thrombus with contrast around it", variants.floating_thrombus),
    ("trabeculated", "old thrombosis, several thin channels", variants.post_thrombotic),
    ("divided-lumen", "old thrombosis, two channels side by side", variants.divided_lumen),
    ("duplicated-ivc", "a cava on each side", variants.duplicated_cava),
    ("left-ivc", "the cava left of the aorta", variants.left_cava),
    ("mixing", "unmixed contrast that looks like thrombus", variants.early_phase),
)


def _housed(build: Callable[[int], Scene]) -> Callable[[int], Scene]:
    return lambda seed: in_body(build(seed), seed)


_ANGIOGRAMS = (
    Twin("venogram-tube", "one straight vein on an angiogram", shapes.straight, "XA"),
    Twin(
        "venogram-may-thurner",
        "left common iliac vein pressed flat, angiogram",
        _housed(shapes.may_thurner),
        "XA",
    ),
    Twin(
        "venogram-occluded",
        "chronic occlusion, collaterals fill, angiogram",
        _housed(variants.chronic_occlusion),
        "XA",
    ),
    Twin(
        "venogram-stented",
        "wide stents, no collaterals fill, angiogram",
        _housed(variants.reconstructed),
        "XA",
    ),
)

TWINS: dict[str, Twin] = {
    twin.name: twin
    for twin in (
        *_TWINS,
        *(Twin(name, title, _housed(build)) for name, title, build in _IN_BODY),
        *_ANGIOGRAMS,
    )
}
"""Every twin by its name."""


def twin_named(name: str) -> Twin:
    """Return the twin of that name.

    Raises
    ------
    UsageError
        When there is none.
    """
    if name not in TWINS:
        raise UsageError(
            f"there is no digital twin {name!r}", remedy="see `venoseg phantom list` for the names"
        )
    return TWINS[name]
