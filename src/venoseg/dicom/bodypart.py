"""Whether a series shows a part of the body that cannot hold the cava and the iliac veins."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from venoseg.dicom.elements import Elements

# Stated parts (PS3.16 annex L and what scanners write) of which none reaches the iliac veins.
_ELSEWHERE = re.compile(
    r"(HEAD|BRAIN|SKULL|ORBIT|SINUS|NECK|CSPINE|TSPINE|SHOULDER|ELBOW|WRIST|HAND|FINGER|ARM|"
    r"HUMERUS|KNEE|ANKLE|FOOT|TOE|CALF|HEART|CORONARY|CAROTID|JAW|EAR|LARYNX|BREAST)"
)
_WITHIN = re.compile(r"(ABD|PELV|WHOLE|BODY|TRUNK|TORSO|VEIN|IVC|ILIAC|HIP|GROIN|LSPINE|LEG)")


def elsewhere(header: Dataset) -> str:
    """Return the stated part of the body when it lies elsewhere, empty when it may hold the veins.

    Nothing stated, or the chest alone (whose scans often go on to the pelvis), is no reason to
    leave a series out.
    """
    stated = Elements(header).text("BodyPartExamined").upper()
    found = _ELSEWHERE.search(stated)
    if found is None or _WITHIN.search(stated):
        return ""
    return found.group(1).lower()
