import pytest
from pydicom.uid import AllTransferSyntaxes

from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES, TransferSyntaxUnknown, transfer_syntax


@pytest.mark.parametrize(
    ("uid", "traits"),
    [
        ("1.2.840.10008.1.2", "implicit little"),
        ("1.2.840.10008.1.2.1", "little web"),
        ("1.2.840.10008.1.2.1.98", "little encapsulated web"),
        ("1.2.840.10008.1.2.1.99", "little deflated web"),
        ("1.2.840.10008.1.2.2", ""),
        ("1.2.840.10008.1.2.4.50", "little encapsulated web"),
        ("1.2.840.10008.1.2.4.95", "little deflated web"),
        ("1.2.840.10008.1.2.4.201", "little encapsulated web"),
        ("1.2.840.10008.1.2.5", "little encapsulated web"),
        ("1.2.840.113619.5.2", "implicit little"),
    ],
)
def test_what_a_reader_must_know_of_a_syntax(uid, traits):
    syntax = transfer_syntax(uid)
    named = {
        "implicit": syntax.is_implicit_vr,
        "little": syntax.is_little_endian,
        "encapsulated": syntax.is_encapsulated,
        "deflated": syntax.is_deflated,
        "web": syntax.may_travel_on_the_web,
    }
    assert [name for name, holds in named.items() if holds] == sorted(traits.split(), key=list(named).index)
    assert syntax.uid == uid
    assert syntax.name


def test_every_syntax_of_pydicom_is_known_but_for_those_of_real_time_video():
    unknown = {uid.name for uid in AllTransferSyntaxes if str(uid) not in TRANSFER_SYNTAXES}
    assert {name[:13] for name in unknown} == {"SMPTE ST 2110"}


@pytest.mark.parametrize(
    "uid", ["", "1.2.3", "1.2.840.10008.1.1", "1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.7.1"]
)
def test_no_other_uid_is_a_syntax_that_could_be_stored(uid):
    with pytest.raises(TransferSyntaxUnknown) as refusal:
        transfer_syntax(uid)
    assert refusal.value.uid == uid
