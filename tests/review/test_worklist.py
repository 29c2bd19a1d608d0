"""What is to be reviewed, how far it is, and how it is opened."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from venoseg.errors import InputError
from venoseg.review import (
    Cancelled,
    CaseFolder,
    default_reviews,
    filtered,
    find_work,
    load,
    neighbour,
    open_session,
    progress_of,
    thumbnail,
)
from venoseg.segmentation import Pen, paint_ball

SAMPLES = Path(__file__).parents[2] / "sample_data"
Y = SAMPLES / "iliocaval-y"


@pytest.fixture(scope="module")
def study():
    return find_work(Y / "ct")[0]


def test_a_case_becomes_a_list_of_its_timepoints():
    items = find_work(SAMPLES / "case")
    titles = [item.title.split(":")[0] for item in items]
    assert titles[0] == "baseline"
    assert {"baseline", "procedure", "day1", "one_year"} == set(titles)
    assert len({item.key for item in items}) == len(items)
    assert any("Venogram" in item.title for item in items)


def test_titles_tell_items_apart():
    """Two runs of one visit differ by their names in the manifest, those of an export by number."""
    items = find_work(SAMPLES / "case")
    assert len({item.title for item in items}) == len(items)
    runs = [item.title for item in items if item.title.startswith("procedure")]
    assert [title.split(",")[0] for title in runs] == ["procedure: before", "procedure: after"]
    export = [item.title for item in find_work(SAMPLES / "case" / "procedure" / "xa")]
    assert [title.rsplit(", ")[-1] for title in export] == ["1 of 2", "2 of 2"]


def test_an_export_with_several_studies_lists_them_all(tmp_path):
    (tmp_path / "a").symlink_to(SAMPLES / "case" / "baseline")
    (tmp_path / "b").symlink_to(Y)
    assert len(find_work(SAMPLES / "case" / "baseline")) == 1
    items = find_work(SAMPLES)
    assert len([item for item in items if item.title.startswith("CT")]) >= 2


def test_a_folder_without_images_says_what_to_choose(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"choose a folder|give a folder|no DICOM"):
        find_work(tmp_path)


def test_a_refused_series_is_listed_with_its_problem(tmp_path):
    for number in (1, 2, 9):
        shutil.copy(Y / "ct" / f"{number:04d}.dcm", tmp_path)
    items = find_work(tmp_path)
    if items[0].problem:
        with pytest.raises(InputError):
            load(items[0], CaseFolder(tmp_path / "case"))
    else:
        assert items[0].series.problems


def test_a_volume_file_is_an_item_of_its_own(tmp_path, tilted):
    image = sitk.GetImageFromArray(tilted.image.voxels)
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    items = find_work(tmp_path / "ct.nii.gz")
    assert len(items) == 1
    loaded = load(items[0], CaseFolder(tmp_path / "case"))
    np.testing.assert_array_equal(loaded.image.voxels, tilted.image.voxels)
    assert items[0].key == find_work(tmp_path / "ct.nii.gz")[0].key


def test_the_second_opening_reads_the_copy_and_gives_the_same_image(study, tmp_path):
    folder = CaseFolder(tmp_path / "case")
    said: list[str] = []
    first = load(study, folder, say=said.append)
    assert "there are no labels yet" in first.message
    again = load(study, folder, say=said.append)
    assert said.count("keeping a copy that opens faster") == 1
    np.testing.assert_array_equal(first.image.voxels, again.image.voxels)
    assert first.image.grid.matches(again.image.grid)
    assert first.image.source == again.image.source
    assert first.image.unit == again.image.unit


def test_a_damaged_copy_is_read_again_from_the_images(study, tmp_path):
    folder = CaseFolder(tmp_path / "case")
    load(study, folder)
    (folder.path / "image.npy").write_bytes(b"broken")
    said: list[str] = []
    load(study, folder, say=said.append)
    assert "keeping a copy that opens faster" in said


def test_without_room_for_a_copy_the_case_opens_all_the_same(study, tmp_path, full_disk):
    folder = CaseFolder(tmp_path / "case")
    with full_disk(10_000):
        loaded = load(study, folder)
    assert loaded.image.voxels.any()
    assert not list(folder.path.glob("*image*"))


def test_labels_come_from_a_file_or_from_results_of_the_same_series(study, tmp_path):
    labels = Y / "truth" / "labels.seg.nrrd"
    direct = load(study, CaseFolder(tmp_path / "a"), labels)
    assert direct.message == ""
    for name, uid in (("one", "1.2.3"), ("two", study.series.series_uid)):
        (tmp_path / "out" / name).mkdir(parents=True)
        document = {"source": {"series_instance_uid": uid}}
        (tmp_path / "out" / name / "measurements.json").write_text(json.dumps(document))
    shutil.copy(labels, tmp_path / "out" / "two" / "segmentation.seg.nrrd")
    found = load(study, CaseFolder(tmp_path / "b"), tmp_path / "out")
    np.testing.assert_array_equal(found.labels.labels, direct.labels.labels)


def test_labels_that_do_not_fit_are_left_out_and_said(study, tmp_path):
    (tmp_path / "labels.nii.gz").write_bytes(b"no label map")
    loaded = load(study, CaseFolder(tmp_path / "case"), tmp_path / "labels.nii.gz")
    assert "the labels were not used" in loaded.message
    assert not loaded.labels.labels.any()


def test_loading_can_be_stopped(study, tmp_path):
    with pytest.raises(Cancelled):
        load(study, CaseFolder(tmp_path / "case"), cancelled=lambda: True)


def test_loading_counts_the_slices_and_can_be_stopped_between_them(study, tmp_path):
    said: list[str] = []
    folder = CaseFolder(tmp_path / "case")
    with pytest.raises(Cancelled):
        load(study, folder, say=said.append, cancelled=lambda: len(said) > 5)
    assert not list(folder.path.glob("image*"))
    stopped = [words for words in said if "slices" in words]
    load(study, folder, say=said.append)
    of = study.series.images
    counted = [words for words in said[len(stopped) :] if words.endswith(f"of {of} slices")]
    assert 0 < len(stopped) < of / 2
    assert f"reading the image: {of} of {of} slices" in counted


def test_a_case_begins_with_the_labels_and_the_seeds_of_its_manifest(tmp_path):
    item = next(i for i in find_work(SAMPLES / "case") if i.series.kind == "ct" and i.seeds)
    loaded = load(item, CaseFolder(tmp_path / "case"))
    assert loaded.message == ""
    assert {seed.role for seed in loaded.seeds} >= {"central_end", "peripheral_end"}
    session = open_session(
        loaded.image, loaded.labels, tmp_path / "case", "anna", seeds=loaded.seeds
    )
    session.close()
    # They are in the start that is on the disk, so that the next opening has them too.
    again = open_session(loaded.image, loaded.labels, tmp_path / "case", "bert")
    assert again.notes.seeds == loaded.seeds
    again.close()


def test_seeds_that_cannot_be_read_are_left_out_and_said(study, tmp_path):
    (tmp_path / "seeds.json").write_text("no json")
    item = replace(study, seeds=tmp_path / "seeds.json")
    loaded = load(item, CaseFolder(tmp_path / "case"), Y / "truth" / "labels.seg.nrrd")
    assert loaded.seeds == ()
    assert "the seeds were not used" in loaded.message


def test_the_status_follows_the_review(study, tmp_path, clock):
    folder = CaseFolder(tmp_path / "case")
    loaded = load(study, folder, Y / "truth" / "labels.seg.nrrd")
    assert progress_of(folder).status == "to do"

    def session(name, **more):
        return open_session(loaded.image, loaded.labels, folder.path, name, clock=clock, **more)

    anna = session("anna")
    grid = loaded.image.grid
    edit = paint_ball(anna.labels, grid, grid.to_lps((5, 5, 5)), 6.0, Pen(1))
    anna.draw("paint", edit)
    assert progress_of(folder).status == "in progress"
    anna.save(kind="signed", second_reader=True)
    anna.close()
    assert progress_of(folder).status == "needs second reader"
    bert = session("bert", second_reading=True)
    bert.save(kind="signed")
    bert.close()
    assert progress_of(folder).status == "signed"
    assert progress_of(folder).by == ("anna", "bert")
    again = session("anna")
    again.undo()
    again.save()
    again.close()
    assert progress_of(folder).status == "in progress"


def test_the_list_is_filtered_by_status_and_words():
    items = find_work(SAMPLES / "case")
    venograms = filtered(items, lambda _: progress_of(CaseFolder(Path("none"))), words="venogram")
    assert venograms
    assert all("Venogram" in item.title for item in venograms)
    none = filtered(items, lambda _: progress_of(CaseFolder(Path("none"))), status="signed")
    assert none == ()


def test_next_and_previous_end_at_the_ends():
    items = find_work(SAMPLES / "case")
    assert neighbour(items, items[0].key, 1) is items[1]
    assert neighbour(items, items[0].key, -1) is None
    assert neighbour(items, items[-1].key, 1) is None
    assert neighbour(items, "unknown", 1) is items[0]


def test_a_thumbnail_shows_the_middle_slice(study):
    picture = thumbnail(study)
    assert picture.shape == (96, 96)
    assert picture.dtype == np.uint8
    assert picture.std() > 5


def test_a_thumbnail_of_a_venogram_shows_its_middle_frame():
    run = next(item for item in find_work(SAMPLES / "case") if item.series.runs)
    picture = thumbnail(run)
    assert picture.shape == (96, 96)
    assert picture.std() > 5


def test_reviews_lie_beside_the_images_under_a_name_that_names_nobody(tmp_path):
    assert default_reviews(tmp_path).parent == tmp_path
    (tmp_path / "x.zip").write_bytes(b"")
    assert default_reviews(tmp_path / "x.zip") == tmp_path / "venoseg-review"
