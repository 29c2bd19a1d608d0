"""Two questions to a cohort, answered from the tables of `venoseg batch`.

    python examples/cohort.py OUT [VISITS.csv] -o cohort.png

OUT is the folder of a batch. VISITS.csv, if given, has the columns ``study`` and ``day`` (days
since the stents were placed). Needs pandas and Matplotlib.

1. How is the smallest area of the left common iliac vein distributed, and how many are narrowed by
   half or more against the expected normal 200 mm²?
2. How much of the stents' area is lost inside them one year (300 to 430 days) after placement?
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

VESSEL = "left_common_iliac_vein"
ONE_YEAR = (300, 430)


def main() -> None:
    """Read the tables, print the answers, draw them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("batch", type=Path)
    parser.add_argument("visits", type=Path, nargs="?")
    parser.add_argument("-o", "--out", type=Path, default=Path("cohort.png"))
    arguments = parser.parse_args()
    veins = pd.read_parquet(arguments.batch / "results.parquet")
    veins = veins[veins.kind == "ct"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    draw_areas(left, veins[veins.vessel == VESSEL])
    draw_stents(right, veins, arguments.visits)
    figure.savefig(arguments.out, dpi=150)
    print(f"wrote {arguments.out}")


def draw_areas(axes: plt.Axes, veins: pd.DataFrame) -> None:
    """Answer the first question; veins without a figure are counted, not guessed."""
    known = veins.dropna(subset=["minimum_area_mm2"])
    narrowed = (known.area_stenosis_percent >= 50).sum()
    unknown = len(veins) - len(known)
    counts = f"{len(known)} measured, {unknown} not; {narrowed} narrowed by half"
    print(f"left common iliac vein: {counts}")
    print(known.minimum_area_mm2.describe().round(1).to_string())
    axes.hist(known.minimum_area_mm2, bins=range(0, 425, 25), color="#6f8faf", edgecolor="white")
    axes.axvline(200, color="black", linewidth=1)
    axes.axvline(100, color="black", linewidth=1, linestyle="--")
    axes.set(
        title=f"Left common iliac vein: {len(known)} CTs, {unknown} not measured",
        xlabel="smallest lumen area, mm² (solid: expected normal; dashed: half)",
        ylabel="CTs",
    )


def draw_stents(axes: plt.Axes, veins: pd.DataFrame, visits: Path | None) -> None:
    """Answer the second question."""
    stented = veins.dropna(subset=["in_stent_area_stenosis_percent"])
    when = "at any time" if visits is None else "at one year"
    if visits is not None:
        stented = stented.merge(pd.read_csv(visits), on="study")
        stented = stented[stented.day.between(*ONE_YEAR)]
    lost = stented.in_stent_area_stenosis_percent
    print(f"stented veins {when}: {len(lost)}, {(lost >= 50).sum()} narrowed by half inside")
    axes.hist(lost, bins=range(0, 105, 5), color="#b07a5b", edgecolor="white")
    axes.set(
        title=f"Inside the stents {when}: {len(lost)} veins",
        xlabel="largest in-stent area stenosis, %",
        ylabel="veins",
    )


if __name__ == "__main__":
    main()
