"""The keyboard: one table that binds the keys and fills the help panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QLabel, QShortcut, QWidget  # type: ignore[attr-defined]  # qtpy picks it


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


def help_text(keys: list[Key]) -> str:
    """Return the keys as a table."""
    rows = "".join(f"<tr><td><b>{k.sequence}</b>&nbsp;</td><td>{k.meaning}</td></tr>" for k in keys)
    return f"<h3>Keys</h3><table>{rows}</table>"


class HelpPanel(QLabel):
    """A small window that lists every key."""

    def __init__(self, keys: list[Key]) -> None:
        super().__init__(help_text(keys))
        self.setWindowTitle("Keys of the reviewer")
        self.setMargin(12)
