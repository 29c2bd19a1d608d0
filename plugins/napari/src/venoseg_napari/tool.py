"""The tool in the reviewer's hand, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from venoseg.review import LABEL_NAMES
from venoseg.segmentation import Pen

Kind = Literal[
    "look", "ball", "disc", "erase", "cut", "relabel", "stent", "seed", "end", "waypoint"
]

# Tools that draw along a stroke; the others act where they are clicked.
STROKES: tuple[Kind, ...] = ("ball", "disc", "erase", "stent")

TITLES: dict[Kind, str] = {
    "look": "Look",
    "ball": "Ball",
    "disc": "Brush",
    "erase": "Eraser",
    "cut": "Cut",
    "relabel": "Rename",
    "stent": "Stent",
    "seed": "Central end",
    "end": "Periph. end",
    "waypoint": "Waypoint",
}

HINTS: dict[Kind, str] = {
    "look": "click to go there, drag to move the picture (V)",
    "ball": "draw a ball, across slices (B)",
    "disc": "draw a disc in the slice (D)",
    "erase": "erase with a ball (E)",
    "cut": "click on a vein: what lies peripheral of it there is removed (X)",
    "relabel": "click on a branch: it becomes the vein chosen below (R)",
    "stent": "draw where a stent is (T)",
    "seed": "click where the vein chosen below begins, towards the heart",
    "end": "click where the vein chosen below ends, away from the heart",
    "waypoint": "click where the vein chosen below runs through an occlusion",
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
    between_hu, limited
        Gray values on which is drawn, and whether only on these.
    protect
        Whether other veins are left alone.
    step_mm
        By how much `grow` and `shrink` change, and the detail that `smooth` removes.
    """

    kind: Kind = "look"
    vessel: str = "ivc"
    radius_mm: float = 4.0
    between_hu: tuple[float, float] = (80.0, 400.0)
    limited: bool = False
    protect: bool = True
    step_mm: float = 1.0

    @property
    def value(self) -> int:
        """The label of the vein."""
        return VALUES[self.vessel]

    @property
    def window_hu(self) -> tuple[float, float] | None:
        """Gray values on which is drawn; None: all."""
        return self.between_hu if self.limited else None

    @property
    def pen(self) -> Pen:
        """What a stroke writes."""
        if self.kind == "erase":
            return Pen(0, (self.value,) if self.protect else None)
        if self.kind == "stent":
            return Pen(1, None, self.window_hu)
        return Pen(self.value, (0,) if self.protect else None, self.window_hu)
