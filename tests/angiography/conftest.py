"""Small analytic runs: a body, a straight vein that fills, a detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from venoseg.angiography.run import Relation, Run

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Vein:
    """A straight vein of elliptic section, projected; widths by the distance along it."""

    start: tuple[float, float] = (128.0, -20.0)
    stop: tuple[float, float] = (128.0, 280.0)
    width_px: Callable[[Array], Array] = lambda along: np.full_like(along, 24.0)
    opacity: float = 0.5
    exponent: float = 2.0

    def picture(self, shape: tuple[int, int], finer: int = 4) -> Array:
        """(rows, columns) opacity, averaged over each pixel."""
        rows, columns = ((np.arange(n * finer) + 0.5) / finer - 0.5 for n in shape)
        row, column = np.meshgrid(rows, columns, indexing="ij")
        axis = np.subtract(self.stop, self.start)
        length = np.hypot(*axis)
        axis = axis / length
        x, y = column - self.start[0], row - self.start[1]
        along = x * axis[0] + y * axis[1]
        across = -x * axis[1] + y * axis[0]
        half = np.maximum(self.width_px(along) / 2.0, 1e-9)
        share = np.clip(1.0 - np.abs(across / half) ** self.exponent, 0.0, None) ** 0.5
        share = np.where((along >= 0) & (along <= length), share, 0.0)
        # The chord of a round vein is as long as the vein is wide.
        thick = share * (half / 12.0)
        return self.opacity * thick.reshape(shape[0], finer, shape[1], finer).mean(axis=(1, 3))


@lru_cache
def body(shape: tuple[int, int], shift: tuple[float, float], stretch: float) -> Array:
    """(rows, columns) attenuation of a body with bones, moved down and right."""
    random = np.random.default_rng(5)
    margin = 24
    size = tuple(n + 2 * margin for n in shape)
    soft = ndimage.gaussian_filter(random.normal(size=size), 18.0)
    bones = ndimage.gaussian_filter(random.normal(size=size), 7.0)
    hard = ndimage.gaussian_filter((bones > bones.std()).astype(float), 1.0)
    whole = 2.0 + 0.25 * soft / soft.std() + 0.35 * hard
    row, column = np.indices(shape) + margin
    bulge = stretch * np.sin(np.pi * (column - margin) / shape[1])
    return ndimage.map_coordinates(whole, [row - shift[0] - bulge, column - shift[1]], order=3)


@dataclass(frozen=True)
class Scene:
    """What a run shows and how it was taken."""

    veins: tuple[Vein, ...] = (Vein(),)
    shape: tuple[int, int] = (256, 256)
    frames: int = 10
    masks: int = 2
    filled: tuple[float, ...] | None = None
    motion: tuple[float, float] = (0.0, 0.0)
    stretch: float = 0.0
    noise: float = 0.006
    blur: float = 0.7
    relation: Relation = "LIN"
    sign: int = 1
    seed: int = 0
    extra: Any = None

    def body(self, shift: tuple[float, float] = (0.0, 0.0), stretch: float = 0.0) -> Array:
        """(rows, columns) attenuation of a body with bones, moved down and right."""
        return body(self.shape, shift, stretch)

    def opacities(self) -> Array:
        """(frames,) share of full contrast."""
        if self.filled is not None:
            return np.array(self.filled)
        return np.r_[np.zeros(self.masks), np.ones(self.frames - self.masks)]

    def stored(self) -> npt.NDArray[np.uint16]:
        """(frames, rows, columns) as the detector stores them."""
        random = np.random.default_rng(self.seed)
        vessels = sum(vein.picture(self.shape) for vein in self.veins)
        frames = []
        for share in self.opacities():
            resting = share == 0
            body = self.body((0.0, 0.0) if resting else self.motion, 0 if resting else self.stretch)
            body = body if self.extra is None else body + self.extra
            seen = ndimage.gaussian_filter(np.exp(-(body + share * vessels)), self.blur)
            seen *= 1.0 + self.noise * np.sqrt(seen.mean() / seen) * random.normal(size=seen.shape)
            frames.append(self._digital(np.maximum(seen, 1e-6)))
        return np.array(frames)

    def _digital(self, seen: Array) -> npt.NDArray[np.uint16]:
        if self.relation == "LIN":
            values = 4095 * seen / 0.45
        elif self.relation == "LOG":
            values = 4095 * (1 + np.log(seen / 0.45) / 6.0)
        else:
            values = 255 * np.clip(seen / 0.45, 0, 1) ** 0.5
        top = 255 if self.relation == "DISP" else 4095
        values = np.clip(np.rint(values), 0, top)
        return (values if self.sign > 0 else top - values).astype(np.uint16)

    def run(self, **header: Any) -> Run:
        """The run, with two frames a second."""
        known: dict[str, Any] = {
            "bits_stored": 8 if self.relation == "DISP" else 12,
            "relation": self.relation,
            "sign": 0,
        }
        return Run.from_array(self.stored(), np.arange(self.frames) / 2.0, **(known | header))

    def but(self, **changes: Any) -> Scene:
        """The same scene with changes."""
        return replace(self, **changes)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def vein() -> Vein:
    return Vein()
