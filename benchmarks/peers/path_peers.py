"""Centerlines of the usual image libraries: a path of voxels, or a skeleton, in a distance map.

None of them cuts sections: the diameter is that of the largest sphere inside, twice the distance to
the nearest voxel outside. All work within the mask's box.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

Job = dict[str, Any]
Found = tuple[np.ndarray, np.ndarray]


def skimage_path(mask: np.ndarray, job: Job, done: Callable[[str], None]) -> Found:
    """Follow the cheapest path by one over the squared distance of SciPy's exact map."""
    mask, first = _boxed(mask)
    depth = ndimage.distance_transform_edt(mask, sampling=job["spacing"][::-1])
    done("distance")
    return _paths(depth, first, job, done)


def sitk_path(mask: np.ndarray, job: Job, done: Callable[[str], None]) -> Found:
    """Follow the same path in the distance map of SimpleITK (Maurer)."""
    import SimpleITK as sitk

    mask, first = _boxed(mask)
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(job["spacing"])
    signed = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True
    )
    depth = np.maximum(sitk.GetArrayFromImage(signed), 0.0).astype(np.float64)
    done("distance")
    return _paths(depth, first, job, done)


def skan_skeleton(mask: np.ndarray, job: Job, done: Callable[[str], None]) -> Found:
    """Thin the mask to its skeleton, and take its branches."""
    from skan import Skeleton
    from skimage.morphology import skeletonize

    mask, first = _boxed(mask)
    depth = ndimage.distance_transform_edt(mask, sampling=job["spacing"][::-1])
    done("distance")
    thin = skeletonize(mask)
    if np.count_nonzero(thin) < 2:
        return np.empty((0, 3)), np.empty(0)
    skeleton = Skeleton(thin, spacing=job["spacing"][::-1])
    voxels = np.vstack([skeleton.path_coordinates(n) for n in range(skeleton.n_paths)]).astype(int)
    done("skeleton")
    return _to_lps(voxels + first, job), 2.0 * depth[tuple(voxels.T)]


def _boxed(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask in its box with a margin of one voxel, and where the box begins."""
    box = ndimage.find_objects(mask)[0]
    return np.pad(mask[box] > 0, 1), np.array([s.start - 1 for s in box])


def _paths(depth: np.ndarray, first: np.ndarray, job: Job, done: Callable[[str], None]) -> Found:
    from skimage.graph import MCP_Geometric

    cost = np.where(depth > 0, 1.0 / np.maximum(depth, 1e-3) ** 2, -1.0)
    ends = [_inside(depth, end, first, job) for end in (job["source"], *job["targets"])]
    finder = MCP_Geometric(cost, sampling=job["spacing"][::-1])
    finder.find_costs(ends[:1], ends[1:])
    voxels = np.vstack([np.array(finder.traceback(end)) for end in ends[1:]])
    done("path")
    return _to_lps(voxels + first, job), 2.0 * depth[tuple(voxels.T)]


def _inside(depth: np.ndarray, point: list[float], first: np.ndarray, job: Job) -> tuple[int, ...]:
    """Return the voxel inside that is nearest to a point."""
    index = (np.array(point) - job["origin"]) / job["spacing"]
    voxels = np.argwhere(depth > 0)
    away = (voxels + first - index[::-1]) * job["spacing"][::-1]
    return tuple(int(n) for n in voxels[np.argmin((away**2).sum(axis=1))])


def _to_lps(voxels: np.ndarray, job: Job) -> np.ndarray:
    return voxels[:, ::-1] * job["spacing"] + job["origin"]
