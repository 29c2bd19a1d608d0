"""The keyboard: one table that binds the keys and fills the help panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (  # type: ignore[attr-defined]  # qtpy picks it
    QLabel,
    QShortcut,
    QVBoxLayout,
    QWidget,
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it is for, and what it does."""

    sequence: str
    meaning: str
    act: Callable[[], object]


def bind(window: QWidget, keys: list[Key]) -> list[QShortcut]:
    """Bind keys in a window.

    They must not be those of napari's menus: of two owners of one key Qt asks neither.
    """
    made = []
    for key in keys:
        shortcut = QShortcut(QKeySequence(key.sequence), window)
        shortcut.activated.connect(key.act)
        made.append(shortcut)
    return made


# What the mouse does in every view of gray values.
_MOUSE = {
    "wheel": "next slice or station",
    "Ctrl + wheel": "zoom",
    "right button": "drag: wider or narrower, darker or lighter",
    "double click": "open the case",
}


def help_text(keys: Sequence[Key]) -> str:
    """Return the keys, and what the mouse does, as a table."""
    rows = [(key.sequence, key.meaning) for key in keys]
    half = (len(rows) + 1) // 2
    return (
        f"<table><tr><td>{_table('Keys', rows[:half])}</td><td width=24></td>"
        f"<td>{_table('', rows[half:])}{_table('Mouse', list(_MOUSE.items()))}</td></tr></table>"
    )


def _table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"<tr><td><b>{key}</b>&nbsp;</td><td>{words}</td></tr>" for key, words in rows)
    return f"<h3>{title or '&nbsp;'}</h3><table>{lines}</table>"


class HelpPanel(QWidget):
    """A small window that lists every key."""

    def __init__(self, keys: Sequence[Key], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setWindowTitle("Keys of the reviewer")
        # The theme colours the background of windows, but not of labels that are windows.
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        self.words = QLabel(help_text(keys))
        layout.addWidget(self.words)
