"""Who made a result: the algorithm behind the labels, and venoseg itself."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from pydicom.uid import generate_uid

from venoseg.anatomy import Code

ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
MANUAL_PROCESSING = Code("123109", "DCM", "Manual Processing")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What drew the labels.

    Attributes
    ----------
    name, version
        As a reader should cite them.
    family
        Kind of algorithm, from DICOM CID 7162.
    """

    name: str
    version: str
    family: Code


GIVEN_LABELS = Algorithm("label map given by the user", "unknown", MANUAL_PROCESSING)
"""Labels that came in from outside without a word about their origin."""


def equipment() -> dict[str, Any]:
    """Return what DICOM results say about venoseg, as keywords of highdicom's constructors."""
    return {
        "manufacturer": "venoseg",
        "manufacturer_model_name": "venoseg",
        "software_versions": version("venoseg"),
        "device_serial_number": "none",
    }


def site_uid(root: str, name: str) -> str:
    """Return the tracking UID of a vein, or of the stents, of whatever the root stands for."""
    return str(generate_uid(entropy_srcs=["site", root, name]))
