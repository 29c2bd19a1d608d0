"""What came of a case, in sentences with the figures they rest on."""

from __future__ import annotations

from collections.abc import Iterator

from venoseg.anatomy import BY_NAME
from venoseg.followup.case import LIMBS, Case
from venoseg.followup.compared import Comparison
from venoseg.followup.runs import share_beside
from venoseg.followup.scores import VILLALTA
from venoseg.reporting.words import area_words

_STATES = {
    "patent": "patent",
    "stenosed": "open but narrowed",
    "occluded": "occluded",
    "non_diagnostic": "not assessable",
    "not_covered": "not in view",
}


def state_of_limb(state: str) -> str:
    """Return a state of patency in plain words."""
    return _STATES[state]


def label_words(label: str) -> str:
    """Return the label of a visit as it is spoken."""
    return label.replace("_", " ").replace("/", ", ")


def case_headline(found: Comparison) -> str:
    """Return the course of the limbs and of the Villalta score in one line."""
    courses = {limb: _course(found, limb) for limb in LIMBS}
    if courses["left"] == courses["right"]:
        parts = [f"Both limbs: {courses['left']}."] if courses["left"] else []
    else:
        parts = [f"{limb.capitalize()} limb: {c}." for limb, c in courses.items() if c]
    parts += villalta_course(found.case)
    return " ".join(parts) or "No limb could be judged."


def case_sentences(found: Comparison) -> tuple[str, ...]:
    """Return what the headline rests on: occlusions, collaterals, sections, patency."""
    return (
        *_occlusions(found),
        *_collaterals(found),
        *_beside_spine(found),
        *_smallest(found),
        *_classes(found),
    )


def villalta_course(case: Case) -> list[str]:
    """Return the Villalta totals of each side over time."""
    sides = dict.fromkeys(
        s.side for t in case.timepoints for s in t.scores if s.scale.name == VILLALTA.name
    )
    words = []
    for side in sides:
        seen = [
            (timepoint.label, score)
            for timepoint in case.timepoints
            for score in timepoint.scores
            if score.scale.name == VILLALTA.name and score.side == side
        ]
        totals = " → ".join("?" if s.total is None else str(s.total) for _, s in seen)
        kinds = " → ".join(s.category or "unknown" for _, s in seen)
        words.append(f"Villalta score ({side}): {totals} ({kinds}).")
    return words


def _course(found: Comparison, limb: str) -> str:
    """Return the states of a limb over time; equal ones one after the other are joined."""
    steps: list[tuple[str, list[str]]] = []
    for row in found.patency.rows:
        if row["limb"] != limb:
            continue
        state, label = str(row["state"]), label_words(str(row["timepoint"]))
        if steps and steps[-1][0] == state:
            steps[-1][1].append(label)
        else:
            steps.append((state, [label]))
    return "; ".join(f"{_STATES[state]} at {_joined(labels)}" for state, labels in steps)


def _occlusions(found: Comparison) -> Iterator[str]:
    kinds = {"occluded": "occluded", "bridged": "without a lumen that is seen"}
    for visit in found.scans:
        for state, words in kinds.items():
            shut = [
                f"{BY_NAME[str(row['vessel'])].title.lower()} over "
                f"{row['occluded_length_mm']:.0f} mm"
                for row in visit.found.segments.rows
                if row["state"] == state and row["occluded_length_mm"]
            ]
            if shut:
                yield f"{label_words(visit.label).capitalize()}, {words}: {_joined(shut)}."


def _collaterals(found: Comparison) -> Iterator[str]:
    shares = [(visit.label, share_beside(visit)) for visit in found.runs]
    words = [
        f"{100 * share.value:.0f} % (95 % {100 * (share.low or 0.0):.0f} to "
        f"{100 * (share.high or 0.0):.0f}) at {label_words(label)}"
        for label, share in shares
        if share is not None
    ]
    if words:
        yield f"Share of contrast medium in vessels beside the measured veins: {_joined(words)}."


def _beside_spine(found: Comparison) -> Iterator[str]:
    words = []
    for scan in found.scans:
        rows = scan.found.collaterals.rows
        if rows and all(row["count"] is not None for row in rows):
            length_mm = sum(float(row["total_length_mm"] or 0.0) for row in rows)
            volume_ml = sum(float(row["volume_mm3"] or 0.0) for row in rows) / 1000.0
            seen = f"{length_mm:.0f} mm, {volume_ml:.1f} ml or more" if length_mm else "none"
            words.append(f"{seen} at {label_words(scan.label)}")
    if words:
        yield f"Collaterals beside the spine, 3 mm wide or more: {_joined(words)}."


def _smallest(found: Comparison) -> Iterator[str]:
    if not found.scans:
        return
    last = found.scans[-1]
    parts = [
        f"{BY_NAME[str(row['vessel'])].title.lower()} {area_words(float(row['minimum_area_mm2']))}"
        for row in last.found.segments.rows
        if row["minimum_area_mm2"] is not None and "femoral" not in str(row["vessel"])
    ]
    if parts:
        yield f"Smallest lumen at {label_words(last.label)}: {', '.join(parts)}."


def _classes(found: Comparison) -> Iterator[str]:
    for limb in LIMBS:
        rows = [
            row
            for row in found.patency.rows
            if row["limb"] == limb and row["secondary"] is not None
        ]
        if not rows:
            continue
        last = rows[-1]
        names = ("primary", "primary_assisted", "secondary")
        held = [name.replace("_", "-") for name in names if last[name]]
        kept = f"{held[0]} patency" if held else "no patency"
        yield (
            f"{limb.capitalize()} limb, {last['days']} days after the index procedure: {kept} "
            f"({last['reason']})."
        )


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
