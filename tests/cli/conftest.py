"""A small study with labels, for tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin

OPTIONS = CtOptions(seed=2, spacing_mm=(3.0, 1.5, 1.5), margin_mm=8.0, scanner=Scanner(noise_hu=15))


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """A DICOM CT of one tilted vein in ``ct`` with labels in ``truth/labels.seg.nrrd``."""
    out = tmp_path_factory.mktemp("study") / "twin"
    write_ct_twin(TWINS["tilted"], out, OPTIONS)
    return out
