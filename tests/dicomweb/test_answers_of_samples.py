"""Every JSON and XML answer about sample files: as the standard has it, and what the file says.

Of the files that could tell something new; with --all-samples of all (4 minutes).
"""

import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.dicomweb.addressing import path_of
from tests.dicomweb.bulk_values import AS_STORED, BROKEN_OFF, SERVICE, UNREADABLE, value_of
from tests.dicomweb.dicom_json_checking import read_dicom_json
from tests.dicomweb.reading import body_of, parts_of
from tests.standard.native_model_reading import assert_same, read_native_model
from tests.standard.reading import instance_files, quietly

ROOTS = ("/studies", "/series", "/instances", "{study}/series", "{study}/instances", "{series}/instances")
NUMBERS = {"DS", "FD", "FL", "IS"}
LEVELS = ("study", "series", "instance")
XML = 'multipart/related; type="application/dicom+xml"'


def pytest_generate_tests(metafunc):
    if "path" in metafunc.fixturenames:
        paths = instance_files() if metafunc.config.getoption("--all-samples") else chosen()
        metafunc.parametrize("path", paths, ids=lambda path: path.name)


def chosen():
    """One of each SOP class, character set and way to encode values."""
    found = {}
    for path in instance_files():
        with quietly():
            data_set = pydicom.dcmread(path, specific_tags=["SOPClassUID", "SpecificCharacterSet"])
        if "SOPClassUID" in data_set:
            syntax = data_set.file_meta.TransferSyntaxUID
            encoding = (syntax.is_little_endian, syntax.is_implicit_VR, syntax.is_deflated)
            key = (data_set.SOPClassUID, str(data_set.get("SpecificCharacterSet")))
            found.setdefault(key, path)
            found.setdefault(encoding, path)
    return sorted(set(found.values()))


@pytest.mark.filterwarnings("ignore")  # pydicom's, about values that are not as PS3.5 wants them
def test_every_answer_about_a_sample(filling, get, path):
    (instance,) = filling.add(path)
    (model,) = read_dicom_json(body_of(get(f"{path_of(instance)}/metadata")))
    for level in LEVELS:
        resource = f"{path_of(instance, level)}/metadata"
        assert read_dicom_json(body_of(get(resource))) == [model]
    ((headers, document),) = parts_of(get(resource, accept=XML))
    assert headers["Content-Location"] == f"{SERVICE}{resource}"
    assert_same(read_native_model(document), model)
    check_searches(get, instance, model)
    if path.name not in UNREADABLE | BROKEN_OFF:
        sent = pydicom.dcmread(filling.store.absolute(instance.path))
        received = Dataset.from_json(
            model, lambda uri: body_of(get(uri.removeprefix(SERVICE), accept=AS_STORED))
        )
        assert_says(received, sent, sent)


def check_searches(get, instance, model):
    study, series = path_of(instance, "study"), path_of(instance, "series")
    for root in ROOTS:
        path = root.format(study=study, series=series)
        (narrow,) = read_dicom_json(body_of(get(path)))
        (wide,) = read_dicom_json(body_of(get(path, {"includefield": "all"})))
        assert narrow.items() <= wide.items()
        # Its character set is the answer's own, for it may be about several instances.
        common = (model.keys() & wide.keys()) - {"00080005"}
        assert {tag: wide[tag] for tag in common} == {tag: model[tag] for tag in common}
        if path.endswith("instances"):
            assert model.keys() <= wide.keys()
    ((_, document),) = parts_of(get(path, {"includefield": "all"}, accept=XML))
    assert_same(read_native_model(document), wide)


def assert_says(received, sent, whole):
    """The elements of the model are those of the file; whole is the data set around an item."""
    expected = [element.tag for element in sent if element.tag.element]
    assert [element.tag for element in received] == sorted(expected)
    for element in received:
        original = sent[element.tag]
        if element.VR == "SQ":
            assert len(element.value) == len(original.value)
            for item, original_item in zip(element.value, original.value, strict=True):
                assert_says(item, original_item, whole)
        elif isinstance(element.value, bytes):
            assert element.value == value_of(sent, str(element.tag.json_key))
        else:
            assert said(element) == said(original), element.tag


def said(element):
    values = element.value if element.VM > 1 else [element.value]
    return [plain(value, element.VR) for value in values]


def plain(value, vr):
    if value in (None, ""):
        return None
    return float(value) if vr in NUMBERS else str(value)
