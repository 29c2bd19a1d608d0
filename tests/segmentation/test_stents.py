"""Stents are found without a label; what only resembles them is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from venoseg.phantom import Curve, Profile, Rendering, Scanner, Scene, Span, Tube, fit_grid, render
from venoseg.phantom.body import Grown, Without
from venoseg.phantom.filaments import Filaments
from venoseg.phantom.scene import Layer
from venoseg.phantom.stents import METAL_HU, Lattice, stented
from venoseg.segmentation import Segmentation, find_stents
from venoseg.volume import Grid, Volume

RADIUS_MM, START_MM, STOP_MM = 7.5, 15.0, 60.0


def vein(name: str = "ivc") -> Tube:
    curve = Curve.through([(0.0, 0.0, 0.0), (18.0, 4.0, -72.0)])
    profile = Profile.along(curve, 0.0, 6.5, 6.5)
    return Tube(curve, profile, (Span(name, 0.0, curve.length_mm),))


def stented_scene() -> Scene:
    tube = vein()
    wide = Profile.along(tube.curve, 0.0, RADIUS_MM, RADIUS_MM)
    opened, stent = stented(tube, wide, START_MM, STOP_MM, Lattice(16.0, 0.25))
    return Scene("stent", (opened,), stents=(stent,))


def scanned(scene: Scene) -> Rendering:
    grid = fit_grid(scene, (1.0, 0.8, 0.8), margin_mm=12.0)
    return render(scene, grid, Scanner(noise_hu=15, seed=1))


@pytest.fixture(scope="module")
def twin() -> Rendering:
    return scanned(stented_scene())


@pytest.fixture(scope="module")
def bare() -> Rendering:
    return scanned(Scene("vein", (vein(),)))


def without_stent(twin: Rendering) -> Segmentation:
    return replace(twin.segmentation, stent=None)


def painted(bare: Rendering, hu: float, inside: np.ndarray) -> Volume:
    """Add something of ``hu`` to the bare vein, blurred like the image."""
    share = ndimage.gaussian_filter(inside.astype(np.float32), (0.5, 0.8, 0.8))
    voxels = bare.image.voxels + share * (hu - bare.image.voxels)
    return replace(bare.image, voxels=np.clip(voxels, -1024, 3071).astype(np.int16))


def from_axis(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance from the vein's axis, angle around it and position along it, of every voxel."""
    tube = vein()
    points = grid.to_lps(np.indices(grid.shape).reshape(3, -1).T)
    start, along = tube.curve.at(0.0), tube.curve.tangent_at(10.0)
    position = (points - start) @ along
    aside = points - start - position[:, None] * along
    angle = np.arctan2(aside[:, 1], aside[:, 0])
    shape = grid.shape
    return (
        np.linalg.norm(aside, axis=1).reshape(shape),
        angle.reshape(shape),
        position.reshape(shape),
    )


class TestFound:
    @pytest.mark.parametrize("labelled", [True, False])
    def test_a_stent_is_found_where_it_is(self, twin, labelled):
        found = find_stents(twin.image, without_stent(twin) if labelled else None)
        assert len(found.devices) == 1
        device = found.devices[0]
        assert device.in_vein == labelled
        assert device.radius_mm == pytest.approx(RADIUS_MM, abs=0.6)
        distance, _, position = (a.ravel() for a in from_axis(twin.image.grid))
        at = np.flatnonzero(found.mask.ravel())
        assert np.quantile(np.abs(distance[at] - RADIUS_MM), 0.95) < 1.5
        assert position[at].min() == pytest.approx(START_MM, abs=2.5)
        assert position[at].max() == pytest.approx(STOP_MM, abs=2.5)

    def test_a_mask_that_was_drawn_stands_for_the_wire(self, twin):
        found = find_stents(twin.image, twin.segmentation)
        assert len(found.devices) == 1
        assert not (found.mask & ~twin.segmentation.stent).any()

    def test_a_stent_outside_the_veins_is_not_in_a_vein(self, twin):
        aside = np.zeros_like(twin.segmentation.labels)
        aside[:, :6, :6] = 1
        seg = replace(without_stent(twin), labels=aside)
        assert not any(device.in_vein for device in find_stents(twin.image, seg).devices)

    def test_an_empty_stent_mask_means_that_there_is_none(self, twin):
        empty = replace(twin.segmentation, stent=np.zeros_like(twin.segmentation.stent))
        assert find_stents(twin.image, empty).devices == ()


def with_stent(lattice: Lattice, first_mm: float, second_mm: float | None = None) -> Rendering:
    tube = vein()
    shape = Profile.along(tube.curve, 0.0, first_mm, second_mm or first_mm, 0.5)
    opened, stent = stented(tube, shape, START_MM, STOP_MM, lattice)
    return scanned(Scene("stent", (opened,), stents=(stent,)))


def braided(degrees: float, wires: int) -> Scene:
    """A vein with a braid of wires that wind both ways, so steep against its course."""
    tube = vein()
    opened, stent = stented(
        tube, Profile.along(tube.curve, 0.0, 7.0, 7.0), START_MM, STOP_MM, Lattice(14.0, 0.17)
    )
    along = np.arange(START_MM, STOP_MM, 0.05)
    first, second = tube.curve.axes_at(along)
    lines = []
    for way in (-1.0, 1.0):
        for turn in np.arange(wires) * 2.0 * np.pi / wires:
            angle = turn + way * np.tan(np.radians(degrees)) * along[:, None] / 7.0
            lines.append(
                tube.curve.at(along) + 7.0 * (np.cos(angle) * first + np.sin(angle) * second)
            )
    braid = replace(stent, wires=Filaments.along(lines, 0.17))
    return Scene("braid", (opened,), stents=(braid,))


class TestKindsOfStents:
    @pytest.mark.parametrize(
        ("lattice", "radius_mm"),
        [
            (Lattice(10.0, 0.18, crowns=9, ring_mm=5.0, cells="open"), 5.0),
            (Lattice(14.0, 0.18, crowns=9, ring_mm=5.0, cells="open"), 7.0),
            (Lattice(18.0, 0.2, crowns=10, ring_mm=6.0, cells="open"), 9.0),
            (Lattice(16.0, 0.17, crowns=18, ring_mm=1.4), 8.0),
            (Lattice(24.0, 0.3, crowns=10, ring_mm=8.0), 12.0),
        ],
        ids=["10 mm, open cells", "14 mm, open cells", "18 mm, open cells", "braided", "cava"],
    )
    def test_a_stent_in_a_labelled_vein_is_found_however_it_is_made(self, lattice, radius_mm):
        made = with_stent(lattice, radius_mm)
        found = find_stents(made.image, without_stent(made))
        assert [device.in_vein for device in found.devices] == [True]
        assert found.devices[0].radius_mm == pytest.approx(radius_mm, abs=0.8)

    def test_steep_braid_shows_hardly_any_gap_and_is_found(self):
        made = scanned(braided(60.0, 16))
        (device,) = find_stents(made.image, without_stent(made)).devices
        assert device.in_vein
        assert device.radius_mm == pytest.approx(7.0, abs=0.6)

    def test_thin_wires_far_apart_are_found_without_labels(self):
        made = with_stent(Lattice(14.0, 0.18, crowns=9, ring_mm=5.0, cells="open"), 7.0)
        assert len(find_stents(made.image).devices) == 1

    def test_braid_is_found_without_labels(self):
        made = scanned(braided(30.0, 18))
        assert len(find_stents(made.image).devices) == 1

    def test_a_stent_pressed_flat_leaves_no_room_between_its_wires_and_is_found(self):
        made = with_stent(Lattice(14.0, 0.25), 9.5, 3.2)
        (device,) = find_stents(made.image, without_stent(made)).devices
        assert device.in_vein
        assert device.radius_mm == pytest.approx(np.sqrt(9.5 * 3.2), abs=0.6)
        line = device.line_lps_mm
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        assert length == pytest.approx(STOP_MM - START_MM, abs=6.0)

    @pytest.mark.parametrize("labelled", [True, False])
    @pytest.mark.parametrize(("by_mm", "kernel"), [(4.5, "white"), (4.2, "smooth")])
    def test_a_stent_crushed_in_its_middle_is_one_stent(self, by_mm, kernel, labelled):
        tube = vein()
        at = tube.curve.positions_mm
        pressed = np.exp(-0.5 * ((at - 38.0) / 7.0) ** 2)
        round_shape = Profile.along(tube.curve, 0.0, 7.0, 7.0)
        shape = replace(round_shape, first_mm=7.0 + 2.5 * pressed, second_mm=7.0 - by_mm * pressed)
        opened, stent = stented(tube, shape, START_MM, STOP_MM, Lattice(14.0, 0.25))
        scene = Scene("crushed", (opened,), stents=(stent,))
        made = scanned(scene) if kernel == "white" else smooth_scan(scene, 0.6)
        found = find_stents(made.image, without_stent(made) if labelled else None)
        assert [device.in_vein for device in found.devices] == [labelled]
        line = found.devices[0].line_lps_mm
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        assert length == pytest.approx(STOP_MM - START_MM, abs=8.0)


def test_a_narrow_stent_of_dense_weave_is_found():
    tube = vein()
    narrow = Profile.along(tube.curve, 0.0, 5.2, 5.0)
    lattice = Lattice(10.0, 0.25, crowns=12)
    opened, stent = stented(tube, narrow, 15.0, 60.0, lattice)
    made = scanned(Scene("dense", (opened,), stents=(stent,)))
    found = find_stents(made.image, without_stent(made))
    assert [device.in_vein for device in found.devices] == [True]


def smooth_scan(scene: Scene, blur_mm: float) -> Rendering:
    grid = fit_grid(scene, (2.0, 0.8, 0.8), margin_mm=12.0)
    return render(scene, grid, Scanner(blur_mm=blur_mm, noise_hu=10, seed=1, kernel="smooth"))


class TestSmoothKernels:
    """The usual case: a kernel for soft tissue, which leaves little of the wires."""

    def test_faint_wires_around_a_labelled_vein_are_a_stent(self):
        made = smooth_scan(stented_scene(), 0.7)
        found = find_stents(made.image, without_stent(made))
        assert [device.in_vein for device in found.devices] == [True]
        # Its wires take turns oftener than calcium or the cortex of a bone does.
        assert [device.in_vein for device in find_stents(made.image).devices] == [False]

    def test_a_braid_that_is_smoothed_to_a_nearly_even_ring_is_found(self):
        made = smooth_scan(braided(30.0, 18), 0.6)
        found = find_stents(made.image, without_stent(made))
        assert [device.in_vein for device in found.devices] == [True]

    def test_a_smoothed_stent_pressed_flat_is_found(self):
        tube = vein()
        flat = Profile.along(tube.curve, 0.0, 9.5, 3.2, 0.5)
        opened, stent = stented(tube, flat, START_MM, STOP_MM, Lattice(14.0, 0.25))
        made = smooth_scan(Scene("flat", (opened,), stents=(stent,)), 0.6)
        found = find_stents(made.image, without_stent(made))
        assert [device.in_vein for device in found.devices] == [True]

    def test_what_cannot_be_told_from_calcium_is_a_stent_where_one_is_known(self):
        tube = vein()
        narrow = Profile.along(tube.curve, 0.0, 5.0, 4.8)
        opened, stent = stented(tube, narrow, 15.0, 60.0, Lattice(10.0, 0.25, crowns=15))
        made = smooth_scan(Scene("dense", (opened,), stents=(stent,)), 0.7)
        seg = without_stent(made)
        assert find_stents(made.image, seg).devices == ()
        assert [d.in_vein for d in find_stents(made.image, seg, known=["ivc"]).devices] == [True]
        assert find_stents(made.image, seg, known=["left_iliac_vein"]).devices == ()


class TestNotAStent:
    @pytest.mark.parametrize("labelled", [True, False])
    def test_an_enhanced_vein_is_none(self, bare, labelled):
        assert not find_stents(bare.image, bare.segmentation if labelled else None).mask.any()

    def test_a_calcified_wall_is_none(self, bare):
        distance, angle, position = from_axis(bare.image.grid)
        shell = (np.abs(distance - 6.8) < 0.8) & (position > 15) & (position < 60)
        for plaque in (shell & (np.abs(angle) < 2.0), shell):
            image = painted(bare, 900.0, plaque)
            assert find_stents(image, without_stent(bare)).devices == ()
            assert find_stents(image).devices == ()

    def test_a_thin_even_shell_that_far_outshines_the_noise_is_none(self):
        tube = vein()
        shell = Without(Grown(tube, 0.5), tube)
        made = smooth_scan(Scene("shell", (tube,), after=(Layer(shell, 2500.0, 0.2),)), 0.6)
        assert made.image.voxels.max() > 500
        assert find_stents(made.image, without_stent(made)).devices == ()
        assert find_stents(made.image).devices == ()

    @pytest.mark.parametrize(("half_mm", "seed"), [(0.5, 1), (0.5, 2), (0.8, 3), (0.8, 4)])
    def test_patches_of_calcium_all_around_are_none(self, bare, half_mm, seed):
        distance, _, position = from_axis(bare.image.grid)
        random = np.random.default_rng(seed)
        patches = ndimage.gaussian_filter(random.standard_normal(distance.shape), 3.0)
        shell = (np.abs(distance - 6.8) < half_mm) & (position > 15) & (position < 60)
        image = painted(bare, 900.0, shell & (patches > np.quantile(patches, 0.35)))
        assert find_stents(image, without_stent(bare)).devices == ()

    def test_a_prosthesis_is_none(self, bare):
        distance, _, position = from_axis(bare.image.grid)
        solid = (distance < 9.0) & (position > 10)
        assert find_stents(painted(bare, 3000.0, solid), bare.segmentation).devices == ()
        shell = (np.abs(distance - 9.0) < 2.5) & (position > 10)
        assert find_stents(painted(bare, 3000.0, shell), bare.segmentation).devices == ()

    def test_streaks_around_a_prosthesis_are_none(self, bare):
        distance, angle, position = from_axis(bare.image.grid)
        solid = (np.hypot(distance - 20.0, angle * 10) < 8.0) & (position > 10)
        image = painted(bare, 3000.0, solid)
        rays = 500.0 * np.cos(9.0 * angle + 0.3 * distance) * (distance < 22.0)
        streaked = np.clip(image.voxels + rays, -1024, 3071).astype(np.int16)
        image = replace(image, voxels=streaked)
        assert find_stents(image, bare.segmentation).devices == ()

    def test_a_filter_and_clips_are_none(self, bare):
        curve = vein().curve
        along = np.linspace(0.0, 1.0, 300)
        legs = []
        for turn in np.arange(6) * np.pi / 3:
            first, second = curve.axes_at(20.0 + 35.0 * along)
            out = (6.3 * along)[:, None]
            legs.append(
                curve.at(20.0 + 35.0 * along) + out * (np.cos(turn) * first + np.sin(turn) * second)
            )
        wires = Filaments.along(legs, 0.4)
        scene = Scene("filter", (vein(),), after=(Layer(wires, METAL_HU),))
        image = scanned(scene)
        assert image.image.voxels.max() > 400
        assert find_stents(image.image, without_stent(image)).devices == ()
        distance, angle, position = from_axis(bare.image.grid)
        clips = (distance > 7) & (distance < 9) & (np.abs(angle) < 0.2) & (position % 12 < 3)
        assert find_stents(painted(bare, 3000.0, clips), bare.segmentation).devices == ()

    @pytest.mark.parametrize("known", [[], ["ivc"]], ids=["not known", "known"])
    def test_grains_of_calcium_all_around_are_none(self, bare, known):
        distance, _, position = from_axis(bare.image.grid)
        random = np.random.default_rng(3)
        grains = ndimage.gaussian_filter(random.standard_normal(distance.shape), (1.2, 1.5, 1.5))
        shell = (np.abs(distance - 6.8) < 0.6) & (position > 12) & (position < 68)
        image = painted(bare, 1000.0, shell & (grains > np.quantile(grains, 0.4)))
        assert find_stents(image, without_stent(bare), known=known).devices == ()

    @pytest.mark.parametrize(("legs", "length_mm"), [(6, 35.0), (8, 22.0), (12, 40.0)])
    def test_a_filter_is_none_even_where_a_stent_is_known(self, legs, length_mm):
        curve, lines = vein().curve, []
        out = np.linspace(0.0, 1.0, 400)
        first, second = curve.axes_at(20.0 + length_mm * out)
        for turn in np.arange(legs) * 2.0 * np.pi / legs:
            aside = 6.4 * out[:, None] * (np.cos(turn) * first + np.sin(turn) * second)
            lines.append(curve.at(20.0 + length_mm * out) + aside)
        wires = Filaments.along(lines, 0.4)
        made = scanned(Scene("filter", (vein(),), after=(Layer(wires, METAL_HU),)))
        assert made.image.voxels.max() > 400
        assert find_stents(made.image, without_stent(made), known=["ivc"]).devices == ()

    def test_contrast_that_flows_along_the_wall_is_none_even_where_a_stent_is_known(self, bare):
        distance, _, _ = from_axis(bare.image.grid)
        image = painted(bare, 600.0, (distance < 6.4) & (distance > 4.4))
        assert find_stents(image, without_stent(bare), known=["ivc"]).devices == ()

    def test_a_catheter_in_the_vein_and_a_jet_of_contrast_are_none(self, bare):
        distance, angle, _ = from_axis(bare.image.grid)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        tube = np.abs(np.hypot(x - 3.0, y) - 1.1) < 0.4
        jet = np.hypot(x - 2.0, y) < 2.2
        for inside, hu in ((tube, 1800.0), (jet, 900.0)):
            image = painted(bare, hu, inside)
            assert image.voxels.max() > 400
            assert find_stents(image, without_stent(bare), known=["ivc"]).devices == ()

    def test_bowel_with_contrast_between_its_folds_is_none(self, bare):
        distance, angle, position = from_axis(bare.image.grid)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        away = np.hypot(x - 15.0, y)
        folds = (np.abs(away - 7.0) < 0.9) & (np.cos(position * np.pi / 2.0) > -0.3)
        image = painted(bare, 700.0, folds)
        assert find_stents(image, without_stent(bare)).devices == ()
        assert find_stents(image).devices == ()

    def test_the_stent_of_an_artery_beside_the_vein_is_in_no_vein(self):
        own = vein()
        curve = Curve.through(own.curve.points_lps_mm + np.array([12.5, 0.0, 0.0]))
        host = Profile.along(curve, 0.0, 4.5, 4.5)
        artery = Tube(curve, host, (Span("right_external_iliac_vein", 0.0, curve.length_mm),))
        wide = Profile.along(curve, 0.0, 5.0, 5.0)
        opened, stent = stented(artery, wide, START_MM, STOP_MM, Lattice(10.0, 0.25, crowns=9))
        made = scanned(Scene("artery", (own, opened), stents=(stent,)))
        seg = without_stent(made)
        (cava,) = (label for label, name in seg.names.items() if name == "ivc")
        labels = np.where(seg.labels == cava, cava, 0).astype(np.uint8)
        seg = replace(seg, labels=labels, names={cava: "ivc"})
        devices = find_stents(made.image, seg).devices
        assert [device.in_vein for device in devices] == [False]

    def test_an_image_without_hounsfield_units_shows_none(self, twin):
        image = replace(twin.image, unit="arbitrary")
        assert find_stents(image, without_stent(twin)).devices == ()


@pytest.mark.parametrize(
    "name",
    [
        "ts_example_ct_dicom",
        "kits00072_arterial",
        "ts_example_ct_iliac/example_ct.nii.gz",
        "lidc0314_100slices",
    ],
)
def test_public_scans_hold_no_stent(shared_data, name):
    from venoseg.dicom import read_study

    volume = read_study(shared_data / name).ct_series(None).read()
    rows, columns = volume.grid.shape[1:]
    part = (slice(0, min(40, volume.grid.shape[0])), slice(0, rows), slice(0, columns))
    assert find_stents(volume.crop(part)).devices == ()
