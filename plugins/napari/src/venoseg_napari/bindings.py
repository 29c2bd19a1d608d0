"""Which key does what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from venoseg_napari.keys import Key
from venoseg_napari.tool import Kind

if TYPE_CHECKING:
    from venoseg_napari.window import ReviewWindow

# A key makes the brush so much larger; between these radii.
_FACTOR = 1.25
_SMALLEST_MM, _LARGEST_MM = 0.5, 30.0


def keys_of(made: ReviewWindow) -> list[Key]:
    """Return every key of the window."""
    desk = made.desk

    def tool(kind: Kind) -> Callable[[], None]:
        return lambda: desk.take(kind=kind)

    def radius(factor: float) -> Callable[[], None]:
        return lambda: desk.take(
            radius_mm=min(_LARGEST_MM, max(_SMALLEST_MM, round(desk.tool.radius_mm * factor, 1)))
        )

    return [
        Key("V", "look: click to go there, drag to move the picture", tool("look")),
        Key("B", "ball", tool("ball")),
        Key("D", "brush: a disc in the slice", tool("disc")),
        Key("E", "eraser", tool("erase")),
        Key("T", "mark a stent", tool("stent")),
        Key("R", "rename a branch", tool("relabel")),
        Key("X", "cut the vein and remove what lies peripheral", tool("cut")),
        Key("[", "smaller brush", radius(1 / _FACTOR)),
        Key("]", "larger brush", radius(_FACTOR)),
        Key("Ctrl+Z", "undo", desk.undo),
        Key("Ctrl+Shift+Z", "redo", desk.redo),
        Key("Up", "a slice towards the head", lambda: made.canvas.scroll(-1)),
        Key("Down", "a slice towards the feet", lambda: made.canvas.scroll(1)),
        Key("Alt+Left", "a station towards the heart", lambda: desk.walk(-1)),
        Key("Alt+Right", "a station away from the heart", lambda: desk.walk(1)),
        Key("W", "next window of gray values", desk.display.next_window),
        Key("O", "veins outlined, filled, hidden", desk.display.next_labels),
        Key("A", "profile of diameters or areas", made.along.toggle_areas),
        Key("3", "slices or surfaces", made.surfaces.toggle),
        Key("C", "compare with the selected case", made.compare_with_selected),
        Key("PgDown", "next case of the list", lambda: made.worklist.step(1)),
        Key("PgUp", "previous case of the list", lambda: made.worklist.step(-1)),
        Key("F2", "save a version", made.bar.save_version),
        Key("F4", "sign", made.bar.sign_case),
        Key("F1", "this list", made.toggle_help),
    ]
