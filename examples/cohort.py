"""Two questions to a cohort, answered from the tables of `venoseg batch`.

    python examples/cohort.py OUT [VISITS.csv] -o cohort.png

OUT is the folder of a batch. The days since the stents were placed are those of the batch's own
cases, where manifests name the procedure; VISITS.csv with the columns ``study`` and ``days`` goes
before them. Needs pandas and Matplotlib.

1. How is the smallest area of the left common iliac vein distributed, and how many are narrowed by
   half or more against the expected normal 200 mm²?
2. How much of the stents' area is lost inside them one year (300 to 430 days) after placement?
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import MaxNLocator

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
    if arguments.visits is None:
        visits = days_since_procedure(arguments.batch)
    else:
        visits = pd.read_csv(arguments.visits)
    draw_stents(right, veins, visits)
    for axes in (left, right):
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.savefig(arguments.out, dpi=150)
    print(f"wrote {arguments.out}")


def draw_areas(axes: plt.Axes, veins: pd.DataFrame) -> None:
    """Answer the first question; veins without a figure are counted, not guessed."""
    known = veins.dropna(subset=["minimum_area_mm2"])
    narrowed = (known.area_stenosis_percent >= 50).sum()
    unknown = len(veins) - len(known)
    shut = (known.state == "occluded").sum()
    counts = (
        f"{len(known)} measured, {unknown} not; {narrowed} narrowed by half, {shut} of them shut"
    )
    print(f"left common iliac vein: {counts}")
    print(known.minimum_area_mm2.describe().round(1).to_string())
    axes.hist(known.minimum_area_mm2, bins=range(0, 425, 25), color="#6f8faf", edgecolor="white")
    axes.axvline(200, color="black", linewidth=1)
    axes.axvline(100, color="black", linewidth=1, linestyle="--")
    axes.set(
        title=f"Left common iliac vein: {len(known)} measured, {unknown} not",
        xlabel="smallest lumen area, mm² (solid: expected normal; dashed: half)",
        ylabel="CTs",
    )


def days_since_procedure(batch: Path) -> pd.DataFrame:
    """Return study and days since the index procedure of every visit of a case that has one."""
    cases = pd.read_parquet(batch / "cases.parquet")
    patency = pd.read_parquet(batch / "patency.parquet")
    treated = patency[patency.limb.str.startswith("stent")]
    days = treated[["case", "timepoint", "days"]].drop_duplicates()
    return cases.merge(days, on=["case", "timepoint"])[["study", "days"]].drop_duplicates()


def draw_stents(axes: plt.Axes, veins: pd.DataFrame, visits: pd.DataFrame) -> None:
    """Answer the second question; stented veins whose inside was not measured are counted."""
    stented = veins[veins.stented_length_mm > 0].merge(visits, on="study")
    stented = stented[stented.days.between(*ONE_YEAR)]
    lost = stented.in_stent_area_stenosis_percent.dropna()
    unknown = len(stented) - len(lost)
    counts = f"{len(lost)} measured, {unknown} not"
    print(f"stented veins at one year: {counts}; {(lost >= 50).sum()} narrowed by half inside")
    axes.hist(lost, bins=range(0, 105, 5), color="#b07a5b", edgecolor="white")
    axes.set(
        title=f"Inside the stents at one year: {counts}",
        xlabel="largest in-stent area stenosis, %",
        ylabel="veins",
    )


if __name__ == "__main__":
    main()
