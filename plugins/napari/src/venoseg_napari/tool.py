"""The tool in the reviewer's hand, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from venoseg.review import LABEL_NAMES
from venoseg.segmentation import Pen

Kind = Literal[
    "look", "ball", "disc", "erase", "cut", "relabel", "seed", "end", "waypoint", "stent"
]

# Tools that draw along a stroke; the others act where they are clicked.
STROKES: tuple[Kind, ...] = ("ball", "disc", "erase", "stent")

TITLES: dict[Kind, str] = {
    "look": "Look",
    "ball": "Ball",
    "disc": "Brush",
    "erase": "Eraser",
    "cut": "Cut",
    "relabel": "Rename branch",
    "seed": "Central end",
    "end": "Peripheral end",
    "waypoint": "Waypoint",
    "stent": "Mark stent",
}

VALUES: dict[str, int] = {name: value for value, name in LABEL_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Tool:
    """What a click or a stroke does.

    Attributes
    ----------
    kind
        Which tool.
    vessel
        The vein that is drawn.
    radius_mm
        Of ball, brush and eraser.
    window_hu
        Gray values on which is drawn; None: all.
    protect
        Whether other veins are left alone.
    step_mm
        By how much `grow` and `shrink` change, and the detail that `smooth` removes.
    """

    kind: Kind = "look"
    vessel: str = "ivc"
    radius_mm: float = 4.0
    window_hu: tuple[float, float] | None = None
    protect: bool = True
    step_mm: float = 1.0

    @property
    def value(self) -> int:
        """The label of the vein."""
        return VALUES[self.vessel]

    @property
    def pen(self) -> Pen:
        """What a stroke writes."""
        if self.kind == "erase":
            return Pen(0, (self.value,) if self.protect else None)
        if self.kind == "stent":
            return Pen(1, None, self.window_hu)
        return Pen(self.value, (0,) if self.protect else None, self.window_hu)
