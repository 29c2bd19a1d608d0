"""What must hold for every file that is kept, and for the package as a whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import venoseg

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "requirements"

# In pieces, so that this file does not name them itself.
REGISTRY_HOSTS = ["pypi" + ".org", "python" + "hosted", "conda." + "anaconda", "index" + "-url"]
MACHINE_PATH = re.compile(r"(?<![\w.<>)}\"'-])/(home|root|work|Users|tmp)/\w")


def tracked_texts():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 2_000_000:
            content = path.read_bytes()
            if b"\0" not in content:
                yield name, content.decode("utf-8")


def test_no_file_names_a_package_registry():
    found = [
        f"{name}: {host}"
        for name, text in tracked_texts()
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert found == []


def test_no_file_names_a_path_of_one_machine():
    found = [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        for match in MACHINE_PATH.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["core", "dev", "installer"])
def test_lock_files_pin_by_hash_and_name_no_host(name):
    text = (LOCKS / f"{name}.lock").read_text()
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==", text, re.MULTILINE)
    requirements = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert len(pins) == len(requirements) > 0
    assert text.count("--hash=sha256:") >= len(pins)


def test_the_development_lock_holds_every_pin_of_the_core_lock():
    core, dev = (
        set(re.findall(r"^\S+==[^\\\n]+", (LOCKS / f"{name}.lock").read_text(), re.MULTILINE))
        for name in ("core", "dev")
    )
    versions = {pin.split(" ;")[0].strip() for pin in dev}
    assert {pin.split(" ;")[0].strip() for pin in core} <= versions


def test_the_public_names_exist():
    for name in venoseg.__all__:
        assert callable(getattr(venoseg, name))
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = venoseg.absent


def test_help_answers_without_loading_what_it_does_not_need():
    code = (
        "import sys, venoseg.cli\n"
        "try:\n    venoseg.cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'SimpleITK', 'pydicom', 'matplotlib', 'pandas'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "loaded []"
