"""How everything is shown, in every view alike: the window of gray values, and the labels."""

from __future__ import annotations

from typing import Literal, get_args

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]  # qtpy picks it

LabelStyle = Literal["outlined", "filled", "hidden"]
LABEL_STYLES: tuple[LabelStyle, ...] = get_args(LabelStyle)

# Low and high in HU.
WINDOWS: dict[str, tuple[float, float]] = {
    "vein": (-100.0, 300.0),
    "soft tissue": (-160.0, 240.0),
    "stent": (-200.0, 1500.0),
}

# A drag over this many pixels of the screen makes the window as much wider as it was wide.
_DOUBLE_PX = 300.0
_NARROWEST = 1.0


class Display(QObject):
    """What the views agree on.

    Attributes
    ----------
    limits
        Gray values shown black and white.
    preset
        The name of the window that was chosen last.
    labels
        How veins are shown.
    """

    limits_changed = Signal()
    labels_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.preset = next(iter(WINDOWS))
        self.limits = WINDOWS[self.preset]
        self.labels: LabelStyle = "outlined"

    def show_window(self, name: str) -> None:
        """Show the gray values of a preset."""
        self.preset = name
        self.set_limits(*WINDOWS[name])

    def next_window(self) -> None:
        """Show the preset after the one chosen last."""
        names = list(WINDOWS)
        self.show_window(names[(names.index(self.preset) + 1) % len(names)])

    def set_limits(self, low: float, high: float) -> None:
        """Show other gray values."""
        self.limits = (float(low), float(max(high, low + _NARROWEST)))
        self.limits_changed.emit()

    def drag(self, right_px: float, down_px: float) -> None:
        """Follow the mouse: to the right the window gets wider, downwards the picture lighter."""
        low, high = self.limits
        width = high - low
        middle = 0.5 * (low + high) - down_px * width / _DOUBLE_PX
        width = max(_NARROWEST, width * (1.0 + right_px / _DOUBLE_PX))
        self.set_limits(middle - 0.5 * width, middle + 0.5 * width)

    def show_labels(self, style: LabelStyle) -> None:
        """Show the veins in another way."""
        self.labels = style
        self.labels_changed.emit()

    def next_labels(self) -> None:
        """Show the veins in the next way: outlined, filled, hidden."""
        self.show_labels(LABEL_STYLES[(LABEL_STYLES.index(self.labels) + 1) % len(LABEL_STYLES)])
