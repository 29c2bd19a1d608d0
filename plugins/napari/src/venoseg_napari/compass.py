"""The patient's directions at the edges of a view."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg

from venoseg.volume import FloatArray
from venoseg_napari.directions import direction

# Where the letters stand: left, right, top, bottom.
_ANCHORS = ((0.0, 0.5), (1.0, 0.5), (0.5, 0.0), (0.5, 1.0))


class Letter(pg.LabelItem):  # type: ignore[misc]  # pyqtgraph has no types
    """A letter of one of the patient's directions, on black: it may stand on bone."""

    def __init__(self) -> None:
        super().__init__("", color="w", bold=True)

    def setText(self, text: str, **settings: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Show a letter."""
        super().setText(f"<span style='background-color: black'>{text}</span>", **settings)
        self.text = text


class Compass:
    """Four letters in a view.

    Parameters
    ----------
    view
        On whose edges they stand.
    """

    def __init__(self, view: pg.ViewBox) -> None:
        self.letters = [Letter() for _ in _ANCHORS]
        for letter, anchor in zip(self.letters, _ANCHORS, strict=True):
            letter.setParentItem(view)
            letter.anchor(anchor, anchor)

    def clear(self) -> None:
        """Show no letters."""
        for letter in self.letters:
            letter.setText("")

    def point(self, right: FloatArray, up: FloatArray) -> None:
        """Say where two LPS directions of the view, and their opposites, lead in the patient."""
        for letter, vector in zip(self.letters, (-right, right, up, -up), strict=True):
            # Setting a text lays the whole view out anew.
            if letter.text != direction(vector):
                letter.setText(direction(vector))
