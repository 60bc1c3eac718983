import pytest

from dicomhub.standard.uid import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    UID_MAX_LENGTH,
    UidInvalid,
    checked_uid,
    is_uid,
    new_uid,
)


@pytest.mark.parametrize("value", ["1.2.840.10008.1.1", "0", "1" * 64, "1.02.3", "1..2", ".1", "1."])
def test_what_real_archives_hold_is_taken_for_a_uid(value):
    assert checked_uid("StudyInstanceUID", value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "...",
        "1/2",
        "../1",
        "1.2\0",
        "1.2 ",
        "1.2\n",
        "a",
        "1" * 65,
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1\\2",
        "-1",
        "1.2\uff0e3",
    ],
)
def test_what_could_be_a_path_is_no_uid(value):
    assert not is_uid(value)
    with pytest.raises(UidInvalid) as refusal:
        checked_uid("StudyInstanceUID", value)
    assert (refusal.value.name, refusal.value.value) == ("StudyInstanceUID", value)


def test_new_uids_are_valid_and_differ():
    first, second = new_uid(), new_uid()
    assert first != second
    assert is_uid(first)
    assert len(first) <= UID_MAX_LENGTH


def test_the_implementation_has_a_name_that_fits():
    assert is_uid(IMPLEMENTATION_CLASS_UID)
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16
