"""What to do in the window, where a message says what to do on the command line."""

from __future__ import annotations

import re

_NAMING = (
    r"(say what the labels are|name them|name the veins)\b.*? --label-names(,? (e\.g\. )?1=\S+)?"
)
_MARKERS = "with 'two markers' and their distance under Calibrate"
_CATHETER = "with 'catheter' and its size under Calibrate"

# A part of a message that names an option, and what does the same here.
_HERE = {
    r"--stent-nominal has it measured as one": "draw it with the tool Stent to have it measured",
    r"measure the labels alone with --boundary mask": "tick 'measure the edge of the labels' "
    "among the tools",
    r"name the ends of the vein with --seeds": "click along the vein, and measure again",
    r"waypoints along the shut vein \(--seeds\)": "waypoints along the shut vein",
    r"waypoints \(--seeds\)": "the tool Waypoint",
    _NAMING: "choose labels whose names say which veins they are, or segment anew among the tools",
    r"one frame with --frames": "one frame above Measure",
    r"choose another with --frames": "choose another above Measure",
    r"or with --frames the part of it,": "or above Measure the frames of it,",
    r"--calibration marker:LENGTHmm measures millimetres by them": "draw from one to another, "
    f"{_MARKERS}, to measure millimetres",
    r": --calibration marker:LENGTHmm@x1,y1,x2,y2": f", {_MARKERS}",
    r": --calibration catheter:6F@x1,y1,x2,y2": f", {_CATHETER}",
    r"^--(calibration|frames): ": "",
    r", or on it, or name the stretch as a vein that joins": ", or on it",
    r"^no seeds were given: ": "no points were clicked: ",
    r"; report it with what --debug shows": "; report it",
}
_RULES = tuple((re.compile(pattern, re.MULTILINE), words) for pattern, words in _HERE.items())


def advice(message: str) -> str:
    """Return a message of the core as it helps a reviewer who types no commands."""
    for pattern, words in _RULES:
        message = pattern.sub(words, message)
    return message
