"""A short run of the fuzzer; `fuzz_dicom.py --cases 20000` is the long one."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZER = Path(__file__).with_name("fuzz_dicom.py")


@pytest.fixture(scope="module")
def fuzzer() -> ModuleType:
    found = importlib.util.spec_from_file_location("fuzz_dicom", FUZZER)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def seeds(fuzzer):
    return fuzzer.Seeds()


def test_damaged_files_are_read_right_or_refused_by_a_process_that_lives_on():
    run = subprocess.run(
        [sys.executable, str(FUZZER), "--cases", "400"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    assert "400 cases" in run.stdout
    assert "0 failures" in run.stdout


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rng=st.randoms(use_true_random=False))
def test_damage_that_hypothesis_looks_for_is_read_right_or_refused(tmp_path, fuzzer, seeds, rng):
    folder = tmp_path / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fuzzer.write_case(folder, rng, seeds)
    assert fuzzer.run_case(folder)
