"""A report as PDF, printed by a Chromium that the machine has."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from venoseg.errors import DependencyError, OutputError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# No service of the browser's own may reach out, and nothing of it is kept.
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)
_PATIENCE_S = 180


def browser() -> str | None:
    """Return the path of a Chromium, None when there is none."""
    return next((found for name in _BROWSERS if (found := shutil.which(name))), None)


def print_pdf(page: Path, pdf: Path) -> None:
    """Print an HTML page to a PDF.

    Raises
    ------
    DependencyError
        When there is no Chromium.
    OutputError
        When it prints nothing.
    """
    program = browser()
    if program is None:
        raise DependencyError(
            "no Chromium was found that could print the report as PDF",
            where=pdf.name,
            remedy="install Chromium, or open report.html in any browser and print it",
        )
    with tempfile.TemporaryDirectory() as profile:
        words = [program, *_OPTIONS, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}"]
        try:
            subprocess.run(
                [*words, page.resolve().as_uri()],
                capture_output=True,
                timeout=_PATIENCE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OutputError("Chromium did not print the report", where=pdf.name) from error
    if not pdf.is_file() or pdf.read_bytes()[:5] != b"%PDF-":
        raise OutputError("Chromium printed nothing", where=pdf.name)
