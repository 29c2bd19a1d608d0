"""The patients of a batch who were followed, as its summary page lists them."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from venoseg.followup.case import LIMBS
from venoseg.reporting.batch_page import Followed
from venoseg.reporting.case_words import state_of_limb

_MOST = 24


def rows_in(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV table as texts."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def followed_cases(tables: Path) -> list[Followed]:
    """Return the cases worth a look: limbs that changed their state first, then most changes.

    Parameters
    ----------
    tables
        The folder of the batch's tables.
    """
    days: dict[str, list[int]] = defaultdict(list)
    missing: Counter[str] = Counter()
    for row in rows_in(tables / "cases.csv"):
        if row["compared"] == "true":
            days[row["case"]].append(int(row["day"]))
        else:
            missing[row["case"]] += 1
    courses: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows_in(tables / "patency.csv"):
        if row["limb"] in LIMBS:
            courses[row["case"], row["limb"]].append(state_of_limb(row["state"]))
    changed = Counter(
        row["case"] for row in rows_in(tables / "changes.csv") if row["verdict"] == "changed"
    )
    turned = Counter(case for (case, _), states in courses.items() if len(set(states)) > 1)
    ranked = sorted(days, key=lambda case: (-turned[case], -changed[case], case))
    return [
        Followed(
            case,
            f"days {', '.join(map(str, days[case]))}",
            "; ".join(_course(limb, courses[case, limb]) for limb in LIMBS),
            changed[case],
            missing[case],
            f"cases/{case}/report.html",
        )
        for case in ranked[:_MOST]
    ]


def _course(limb: str, states: list[str]) -> str:
    steps = [state for n, state in enumerate(states) if n == 0 or state != states[n - 1]]
    return f"{limb}: {', then '.join(steps) or 'not judged'}"
