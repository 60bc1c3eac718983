"""The model of every sample file is pydicom's, but for the differences of docs/dicom-json.md.

Each difference that shows in the sample files is one function here, which makes pydicom's answer ours. The
others, which no sample file shows, are in test_dicom_json_differences.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pydicom
import pytest

from dicomhub.standard.byte_order import swap_unit_bytes, swapped
from dicomhub.standard.dicom_json import data_set_to_model, encode_model
from dicomhub.standard.element import DataSetTruncated
from dicomhub.standard.transfer_syntax import TransferSyntax
from tests.standard.reading import data_set_of, part10_files, quietly

Model = dict[str, Any]
URI = "http://archive/bulk"
# pydicom takes its threshold for that of the base64 text: three quarters of it are ours.
PYDICOM_THRESHOLD, OUR_THRESHOLD = 1024, 768
PIXELS = {"7FE00008", "7FE00009", "7FE00010"}

# pydicom makes do with what there is, or cannot read these at all.
TRUNCATED = {
    "DICOMDIR-nooffset",
    "MR_truncated.dcm",
    "emri_small_jpeg_2k_lossless_too_short.dcm",
    "rtplan_truncated.dcm",
}
PYDICOM_RAISES = {"badVR.dcm": "a value of IS that is no number"}


def group_lengths_left_out(model: Model, _prefix: str, _syntax: TransferSyntax) -> None:
    for tag in [tag for tag in model if tag.endswith("0000")]:
        del model[tag]


def empty_values_among_several_are_null(model: Model, _prefix: str, _syntax: TransferSyntax) -> None:
    for attribute in model.values():
        if "" in (values := attribute.get("Value", [])):
            attribute["Value"] = [None if value == "" else value for value in values]


def empty_sequences_have_no_value(model: Model, _prefix: str, _syntax: TransferSyntax) -> None:
    for attribute in model.values():
        if attribute.get("Value") == []:
            del attribute["Value"]


def pixels_are_always_bulk_data(model: Model, _prefix: str, _syntax: TransferSyntax) -> None:
    for tag in PIXELS & model.keys():
        if model[tag].pop("InlineBinary", None) is not None:
            model[tag]["BulkDataURI"] = URI


def bulk_data_uris_name_a_path(model: Model, prefix: str, _syntax: TransferSyntax) -> None:
    for tag, attribute in model.items():
        if "BulkDataURI" in attribute:
            attribute["BulkDataURI"] = f"{URI}/{prefix}{tag}"


def inline_binary_is_little_endian(model: Model, _prefix: str, syntax: TransferSyntax) -> None:
    for tag, attribute in model.items():
        if not syntax.is_little_endian and "InlineBinary" in attribute:
            unit_bytes = swap_unit_bytes(int(tag, 16), attribute["vr"], 0)
            value = swapped(b64decode(attribute["InlineBinary"]), unit_bytes)
            attribute["InlineBinary"] = b64encode(value).decode()


DIFFERENCES: tuple[Callable[[Model, str, TransferSyntax], None], ...] = (
    group_lengths_left_out,
    empty_values_among_several_are_null,
    empty_sequences_have_no_value,
    pixels_are_always_bulk_data,
    bulk_data_uris_name_a_path,
    inline_binary_is_little_endian,
)


def make_ours(model: Model, syntax: TransferSyntax, prefix: str = "") -> None:
    for difference in DIFFERENCES:
        difference(model, prefix, syntax)
    for tag, attribute in model.items():
        if attribute["vr"] == "SQ":
            for number, item in enumerate(attribute.get("Value", [])):
                make_ours(item, syntax, f"{prefix}{tag}/{number}/")


def pydicoms_model(path) -> Model:
    with quietly():
        data_set = pydicom.dcmread(path)
        return data_set.to_json_dict(PYDICOM_THRESHOLD, lambda _: URI)


def our_model(path) -> Model:
    data_set, syntax = data_set_of(path)
    return data_set_to_model(data_set, syntax, bulk_data_uri=URI, bulk_data_threshold_bytes=OUR_THRESHOLD)


def same(ours: Any, theirs: Any) -> bool:
    """Equal, with numbers only equal to numbers, and names in the same order."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs and isinstance(ours, str) == isinstance(theirs, str)


READABLE = [path for path in part10_files() if path.name not in TRUNCATED | PYDICOM_RAISES.keys()]


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.name)
def test_the_model_of_a_sample_file_is_pydicoms_but_for_the_differences(path):
    theirs = pydicoms_model(path)
    make_ours(theirs, data_set_of(path)[1])
    ours = our_model(path)
    for tag in sorted(ours.keys() | theirs.keys()):
        assert same(ours.get(tag), theirs.get(tag)), (tag, ours.get(tag), theirs.get(tag))
    assert same(ours, theirs)
    assert encode_model(ours).startswith(b"{")


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.__name__)
def test_each_difference_shows_in_a_sample_file(difference, monkeypatch):
    others = tuple(one for one in DIFFERENCES if one is not difference)
    monkeypatch.setattr("tests.standard.test_dicom_json_samples.DIFFERENCES", others)

    def differs(path) -> bool:
        theirs = pydicoms_model(path)
        make_ours(theirs, data_set_of(path)[1])
        return not same(our_model(path), theirs)

    assert any(differs(path) for path in READABLE)


@pytest.mark.parametrize(
    "path", [path for path in part10_files() if path.name in TRUNCATED], ids=lambda path: path.name
)
def test_a_file_that_breaks_off_has_no_model(path):
    with pytest.raises(DataSetTruncated):
        our_model(path)


@pytest.mark.parametrize(
    "path", [path for path in part10_files() if path.name in PYDICOM_RAISES], ids=lambda path: path.name
)
def test_what_pydicom_cannot_make_a_model_of_has_one(path):
    with pytest.raises(ValueError):
        pydicoms_model(path)
    assert our_model(path)
