import re
import shutil
import zipfile

import pytest

from dicomhub.intake.admission import TenantAdmission
from dicomhub.intake.importer import import_paths
from dicomhub.intake.segments import cut_segments, read_segment
from dicomhub.intake.sources import ZipBounds
from dicomhub.storage.filesystem import ArchiveOutcome
from dicomhub.storage.layout import JOURNAL
from tests.support.receiving import PROVENANCE, data_set_of
from tests.support.samples import sample

CT, MR = sample("CT_small.dcm"), sample("MR_small.dcm")


@pytest.fixture
def run(intake):
    def run(*paths, bounds=None, progress=lambda _: None):
        return import_paths(
            intake,
            paths,
            admission=TenantAdmission(tenant="default"),
            provenance=PROVENANCE,
            bounds=bounds or ZipBounds(),
            progress=progress,
        )

    return run


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "disc"
    (folder / "A" / "B").mkdir(parents=True)
    shutil.copy(CT, folder / "A" / "IM0")
    shutil.copy(MR, folder / "A" / "B" / "IM1")
    (folder / "README.txt").write_text("not DICOM")
    shutil.copy(sample("DICOMDIR"), folder / "DICOMDIR")
    return folder


def zip_of(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return target


def archived(intake):
    return {
        instance.sop_instance_uid: instance
        for path in cut_segments(intake.store.absolute(JOURNAL))
        for instance in read_segment(path).batch.instances
    }


def test_a_folder_is_archived_with_what_is_below_it(run, intake, folder):
    summary = run(folder)
    assert summary.outcomes == {ArchiveOutcome.ARCHIVED: 2}
    assert {refusal.name.rsplit("/", 1)[-1] for refusal in summary.not_dicom} == {"README.txt", "DICOMDIR"}
    assert summary.refused == []
    instances = archived(intake).values()
    data_sets = {data_set_of(intake.store.absolute(instance.path)) for instance in instances}
    assert data_sets == {data_set_of(CT), data_set_of(MR)}


def test_progress_counts_the_bytes_of_every_file(run, folder):
    done = []
    run(folder, progress=done.append)
    assert sum(done) == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def test_a_second_time_nothing_is_new(run, folder):
    run(folder)
    assert run(folder).outcomes == {ArchiveOutcome.ALREADY_THERE: 2}


def test_a_zip_file_is_archived_like_the_folder_that_it_was_made_from(run, intake, folder, tmp_path):
    summary = run(zip_of(folder, tmp_path / "disc.zip"))
    assert summary.outcomes == {ArchiveOutcome.ARCHIVED: 2}
    assert len(summary.not_dicom) == 2
    assert len(archived(intake)) == 2


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        (ZipBounds(max_members=2), "members"),
        (ZipBounds(max_bytes=1000), "unpacks to"),
        (ZipBounds(max_ratio=1), "times its size"),
    ],
)
def test_a_zip_file_out_of_bounds_is_refused_whole(run, intake, folder, tmp_path, bounds, reason):
    summary = run(zip_of(folder, tmp_path / "disc.zip"), bounds=bounds)
    [refusal] = summary.refused
    assert reason in refusal.reason
    assert archived(intake) == {}


def test_a_zip_member_that_says_less_than_it_holds_is_refused(run, intake, folder, tmp_path):
    """The sizes that the bounds are checked against are held when reading, too."""
    path = zip_of(folder, tmp_path / "disc.zip")
    size = CT.stat().st_size
    # Both the local header and the central directory state the size, little endian.
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (size - 2).to_bytes(4, "little")))
    summary = run(path)
    assert summary.outcomes == {ArchiveOutcome.ARCHIVED: 1}
    assert [refusal.name for refusal in summary.refused] == [f"{path}!A/IM0"]


def test_a_broken_zip_file_is_refused_with_a_reason(run, folder, tmp_path):
    path = zip_of(folder, tmp_path / "disc.zip")
    data = bytearray(path.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    path.write_bytes(data)
    summary = run(path)
    assert summary.refused
    assert all(refusal.reason for refusal in summary.refused)


def test_an_instance_that_ends_like_a_zip_file_is_an_instance(run, folder, tmp_path):
    path = tmp_path / "model.dcm"
    path.write_bytes(CT.read_bytes() + zip_of(folder, tmp_path / "disc.zip").read_bytes())
    assert run(path).outcomes == {ArchiveOutcome.ARCHIVED: 1}


def test_a_zip_file_of_a_later_version_is_refused_with_a_reason(run, folder, tmp_path):
    path = zip_of(folder, tmp_path / "disc.zip")
    data = path.read_bytes()
    # "version needed to extract" of the central directory's entries
    path.write_bytes(
        re.sub(rb"(PK\x01\x02..)..", lambda entry: entry[1] + b"\x63\x00", data, flags=re.DOTALL)
    )
    [refusal] = run(path, CT).refused
    assert "cannot be read" in refusal.reason


def test_a_resent_instance_repairs_one_that_was_damaged_on_the_disk(run, intake):
    run(CT)
    [instance] = archived(intake).values()
    path = intake.store.absolute(instance.path)
    for damaged in (b"", b"no header any more", path.read_bytes()[:500]):
        path.write_bytes(damaged)
        assert run(CT).outcomes == {ArchiveOutcome.REPLACED: 1}
        assert data_set_of(path) == data_set_of(CT)


def test_a_path_that_is_not_there_is_refused_and_the_others_go_on(run, tmp_path):
    summary = run(tmp_path / "nothing", CT)
    assert summary.outcomes == {ArchiveOutcome.ARCHIVED: 1}
    assert [refusal.reason for refusal in summary.refused] == ["No such file or directory"]


def test_a_file_without_a_header_is_recognised_by_its_data_set(run, intake):
    summary = run(sample("rtstruct.dcm"))
    assert summary.outcomes == {ArchiveOutcome.ARCHIVED: 1}
    [instance] = archived(intake).values()
    assert instance.transfer_syntax_uid == "1.2.840.10008.1.2"
    assert data_set_of(intake.store.absolute(instance.path)) == sample("rtstruct.dcm").read_bytes()


def test_an_instance_without_a_study_is_refused_with_its_name(run):
    path = sample("SC_rgb_jls_lossy_line.dcm")
    [refusal] = run(path).refused
    assert (refusal.name, refusal.reason) == (str(path), "StudyInstanceUID is missing")
