"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys


def test_the_module_runs_like_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "venoseg", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "measure" in done.stdout
    assert not done.stderr
