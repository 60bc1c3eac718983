"""A study or series as one file, for people."""

import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pydicom
import pytest

from dicomhub.dicomweb.http.zip_stream import Member, encode
from dicomhub.dicomweb.retrieve.file_names import safe_name
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of
from tests.support.samples import sample

CT = sample("CT_small.dcm")
MR_IMPLICIT = sample("MR_small_implicit.dcm")
BOTH = sample("image_dfl.dcm")
ZIP = "application/zip"


def files_of(response):
    assert response.status_code == 200
    assert response["Content-Type"] == ZIP
    with zipfile.ZipFile(BytesIO(body_of(response))) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_a_study_comes_as_its_files_as_stored_by_series_and_number(filling, get, edited):
    study = {"StudyInstanceUID": "1", "StudyDate": "20040119", "StudyDescription": "e+1: brain/neck"}
    first = {"SeriesInstanceUID": "1.1", "SeriesNumber": 1, "SeriesDescription": "axial", **study}
    other = {"SeriesInstanceUID": "1.2", "SeriesNumber": 1, "SeriesDescription": "Axial", **study}
    paths = [edited(CT, InstanceNumber=number, **first) for number in (1, 2, 2)]
    paths.append(edited(MR_IMPLICIT, InstanceNumber=7, Modality="CT", **other))
    instances = filling.add(*paths)
    response = get("/studies/1", accept=ZIP)
    assert response["Content-Disposition"] == 'attachment; filename="2004-01-19 CT e+1 brain neck.zip"'
    files = files_of(response)
    top = "2004-01-19 CT e+1 brain neck"
    assert set(files) == {
        f"{top}/001 CT axial/00001.dcm",
        f"{top}/001 CT axial/00002.dcm",
        f"{top}/001 CT axial/00002 (2).dcm",
        f"{top}/001 CT Axial (2)/00007.dcm",
    }
    archived = {filling.store.absolute(instance.path).read_bytes() for instance in instances}
    assert set(files.values()) == archived
    head = get("/studies/1", {"accept": ZIP}, method="head")
    assert head["Content-Disposition"] == response["Content-Disposition"]
    series = get(path_of(instances[3], "series"), {"accept": ZIP})
    assert list(files_of(series)) == [f"{top}/001 CT Axial/00007.dcm"]
    assert get("/studies/1", accept=ZIP, if_none_match=response["ETag"]).status_code == 304


def test_another_transfer_syntax_comes_for_those_who_ask(filling, get):
    (instance,) = filling.add(MR_IMPLICIT)
    explicit = "1.2.840.10008.1.2.1"
    answer = get(path_of(instance, "series"), accept=f"{ZIP}; transfer-syntax={explicit}")
    (content,) = files_of(answer).values()
    assert pydicom.dcmread(BytesIO(content)).file_meta.TransferSyntaxUID == explicit


def test_nobody_gets_a_zip_unasked_or_for_one_instance_and_an_answer_is_of_one_kind(filling, get, edited):
    one = edited(CT, StudyInstanceUID="1")
    other = edited(BOTH, StudyInstanceUID="1")
    filling.add(one, other)
    assert get("/studies/1", accept="*/*")["Content-Type"].startswith("multipart/related")
    mixed = (
        f'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1.99, {ZIP};q=0.5'
    )
    partial = get("/studies/1", accept=mixed)
    assert partial.status_code == 206
    assert partial["Content-Type"].startswith("multipart/related")
    (instance,) = filling.add(CT)
    refused = get(path_of(instance), accept=ZIP)
    assert refused.status_code == 406
    available = json_of(refused)["available"]
    assert available
    assert not any(ZIP in each for each in available)


@pytest.mark.parametrize("size_bytes", [None, 7])
def test_a_file_of_unknown_size_is_there_whole(tmp_path, size_bytes):
    when = datetime(1970, 1, 1, tzinfo=UTC)
    members = [Member(f"a/{number}", when, size_bytes, [b"abc", b"", b"defg"]) for number in range(3)]
    with zipfile.ZipFile(BytesIO(b"".join(encode(iter(members))))) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()] == [b"abcdefg"] * 3


def test_more_than_the_old_format_takes(tmp_path):
    block = bytes(1 << 26)
    when = datetime(2020, 1, 1, tzinfo=UTC)
    members = [Member("large", when, 65 << 26, (block for _ in range(65))), Member("last", when, 1, [b"x"])]
    with (tmp_path / "out.zip").open("wb") as file:
        for chunk in encode(members):
            if chunk is block:
                file.seek(len(chunk), 1)  # leaves a hole
            else:
                file.write(chunk)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.getinfo("large").file_size == 65 << 26
        assert archive.getinfo("last").header_offset > 1 << 32
        assert archive.read("last") == b"x"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("2004", None, "", "e+1"), "2004 e+1"),
        (("../../etc/passwd",), "etc passwd"),
        (("a\\b:c*d?",), "a b c d"),
        (("CON",), "_CON"),
        (("lpt1.txt",), "_lpt1.txt"),
        (("Thorax\u202egpj\x00.",), "Thorax gpj"),
        (("Schädel  頭部",), "Schädel 頭部"),
        (("...",), "otherwise"),
        (("頭" * 100,), "頭" * 26),
    ],
)
def test_names_that_every_system_takes(words, expected):
    assert safe_name(words, otherwise="otherwise") == expected
