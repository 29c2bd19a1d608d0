"""The page in a real browser, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from venoseg.lumen import Measurements
from venoseg.reporting import write_report

# No service of the browser's own may reach out, and nothing of it is kept.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

PRESS = """<script>
const first = document.querySelector(".course");
for (let n = 0; n < 3; n++) first.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
</script></body>"""


def test_keys_move_along_the_vein_and_show_its_section(
    measurements: Measurements, tmp_path: Path
) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    path = tmp_path / "report.html"
    write_report(measurements, path)
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", PRESS), encoding="utf-8")
    profile = tmp_path / "profile"
    command = [browser, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    readings = re.findall(r'<div class="reading">.*?<p role="status">(.*?)</p>', done.stdout)
    profiles = measurements.profiles
    assert len(readings) == len(profiles)
    start = int(np.nanargmin(profiles[0].shapes.area_mm2))
    assert readings[0].startswith(f"{profiles[0].branch.curve.position_mm[start + 3]:.0f} mm: ")
    assert len(re.findall(r'<polygon points="\d', done.stdout)) == len(profiles)
