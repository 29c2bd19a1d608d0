"""Writing the report to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from venoseg.errors import OutputError

if TYPE_CHECKING:
    from venoseg.lumen import Measurements


def write_report(measurements: Measurements, path: Path) -> None:
    """Write one HTML page that needs no other file and no network.

    The same measurements and version give the same bytes.

    Parameters
    ----------
    measurements
        What was measured; the pictures are made from the image it was measured on.
    path
        The file to write; an existing one is replaced.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    from venoseg.reporting.page import render_page  # Matplotlib and Jinja2 take half a second.

    page = render_page(measurements)
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(
            f"the report cannot be written ({error.strerror})",
            where=path.name,
            remedy="choose a folder that can be written to",
        ) from error
