"""The report of a measured run as one HTML page."""

from __future__ import annotations

from importlib import resources
from importlib.metadata import version

import numpy as np
from jinja2 import Environment, StrictUndefined

from venoseg.angiography import Venogram
from venoseg.angiography.lesions import Lesion, is_overlapped
from venoseg.angiography.projection import Projection
from venoseg.reporting.drawing import drawing_style
from venoseg.reporting.venogram_curves import draw_curves
from venoseg.reporting.venogram_pictures import draw_profile, draw_strip, draw_vein
from venoseg.reporting.words import vein_title
from venoseg.tables import Value

_LENGTHS = {
    "calibrated": "millimetres in the patient, calibrated",
    "isocentre": "millimetres at the isocentre, approximate: the vein may lie nearer or farther",
    "detector": "pixels only: millimetres on the detector are not millimetres in the patient",
    "pixel": "pixels only",
}


def render_venogram(found: Venogram) -> str:
    """Return the page's text: everything it shows is in it."""
    pairs = list(zip(found.projections, found.lesions, strict=True))
    with drawing_style():
        pictures = {
            "vein": draw_vein(found),
            "strip": draw_strip(found),
            "curves": draw_curves(found) if len(found.subtraction.times_s) > 1 else None,
            "profiles": [draw_profile(p, lesions, n) for n, (p, lesions) in enumerate(pairs)],
        }
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    table = found.lesion_table
    kind = found.calibration.length_kind
    return environment.from_string(_resource("venogram.html.jinja")).render(
        style=_resource("page.css"),
        version=version("venoseg"),
        sentences=[sentence for pair in pairs for sentence in _sentences(*pair)],
        lengths=f"{_LENGTHS[kind]} ({found.calibration.reason}).",
        warnings=found.warnings,
        stent_headings=[name.replace("_", " ") for name in found.stent_table.names],
        stents=[
            [_cell(row[name]) for name in found.stent_table.names] for row in found.stent_table.rows
        ],
        lesion_headings=[name.replace("_", " ") for name in table.names],
        lesions=[[_cell(row[name]) for name in table.names] for row in table.rows],
        **pictures,
    )


def _sentences(projection: Projection, lesions: tuple[Lesion, ...]) -> list[str]:
    known = projection.diameter_px[projection.diameter_px > 0]
    title = vein_title(projection.vessel)
    if not len(known):
        return [f"{title}: its diameter could not be measured."]
    in_mm = projection.diameters_mm()
    if in_mm is None:
        text = f"{title}: {known.min():.1f} to {known.max():.1f} px wide."
    else:
        least = int(np.nanargmin(np.where(projection.diameter_px > 0, in_mm[0], np.nan)))
        widest = float(np.nanmax(in_mm[0]))
        text = (
            f"{title}: least open width {in_mm[0][least]:.1f} mm "
            f"(95 % {in_mm[1][least]:.1f} to {in_mm[2][least]:.1f}), widest {widest:.1f} mm."
        )
    return [text, *(_of_lesion(projection, lesion) for lesion in lesions)]


def _of_lesion(projection: Projection, lesion: Lesion) -> str:
    position = projection.position_px[lesion.smallest]
    where = f"{vein_title(projection.vessel)}, {position:.0f} px from its central end"
    if lesion.occluded:
        return f"{where}: no contrast medium passes."
    smallest = projection.diameter_px[lesion.smallest]
    shares = [100.0 * (1.0 - smallest / width) for width in lesion.references_px.values()]
    text = f"{where}: {min(shares):.0f} to {max(shares):.0f} % diameter stenosis, by reference."
    if max(shares) - min(shares) < 0.5:
        text = f"{where}: {shares[0]:.0f} % diameter stenosis."
    if is_overlapped(projection, lesion):
        text += " Unsure: another vessel may overlap it there."
    return text


def _cell(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value).replace("_", " ")


def _resource(name: str) -> str:
    return resources.files("venoseg.reporting").joinpath(name).read_text(encoding="utf-8")
