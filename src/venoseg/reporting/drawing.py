"""What all pictures share: how they are drawn and how they become text in a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.style import context

MM_PER_INCH = 25.4

INK = "#1a1f24"
FAINT_INK = "#5b6670"
GRID_INK = "#e3e7ea"

# Where a picture has no image.
NO_IMAGE = "#dfe4e8"

# Gray values from black to white; places without image are neither.
GRAYS = colormaps["gray"].with_extremes(bad=NO_IMAGE)

# Resolution of the gray values inside a picture; lines and words are drawn at any.
_IMAGE_DPI = 150

# What must not stand in a `data:` address as it is.
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~/:;,=()+*!?@$-]")

_STYLE: dict[str, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.color": INK,
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 4.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.fontsize": 7.5,
    "hatch.linewidth": 0.6,
    "hatch.color": FAINT_INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "venoseg",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it stands in the page.

    Attributes
    ----------
    uri
        A ``data:`` address that holds the whole picture.
    width_mm, height_mm
        Its size on paper.
    alt
        What it shows, in words.
    caption
        Lines that stand below it.
    """

    uri: str
    width_mm: float
    height_mm: float
    alt: str
    caption: tuple[str, ...]


@contextmanager
def drawing_style() -> Iterator[None]:
    """Draw with Matplotlib's defaults and ours, whatever the user's settings; they come back."""
    with context(["default", _STYLE]):
        yield


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Return an empty figure of that size on white."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def place_axes(
    figure: Figure, left_mm: float, top_mm: float, width_mm: float, height_mm: float
) -> Axes:
    """Add axes whose top left corner lies there, measured from the figure's."""
    total_width, total_height = figure.get_size_inches() * MM_PER_INCH
    return figure.add_axes(
        (
            left_mm / total_width,
            1.0 - (top_mm + height_mm) / total_height,
            width_mm / total_width,
            height_mm / total_height,
        )
    )


def finish(figure: Figure, alt: str, caption: tuple[str, ...] = ()) -> Picture:
    """Turn a figure into a picture: SVG without date, creator, random names or a foreign DTD."""
    out = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(out, format="svg", dpi=_IMAGE_DPI, metadata=nothing)
    width, height = figure.get_size_inches() * MM_PER_INCH
    drawing = out.getvalue()
    # The images inside are base64 already; a second time would swell them by a third again.
    encoded = _UNSAFE.sub(lambda byte: b"%%%02X" % ord(byte[0]), drawing[drawing.index(b"<svg") :])
    uri = f"data:image/svg+xml,{encoded.decode('ascii')}"
    return Picture(uri, float(width), float(height), alt, caption)
