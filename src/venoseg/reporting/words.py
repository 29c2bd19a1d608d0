"""What flags, states and figures are called in the report."""

from __future__ import annotations

from collections.abc import Iterable

from venoseg.anatomy import BY_NAME
from venoseg.lumen.tables.records import STATE_IN_DOUBT
from venoseg.lumen.tables.stenosis import STENOTIC_AREA_PERCENT
from venoseg.tables import Row

NOT_MEASURED = "not measured"

# Why a station is not measured; the first that applies is the reason that is given.
REASONS: dict[str, str] = {
    "image_border": "cut by the border of the image",
    "slice_gap": "slices missing",
    "junction": "junction with another vein",
    "end_of_labels": "end of the labels",
    "edge_lost": "edge strays from the labelled vein",
    "lumens_apart": "channels of the vein run apart, and one alone is not the vein",
    "too_uncertain": "diameter uncertain by more than half of itself",
    "cord_in_image": "occluded: a cord or clot in place of the lumen",
    "labelled_cord": "occluded: labelled as a cord without lumen",
    "no_cord_in_image": "bridged: no lumen and no cord seen, the course is assumed",
    "unlabelled_lumen": "the image shows lumen that the labels miss",
    "lumen_beside_not_enhanced": "no labels, and the lumen beside is not enhanced: nothing tells "
    "whether it is shut",
}
NO_REASON = "no outline found"

_FLAGS: dict[str, str] = {
    **REASONS,
    "course_from_labels": "no lumen; its way is that of the labelled cord",
    "course_from_waypoints": "no lumen labelled; its way leads through points that were set",
    "course_from_image": "no lumen labelled; its way is the most plausible one in the image",
    "no_hounsfield_units": "without Hounsfield units nothing tells whether it is shut",
    "not_labelled": "not labelled: led from the veins above and below it",
    "division_assumed": "nothing tells where it gives way to the next vein; only the sum of their "
    "lengths can be relied on",
    "limited_by_seeds": "measured between the points that were set",
    "duplicated_ivc": "there are two: the one that the right iliac veins drain into is measured",
    "too_few_voxels": "too few labelled voxels",
    "not_traced": "could not be traced",
    "state_in_doubt": "patent or stenotic: the interval of its area holds the limit",
    "smallest_beside_unmeasured": "its smallest area lies beside a stretch that could not be "
    "measured, and may be smaller there",
    "in_stent": "in a stent",
    "stent_end": "within 3 mm of the end of a stent: the lumen inside is not told",
    "stent_gap": "a gap in the wires of a stent",
    "stent_overlap": "two stents lie inside one another",
    "in_stent_edge_hidden": "in a stent whose wires outshine the edge of the lumen",
    "in_stent_lumen_not_enhanced": "in a stent, where the blood is not enhanced",
    "in_stent_refused_sharp_kernel": "in a stent, in an image of a kernel that enhances edges",
    "stent_refused_narrow": "in a stent, whose wires lie too near to one another to measure it",
    "stent_refused_thick_slices": "in a stent, in slices too thick to measure it",
    "stents_meet": "another stent's wires run beside or inside these",
    "near_junction": "touches another vein on a small part of its rim",
    "gray_refused_not_enhanced": "edge from the labels: the blood is not enhanced enough for the "
    "gray values to show the lumen",
    "gray_refused_metal": "edge from the labels: metal or calcium along the wall hides the edge "
    "of the blood",
    "gray_refused_low_contrast": "edge from the labels: too little contrast between the lumen and "
    "its surroundings",
    "edge_partly_from_labels": "edge from gray values, on a part of the rim from the labels",
    "below_resolution": "narrower than the image can resolve: the diameter may be overestimated",
    "metal_implant_in_slice": "a metal implant lies in the same slices, its streaks may falsify it",
    "concave_section": "its outline has a waist or a bay: bent around something, or two vessels in "
    "one label",
    "too_short_to_resolve": "a narrow place shorter along the vein than the image resolves: it may "
    "be far narrower",
    "several_lumens": "more than one lumen in the section: the area is that of all, the least "
    "width that of the narrowest",
    "webs_in_lumen": "webs or strands cross the lumen: its area counts them in, and it may be "
    "several channels",
    "dark_in_labels": "the labels hold something far darker than the blood: clot, a thick wall, "
    "tissue, or blood without contrast; it is left out, and the interval reaches to both",
    "ambiguous_edge": "streams of blood, faint calcium or a wall that takes up contrast may "
    "put the edge elsewhere: the interval is wider for it",
    "divided_lumen": "a sheet of tissue divides the lumen along a part of it",
    "open_central_end": "goes on beyond the image towards the heart",
    "open_peripheral_end": "goes on beyond the image towards the leg",
    "no_reference": "no reference area is known for this vein: no stenosis is given",
    "islands_removed": "small separate islands of the labels were left out",
    "gap_bridged": "a gap in the labels was bridged",
    "holes_filled": "holes in the labels were filled",
    "tilt_corrected": "the slices were tilted and have been straightened",
    "resampled_uneven_slices": "unevenly spaced slices were resampled",
    "missing_slices": "slices are missing",
    "labels_resampled": "the labels were brought onto the grid of the image",
    "labels_overlap": "the labels of two veins overlapped",
    "labels_cut": "the labels reach beyond the image",
    "names_from_totalsegmentator_values": "label names were taken from TotalSegmentator's numbers",
    "synthetic_truth": "the labels are the truth of a digital twin, not drawn by anyone",
    "lumen_segments_used": "lumen segments were used rather than those of the whole vessel",
}

_STATES: dict[str, str] = {
    "patent": "patent",
    "stenotic": "stenotic: narrowed by half or more",
    "occluded": "occluded",
    "bridged": "bridged",
    "not_assessable": "not assessable",
    "not_covered": "outside the image",
}

STATE_MEANINGS: tuple[tuple[str, str], ...] = (
    ("patent", "a lumen was measured and is not narrowed by half or more"),
    (
        "stenotic",
        f"at least {STENOTIC_AREA_PERCENT:.0f} % smaller than the reference area; a convention",
    ),
    ("occluded", "shown to have no lumen: the only state in which the area is 0"),
    ("bridged", "no lumen seen between two stretches that have one"),
    ("not assessable", "in the image, but its lumen cannot be measured there"),
    ("outside the image", "the image does not show the whole section"),
)


def flag_words(flag: str) -> str:
    """Return a flag in plain words; one that is not known, as it stands."""
    return _FLAGS.get(flag, flag.replace("_", " "))


def vein_title(vessel: str) -> str:
    """Return what a vein is called; one that nobody named is a vein."""
    return BY_NAME[vessel].title if vessel in BY_NAME else "Vein"


def veins_in_words(vessels: str) -> str:
    """Return what a stent's veins are called, from the first of some names to the last."""
    titles = [vein_title(vessel).lower() for vessel in vessels.split()]
    return " to ".join(dict.fromkeys((titles[0], titles[-1]))) if titles else ""


def state_words(state: str) -> str:
    """Return a state in plain words."""
    return _STATES.get(state, state.replace("_", " "))


def row_state_words(row: Row) -> str:
    """Return the state of a vein in plain words, both of two where the figures leave it open."""
    if STATE_IN_DOUBT in str(row["flags"] or "").split():
        return "patent or stenotic: its area is at the limit"
    return state_words(str(row["state"]))


def reason_of(flags: Iterable[str]) -> str:
    """Return why a station with these flags is not measured."""
    present = set(flags)
    return next((words for flag, words in REASONS.items() if flag in present), NO_REASON)


def warning_words(warning: str) -> str:
    """Return a warning of the measurements with its flag and its vein, if any, in plain words."""
    about, colon, rest = warning.partition(": ")
    about = BY_NAME[about].title if about in BY_NAME else about
    return f"{about}{colon}{flag_words(rest) if rest in _FLAGS else rest}"


def area_words(area_mm2: float) -> str:
    """Return an area with its unit."""
    return f"{_area(area_mm2)}\N{NO-BREAK SPACE}mm²"


def area_range(low_mm2: float, high_mm2: float) -> str:
    """Return an interval of areas, without unit; of a drawn contour there is none."""
    if low_mm2 != low_mm2:
        return "not defined"
    return f"{_area(low_mm2)} to {_area(high_mm2)}"


def length_words(length_mm: float) -> str:
    """Return a diameter or a short length with its unit."""
    return f"{length_mm:.1f}\N{NO-BREAK SPACE}mm"


def length_range(low_mm: float, high_mm: float) -> str:
    """Return an interval of lengths, without unit; of a drawn contour there is none."""
    if low_mm != low_mm:
        return "not defined"
    return f"{low_mm:.1f} to {high_mm:.1f}"


def _area(area_mm2: float) -> str:
    return f"{area_mm2:.0f}" if area_mm2 >= 99.95 else f"{area_mm2:.1f}"


def patient_direction(vector_lps: Iterable[float]) -> str:
    """Return the patient directions an LPS vector points to: one or two of L R A P H F.

    The second letter is given when the vector leans more than a quarter of a right angle to it.
    """
    pairs = zip(vector_lps, ("LR", "PA", "HF"), strict=True)
    parts = sorted(((abs(v), names[int(v < 0)]) for v, names in pairs), reverse=True)
    return "".join(name for size, name in parts[:2] if size > 0.38)
