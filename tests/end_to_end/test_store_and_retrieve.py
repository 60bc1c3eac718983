"""What a modality stores is found and retrieved, bit for bit."""

import shutil
import subprocess
from collections import defaultdict
from io import BytesIO

import numpy as np
import pydicom
import pytest

from dicomhub.standard.part10 import Part10Malformed, file_header, read_file_meta
from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from tests.support.ct_series import write_ct_series
from tests.support.dicomweb import value
from tests.support.receiving import data_set_of
from tests.support.samples import sample_files
from tests.support.sending import send
from tests.support.waiting import wait_until

INSTANCES = 400


def data_set_in(part_10_file: bytes) -> bytes:
    return part_10_file[read_file_meta(part_10_file).data_set_offset :]


@pytest.mark.skipif(shutil.which("storescu") is None, reason="DCMTK's storescu is not installed")
def test_400_ct_from_storescu_are_found_described_and_retrieved(stack, web, tmp_path):
    paths = write_ct_series(tmp_path / "ct", instances=INSTANCES, patient_id="STORESCU")
    address = ("127.0.0.1", str(stack.addresses.scp_port))
    subprocess.run(["storescu", "+sd", *address, str(tmp_path / "ct")], check=True)

    wait_until(lambda: web.instances_found(PatientID="STORESCU") == INSTANCES, what="all instances are found")
    [study] = web.json("/studies", PatientID="STORESCU")
    study_uid = value(study, "0020000D")
    [series] = web.json(f"/studies/{study_uid}/series")
    series_uid = value(series, "0020000E")
    metadata = web.json(f"/studies/{study_uid}/series/{series_uid}/metadata")
    assert len(metadata) == INSTANCES

    sent = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID: path for path in paths}
    assert {value(model, "00080018") for model in metadata} == set(sent)
    retrieved = web.part_10_files(f"/studies/{study_uid}")
    assert len(retrieved) == INSTANCES
    for file in retrieved:
        uid = read_file_meta(file).media_storage_sop_instance_uid
        assert data_set_in(file) == data_set_of(sent[uid])


def sendable_samples(folder):
    """Copies of the samples that a modality could send, and the reason why the others cannot be.

    A modality announces the UIDs of the data set; in some samples the file's header has others.
    """
    sendable, reasons = [], {}
    for path in sample_files():
        try:
            meta = read_file_meta(path.read_bytes())
        except Part10Malformed as error:
            reasons[path.name] = str(error)
            continue
        data_set = pydicom.dcmread(path, stop_before_pixels=True)
        sop_class_uid = data_set.get("SOPClassUID") or meta.media_storage_sop_class_uid
        if sop_class_uid not in STORAGE_SOP_CLASSES:
            reasons[path.name] = f"{sop_class_uid or 'nothing'} is no storage SOP class"
            continue
        header = file_header(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=data_set.get("SOPInstanceUID") or meta.media_storage_sop_instance_uid,
            transfer_syntax_uid=meta.transfer_syntax_uid,
        )
        copy = folder / str(len(sendable)) / path.name
        copy.parent.mkdir()
        copy.write_bytes(header + data_set_of(path))
        sendable.append(copy)
    return sendable, reasons


def rounds_of(paths):
    """Sample sets hold one SOP Instance UID in several encodings: each goes into a round of its own."""
    rounds = defaultdict(list)
    seen = defaultdict(int)
    for path in paths:
        uid = read_file_meta(path.read_bytes()).media_storage_sop_instance_uid
        rounds[seen[uid]].append(path)
        seen[uid] += 1
    return list(rounds.values())


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of samples that are wrong on purpose
def test_every_sample_file_comes_out_as_it_went_in(stack, web, tmp_path):
    sendable, reasons = sendable_samples(tmp_path)
    assert reasons == NOT_SENDABLE
    refused = {}
    for paths in rounds_of(sendable):
        for sent in send(stack.addresses.scp_port, paths):
            if sent.is_success:
                check_comes_out(stack, web, sent.path)
            else:
                refused[sent.path.name] = f"{sent.status:04X}" if sent.status is not None else "lost"
    assert refused == REFUSED


def check_comes_out(stack, web, path):
    """In the store, and over WADO-RS: the bytes that were sent, or for what the web may not carry its elements."""
    data_set = pydicom.dcmread(path, stop_before_pixels=True)
    study, series, instance = (
        data_set.StudyInstanceUID,
        data_set.SeriesInstanceUID,
        data_set.SOPInstanceUID,
    )
    archived = stack.home / "store" / "default" / study / series / f"{instance}.dcm"
    assert data_set_of(archived) == data_set_of(path), path.name
    url = f"/studies/{study}/series/{series}/instances/{instance}"
    wait_until(lambda: web.json(f"{url}/metadata"), what=f"{path.name} is indexed")
    [retrieved] = web.part_10_files(url)
    syntax = TRANSFER_SYNTAXES[read_file_meta(path.read_bytes()).transfer_syntax_uid]
    if syntax.may_travel_on_the_web:
        assert data_set_in(retrieved) == data_set_of(path), path.name
    else:
        assert_same_elements(
            pydicom.dcmread(BytesIO(retrieved)),
            pydicom.dcmread(path),
            path.name,
            is_big_endian=not syntax.is_little_endian,
        )


WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def assert_same_elements(retrieved, sent, name, *, is_big_endian):
    """Element by element, group lengths left out: they are retired and of no use to anyone."""
    expected = {element.tag: element for element in sent if element.tag.element != 0}
    expected.pop(CUT_THROUGH.get(name), None)
    assert {element.tag for element in retrieved} == set(expected), name
    for element in retrieved:
        other = expected[element.tag]
        assert element.VR == other.VR, (name, element.tag)
        if element.VR == "SQ":
            assert len(element.value) == len(other.value), (name, element.tag)
            for item, other_item in zip(element.value, other.value, strict=True):
                assert_same_elements(item, other_item, name, is_big_endian=is_big_endian)
        elif is_big_endian and element.VR in WORD_BYTES:
            word_bytes = WORD_BYTES[element.VR]
            if element.keyword == "PixelData":  # cells of 32 bits are swapped whole, as their writers do
                word_bytes = max(word_bytes, sent.BitsAllocated // 8)
            assert element.value == swapped(other.value, word_bytes), (name, element.tag)
        else:
            assert repr(element.value) == repr(other.value), (name, element.tag)  # repr: NaN is NaN


def swapped(data, word_bytes):
    return np.frombuffer(data, f"u{word_bytes}").byteswap().tobytes()


# The sample breaks off in this element, which cannot be encoded anew.
CUT_THROUGH = {"rtplan_truncated.dcm": 0x300A00B0}

# Samples that are no Part 10 file, or nothing that is stored with C-STORE.
NO_PREFIX = "no DICM prefix at byte 128"
DIRECTORY = "1.2.840.10008.1.3.10 is no storage SOP class"
NOT_SENDABLE = {
    "DICOMDIR": DIRECTORY,
    "DICOMDIR-bigEnd": DIRECTORY,
    "DICOMDIR-empty.dcm": DIRECTORY,
    "DICOMDIR-implicit": DIRECTORY,
    "DICOMDIR-nooffset": DIRECTORY,
    "DICOMDIR-nopatient": DIRECTORY,
    "DICOMDIR-reordered": DIRECTORY,
    "ExplVR_BigEndNoMeta.dcm": NO_PREFIX,
    "ExplVR_LitEndNoMeta.dcm": NO_PREFIX,
    "OT-PAL-8-face.dcm": NO_PREFIX,
    "README": NO_PREFIX,
    "empty_charset_LEI.dcm": "nothing is no storage SOP class",
    "meta_missing_tsyntax.dcm": "File Meta Information names no transfer syntax",
    "nested_priv_SQ.dcm": "nothing is no storage SOP class",
    "no_meta.dcm": NO_PREFIX,
    "rtstruct.dcm": NO_PREFIX,
}

# Samples without what an archive of studies files by, and the status that their sender is told.
NO_SOP_CLASS_AND_INSTANCE = "C000"
NO_STUDY = "C001"
REFUSED = {
    "JPEGLSNearLossless_08.dcm": NO_STUDY,
    "JPEGLSNearLossless_16.dcm": NO_STUDY,
    "SC_rgb_jls_lossy_line.dcm": NO_STUDY,
    "SC_rgb_jls_lossy_sample.dcm": NO_STUDY,
    "UN_sequence.dcm": NO_SOP_CLASS_AND_INSTANCE,
    "bad_sequence.dcm": "0117",  # its SOP Instance UID is none
    "chrSQEncoding.dcm": NO_SOP_CLASS_AND_INSTANCE,
    "chrSQEncoding1.dcm": NO_SOP_CLASS_AND_INSTANCE,
    "no_meta_group_length.dcm": NO_SOP_CLASS_AND_INSTANCE,
    "priv_SQ.dcm": NO_SOP_CLASS_AND_INSTANCE,
}
