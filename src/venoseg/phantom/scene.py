"""What a digital twin consists of: shapes with grey values, and the veins whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from venoseg.phantom.body import Shape, Union, Without
from venoseg.phantom.collateral import Link
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.sheets import Sheet
from venoseg.phantom.stents import METAL_HU, Stent
from venoseg.phantom.tube import Tube
from venoseg.volume import FloatArray

GreyValue = float | Callable[[FloatArray], FloatArray]
"""HU of a shape: one number, or a function of (n, 3) LPS points that gives (n,) numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A shape and its grey value; later layers of a scene cover earlier ones.

    ``part_mm`` is the size of the parts into which its boundary voxels are divided.
    """

    shape: Shape | Filaments
    hu: GreyValue
    part_mm: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A digital twin before any machine has looked at it.

    Attributes
    ----------
    name
        What it shows.
    tubes
        The veins with known truth; their union is the ideal mask. The first tube that holds a vein
        is its axis; further tubes of the same vein are channels where the axis has no lumen.
    cores
        Thrombus inside the lumen: stretches of a vein's own centreline that are not lumen.
    sheets
        Sheets of tissue that divide veins lengthwise.
    stents, collaterals
        What lies in the veins, and the network that carries the blood past a shut one.
    before, after
        Layers painted before and after the veins' lumen: surroundings, then what lies inside.
    lumen_hu, collateral_hu, core_hu, background_hu
        Grey values of the lumen, the collaterals, thrombus and sheets, and what no layer covers.
    fillet_mm
        How far the surfaces of two joining veins blend.
    """

    name: str
    tubes: tuple[Tube, ...]
    cores: tuple[Tube, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    stents: tuple[Stent, ...] = ()
    collaterals: tuple[Link, ...] = ()
    before: tuple[Layer, ...] = ()
    after: tuple[Layer, ...] = ()
    lumen_hu: GreyValue = 150.0
    collateral_hu: float = 140.0
    core_hu: float = 50.0
    background_hu: float = 50.0
    fillet_mm: float = 0.0

    def lumen(self) -> Shape:
        """Return the lumen of all veins as one shape."""
        veins = Union(self.tubes, self.fillet_mm)
        solid: tuple[Shape, ...] = (*self.cores, *self.sheets)
        return Without(veins, Union(solid)) if solid else veins

    def surroundings(self) -> tuple[Layer, ...]:
        """Return what is painted before the lumen."""
        links = (Layer(link.tube, self.collateral_hu, part_mm=0.3) for link in self.collaterals)
        solid: tuple[Shape, ...] = (*self.cores, *self.sheets)
        clots = (Layer(one, self.core_hu) for one in solid)
        return (*self.before, *links, *clots)

    def contents(self) -> tuple[Layer, ...]:
        """Return what is painted after the lumen."""
        metal = (Layer(stent.wires, METAL_HU) for stent in self.stents)
        return (*self.after, *metal)
