"""What came of a case, in sentences with the figures they rest on."""

from __future__ import annotations

from collections.abc import Iterator

from venoseg.anatomy import BY_NAME
from venoseg.followup.case import LIMBS, Case, Limb, Stent
from venoseg.followup.claudication import Claudication
from venoseg.followup.compared import Comparison
from venoseg.followup.devices import nominal_mm_of, stent_figures
from venoseg.followup.patency import ended_by
from venoseg.followup.runs import no_filling, share_beside
from venoseg.followup.scores import VILLALTA
from venoseg.followup.visit import RunVisit, Visit
from venoseg.reporting.words import area_words, veins_in_words
from venoseg.tables import Row

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
    """Return what the headline rests on: occlusions, treatment, collaterals, stents, patency."""
    return (
        *_occlusions(found),
        *_treatment(found.case),
        *_collaterals(found),
        *_beside_spine(found),
        *_smallest(found),
        *_stents(found),
        *_classes(found),
        *_walking(found.case),
    )


def seen_at(found: Comparison, visit: Visit) -> tuple[str, ...]:
    """Return what was seen at one visit in a few words a line: limbs, contrast medium, score."""
    lines = []
    share = share_beside(visit) if isinstance(visit, RunVisit) else None
    if share is not None:
        lines.append(f"{100.0 * share.value:.0f} % of the contrast medium beside the veins")
    last = [v for v in found.visits if v.timepoint == visit.timepoint][-1]
    if visit is last:
        lines = [*_limbs_at(found, visit.timepoint), *lines]
        timepoint = next(t for t in found.case.timepoints if t.label == visit.timepoint)
        lines += [
            f"Villalta {score.total} ({score.category or 'unknown'})"
            for score in timepoint.scores
            if score.scale.name == VILLALTA.name and score.total is not None
        ]
    return tuple(lines)


def _limbs_at(found: Comparison, timepoint: str) -> Iterator[str]:
    states = {
        limb: _STATES[str(row["state"])]
        for row in found.patency.rows
        if row["timepoint"] == timepoint
        for limb in LIMBS
        if row["limb"] == limb
    }
    if len(set(states.values())) == 1 and len(states) == len(LIMBS):
        yield f"both limbs {next(iter(states.values()))}"
        return
    for limb, state in states.items():
        yield f"{limb} limb {state}"


def class_words(row: Row) -> str:
    """Return the best class of patency that a row of ``patency.csv`` holds; empty: none counts."""
    if row["secondary"] is None:
        return ""
    names = ("primary", "primary_assisted", "secondary")
    held = [name.replace("_", "-") for name in names if row[name]]
    return held[0] if held else "lost"


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


def _treatment(case: Case) -> Iterator[str]:
    """Yield what was done on the day of the index procedure, and with which stents."""
    if case.index_day is None:
        return
    done = [kind for e in case.events if e.day == case.index_day for kind in e.kinds]
    words = _joined([kind.replace("_", " ") for kind in done]) if done else "stent"
    placed = [_stent_words(stent) for stent in case.stents if stent.day == case.index_day]
    with_stents = f": {_joined(placed)}" if placed else ""
    yield f"Day {case.index_day}, {words}{with_stents}."


def _stent_words(stent: Stent) -> str:
    ends = dict.fromkeys((stent.central, stent.peripheral))
    words = " to ".join(BY_NAME[end].title.lower() for end in ends)
    size = stent.nominal_diameter_mm
    sized = words if size is None else f"{words} {size:g}\N{NO-BREAK SPACE}mm"
    return sized if stent.model is None else f"{sized} ({stent.model})"


def _collaterals(found: Comparison) -> Iterator[str]:
    words = []
    for visit in found.runs:
        share = share_beside(visit)
        if share is None:
            continue
        low, high = 100.0 * (share.low or 0.0), 100.0 * (share.high or 0.0)
        filling = f"{100.0 * share.value:.0f} % (95 % {low:.0f} to {high:.0f})"
        if no_filling(share, found.case.rules):
            filling = f"no collateral filling, {filling}"
        words.append(f"{filling} at {label_words(visit.label)}")
    if words:
        yield f"Contrast medium in vessels beside the measured veins: {'; '.join(words)}."


def _beside_spine(found: Comparison) -> Iterator[str]:
    words = []
    for scan in found.scans:
        rows = scan.found.collaterals.rows
        if rows and all(row["count"] is not None for row in rows):
            length_mm = sum(float(row["total_length_mm"] or 0.0) for row in rows)
            volume_ml = sum(float(row["volume_mm3"] or 0.0) for row in rows) / 1000.0
            sides = " and ".join(f"{row['count']} {row['side']}" for row in rows)
            seen = f"{sides}, together {length_mm:.0f} mm and {volume_ml:.1f} ml or more"
            words.append(f"{seen if length_mm else 'none'} at {label_words(scan.label)}")
    if words:
        yield f"Networks of collaterals beside the spine, 3 mm wide or more: {'; '.join(words)}."


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


def _stents(found: Comparison) -> Iterator[str]:
    """Yield how narrow the stents of the last CT are, by their wires and by the tissue inside."""
    if not found.scans:
        return
    last = found.scans[-1]
    parts = []
    for row in last.found.stents.rows:
        nominal = nominal_mm_of(found.case, row, last.day)
        figures = stent_figures(row, nominal)
        narrower = figures.get("stent_compression_percent")
        tissue = figures["in_stent_area_stenosis_percent"]
        said = []
        if narrower is not None:
            much = "" if narrower.value < found.case.rules.compressed_percent else "compressed, "
            said.append(f"{much}least width {narrower.value:.0f} % below nominal {nominal:g} mm")
        if tissue is not None:
            said.append(f"in-stent stenosis {tissue.value:.0f} % by area")
        veins = veins_in_words(str(row["vessels"] or ""))
        if said and veins:
            parts.append(f"{veins}: {', '.join(said)}")
    if parts:
        yield f"Stents at {label_words(last.label)}: {'; '.join(parts)}."


def _classes(found: Comparison) -> Iterator[str]:
    said: dict[str, list[str]] = {}
    for limb in LIMBS:
        rows = [r for r in found.patency.rows if r["limb"] == limb and class_words(r)]
        if rows:
            days, kept = rows[-1]["days"], _class_of(found.case, limb, rows[-1])
            words = f"{days} days after the index procedure: {kept}"
            said.setdefault(words, []).append(limb)
    for words, limbs in said.items():
        who = "Both limbs" if len(limbs) == len(LIMBS) else f"{limbs[0].capitalize()} limb"
        yield f"{who}, {words}."


def _class_of(case: Case, limb: Limb, last: Row) -> str:
    """Return the class of a limb at its last visit, and the events that ended a better one."""
    kept = class_words(last)
    words = "patency lost" if kept == "lost" else f"{kept} patency"
    ended = ended_by(case, (limb,), int(str(last["days"])) + (case.index_day or 0))
    return f"{words} ({'; '.join(ended)})" if ended else words


def _walking(case: Case) -> Iterator[str]:
    """Yield venous claudication over time, side by side."""
    sides = dict.fromkeys(c.side for t in case.timepoints for c in t.claudication)
    for side in sides:
        seen = [
            f"{_claudication(record)} at {label_words(t.label)}"
            for t in case.timepoints
            for record in t.claudication
            if record.side == side
        ]
        yield f"Venous claudication ({side}): {'; '.join(seen)}."


def _claudication(record: Claudication) -> str:
    if not record.present:
        return "none"
    distances = (("begins", record.onset_distance_m), ("stops walking", record.stop_distance_m))
    told = [f"{what} after {metres:g} m" for what, metres in distances if metres is not None]
    return " and ".join(told) or "present"


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
