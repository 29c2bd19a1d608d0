"""The studies in ``sample_data``: which twins they are, and how they are made."""

from __future__ import annotations

from pathlib import Path

from venoseg.output import output_folder
from venoseg.phantom.case import Resolution, write_case
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.export import CtOptions, write_ct_twin

SAMPLE_Y = CtOptions(seed=1, spacing_mm=(1.5, 1.0, 1.0), transfer_syntax="jpeg-ls", seg=False)


def write_sample_data(
    out: Path, *, force: bool = False, resolution: Resolution | None = None
) -> tuple[str, ...]:
    """Write every sample study into its own folder under ``out`` and return the folders' names.

    ``resolution`` is that of the four timepoints; the default makes ``sample_data`` itself.

    Raises
    ------
    UsageError
        When one of the folders exists and ``force`` is not given.
    """
    write_ct_twin(TWINS["iliocaval-y"], out / "iliocaval-y", SAMPLE_Y, force=force)
    with output_folder(out / "case", force=force) as made:
        write_case(made, resolution)
    return ("iliocaval-y", "case")
