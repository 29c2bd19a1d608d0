"""What the window remembers from one day to the next."""

from __future__ import annotations

from typing import cast

from qtpy.QtCore import QSettings

from venoseg.lumen.profile import Boundary
from venoseg_napari.desk import Desk
from venoseg_napari.display import LABEL_STYLES, WINDOWS, LabelStyle
from venoseg_napari.layout import Layout

_NAMES = ("venoseg", "review")


def store(desk: Desk, layout: Layout) -> None:
    """Remember the tools' settings, how things are shown, and the shares of the window."""
    tool, display = desk.tool, desk.display
    right, low = layout.shares()
    settings = QSettings(*_NAMES)
    for name, value in {
        "radius_mm": tool.radius_mm,
        "step_mm": tool.step_mm,
        "protect": int(tool.protect),
        "low_hu": tool.between_hu[0],
        "high_hu": tool.between_hu[1],
        "boundary": desk.meter.boundary,
        "window": display.preset,
        "labels": display.labels,
        "right": right,
        "low": low,
    }.items():
        settings.setValue(name, value)


def restore(desk: Desk, layout: Layout) -> None:
    """Bring back what was remembered; what is not, or is damaged, stays as it is."""
    tool, display = desk.tool, desk.display
    desk.take(
        radius_mm=_number("radius_mm", tool.radius_mm, 0.5, 30.0),
        step_mm=_number("step_mm", tool.step_mm, 0.3, 10.0),
        protect=bool(_number("protect", 1.0, 0.0, 1.0)),
        between_hu=(
            _number("low_hu", tool.between_hu[0], -1024.0, 3071.0),
            _number("high_hu", tool.between_hu[1], -1024.0, 3071.0),
        ),
    )
    desk.meter.boundary = cast(Boundary, _word("boundary", ("gray", "mask")))
    display.show_window(_word("window", tuple(WINDOWS)))
    display.show_labels(cast(LabelStyle, _word("labels", LABEL_STYLES)))
    right, low = layout.shares()
    layout.arrange(_number("right", right, 0.1, 0.5), _number("low", low, 0.2, 0.7))


def _number(name: str, usual: float, least: float, most: float) -> float:
    try:
        value = float(str(QSettings(*_NAMES).value(name, usual)))
    except ValueError:
        return usual
    return value if least <= value <= most else usual


def _word(name: str, known: tuple[str, ...]) -> str:
    value = str(QSettings(*_NAMES).value(name, known[0]))
    return value if value in known else known[0]
