"""Which contrast phase a CT series shows, as far as its header tells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from venoseg.dicom.grouping import Slice

# Words of scanners and radiographers in several languages; the first group that matches counts.
WORDS: tuple[tuple[str, str], ...] = (
    (
        "native",
        r"\b(nativ\w*|plain|unenh\w*|non[- ]?contrast|(without|w/?o)( iv)?( contrast)?|ohne km)\b",
    ),
    ("delayed", r"\b(delay\w*|late|excret\w*|spaet\w*|spät\w*|tardi\w*|5 ?min|10 ?min)\b"),
    ("venous", r"\b(ven|venous|venoes|venös|veno\w*|portal\w*|portov\w*|pvp?|ctv)\b"),
    ("arterial", r"\b(art|arteri\w*|angio|cta|aort\w*|early)\b"),
)
# Seconds after the start of the injection; a run-off of the legs may be later than it says.
ARTERIAL_UNTIL_S = 45.0
VENOUS_UNTIL_S = 240.0


def phase_of(slices: Sequence[Slice]) -> str:
    """Return ``native``, ``arterial``, ``venous``, ``delayed``, or empty when nothing tells.

    The description goes before the clock; no contrast agent named in any header means nothing by
    itself, because de-identification removes it.
    """
    image = slices[0].image
    described = image.description.lower().replace("_", " ")
    for phase, words in WORDS:
        if re.search(words, described):
            return phase
    delay = image.contrast_delay_s
    if delay is None or not 5 <= delay <= 1800:
        return ""
    if delay < ARTERIAL_UNTIL_S:
        return "arterial"
    return "venous" if delay < VENOUS_UNTIL_S else "delayed"
