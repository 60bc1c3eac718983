"""Every sample file, in every transfer syntax, through the archive and out again."""

from io import BytesIO

import numpy as np
import pydicom
import pytest

from dicomhub.standard.part10 import read_file_meta
from dicomhub.standard.transfer_syntax import transfer_syntax
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of
from tests.standard.reading import instance_files


@pytest.mark.filterwarnings("ignore")  # pydicom's, about values that are not as PS3.5 wants them
@pytest.mark.parametrize("path", instance_files(), ids=lambda path: path.name)
def test_retrieve_gives_what_was_sent(filling, get, path):
    (archived,) = filling.archive(path)
    sent = filling.store.absolute(archived.path).read_bytes()
    response = get(path_of(archived), accept="application/dicom; transfer-syntax=*")
    assert response.status_code == 200
    received = body_of(response)
    if transfer_syntax(archived.transfer_syntax_uid).may_travel_on_the_web:
        assert received == sent
    else:
        assert read_file_meta(received).transfer_syntax_uid == "1.2.840.10008.1.2.1"
        assert_same_elements(pydicom.dcmread(BytesIO(sent)), pydicom.dcmread(BytesIO(received)))


def assert_same_elements(sent, received):
    assert [element.tag for element in sent if element.tag.element] == [element.tag for element in received]
    for element in received:
        before = sent[element.tag]
        if element.VR == "SQ":
            assert len(before.value) == len(element.value)
            for one, other in zip(before.value, element.value, strict=True):
                assert_same_elements(one, other)
        elif isinstance(element.value, bytes):
            assert same_bytes(before, element, sent)
        elif before.value != element.value:
            assert np.array_equal(before.value, element.value, equal_nan=True)


def same_bytes(before, after, sent):
    """Bytes are bytes, but words (OW) of a big endian data set have their bytes swapped."""
    if sent.is_little_endian or before.VR != "OW":
        return before.value == after.value
    return np.array_equal(np.frombuffer(before.value, ">u2"), np.frombuffer(after.value, "<u2"))
