import pydicom
import pytest
from pydicom.charset import python_encoding

from dicomhub.standard.character_set import character_set
from tests.standard.reading import quietly
from tests.support.samples import sample_files

# In chrSQEncoding the names are in items, which the models of the sample files cover.
CHARACTER_SET_FILES = [
    path
    for path in sample_files()
    if path.parent.name == "charset_files" and not path.name.startswith("chrSQ")
]


def test_the_sample_files_of_character_sets_are_there():
    assert len(CHARACTER_SET_FILES) > 12


@pytest.mark.parametrize("path", CHARACTER_SET_FILES, ids=lambda path: path.name)
def test_names_decode_as_pydicom_decodes_them(path):
    with quietly():
        data_set = pydicom.dcmread(path)
        raw = data_set.get_item("PatientName").value
        named = data_set.get("SpecificCharacterSet", "")
        names = [named] if isinstance(named, str) else named
        expected = str(data_set.PatientName)
    text = character_set("\\".join(names).encode())
    assert text.decode_person_name(raw).rstrip(" =") == expected


@pytest.mark.parametrize("name", sorted(filter(None, python_encoding)))
def test_ascii_is_ascii_in_every_character_set(name):
    assert character_set(name.encode()).decode(b"PATIENT 1-7\\X ") == "PATIENT 1-7\\X "


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        (b"ISO-IR 144", b"ISO_IR 144"),
        (b"ISO IR 144", b"ISO_IR 144"),
        (b"ISO_2022_IR_144", b"ISO 2022 IR 144"),
        (b"ISO 2022-IR 144", b"ISO 2022 IR 144"),
        (b"utf8", b"ISO_IR 192"),
        (b"iso8859-1", b"ISO_IR 100"),
    ],
)
def test_misspelt_names_are_understood(misspelt, meant):
    raw = "é".encode() if meant.endswith(b"192") else b"\xe9"
    assert character_set(misspelt).decode(raw) == character_set(meant).decode(raw)


@pytest.mark.parametrize(
    "name", [b"ISO_IR 999", b"ISO 2022 IR 999", b"nonsense", b"\xff\xfe", b"zlib_codec", b"idna"]
)
def test_unknown_names_mean_the_default_repertoire(name):
    assert character_set(name) == character_set(b"")


def test_sets_that_stand_alone_allow_no_others():
    assert character_set(b"ISO_IR 192\\ISO 2022 IR 87").codecs == character_set(b"ISO_IR 192").codecs
    assert character_set(b"ISO 2022 IR 6\\ISO_IR 192").codecs == character_set(b"ISO 2022 IR 6").codecs


def test_an_escape_to_a_set_that_is_not_named_is_not_followed():
    assert character_set(b"ISO 2022 IR 100").decode(b"\xe4\x1b-L\xb6") == "ä\x1b-L¶"


@pytest.mark.parametrize("delimiter", ["\n", "\r", "\t", "\f"])
def test_a_new_line_ends_an_extension(delimiter):
    text = character_set(b"ISO 2022 IR 100\\ISO 2022 IR 144")
    assert text.decode(b"\x1b-L\xb6" + delimiter.encode() + b"\xe4") == f"Ж{delimiter}ä"


def test_two_byte_characters_may_look_like_delimiters():
    # 0x3D is "=", 0x5E is "^", 0x5C is the backslash.
    raw = "山".encode("iso2022_jp") + "会".encode("iso2022_jp") + "表".encode("iso2022_jp")
    assert b"=" in raw or b"^" in raw or b"\\" in raw
    assert character_set(b"\\ISO 2022 IR 87").decode_person_name(raw) == "山会表"
