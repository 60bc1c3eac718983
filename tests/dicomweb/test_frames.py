"""Frames: which ones, in which form, and what is refused."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames

from dicomhub.storage.renditions import place_rendition
from tasks.transcode.freshness import stamp_of
from tasks.transcode.orders import Rendered, RenderOrder
from tasks.transcode.pool import shared_pool
from tasks.transcode.work import perform
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of, parts_of
from tests.support.samples import sample
from tests.transcode.building import write_instance
from tests.transcode.rendering import JPEG_2000 as JPEG_2000_LOSSLESS
from tests.transcode.rendering import JPEG_LS, RLE

EXPLICIT = "1.2.840.10008.1.2.1"
MPEG_4 = "1.2.840.10008.1.2.4.102"
CT = sample("CT_small.dcm")
JPEG_2000 = sample("MR_small_jp2klossless.dcm")
CINE = sample("emri_small_jpeg_2k_lossless.dcm")  # 10 frames
JPEG_BASELINE = sample("SC_rgb_jpeg_dcmtk.dcm")
REPORT = sample("test-SR.dcm")
OCTETS = 'multipart/related; type="application/octet-stream"'


@pytest.fixture
def no_decoders(filling, settings):
    """No codec process can be started: whatever is answered has not asked for one."""
    environment = settings.ENVIRONMENT
    codec = replace(environment.codec, modules=("tests.no_such_module",))
    settings.ENVIRONMENT = replace(environment, codec=codec)


def stored_frames(path):
    sent = pydicom.dcmread(path)
    return list(generate_frames(sent.PixelData, number_of_frames=int(sent.get("NumberOfFrames", 1))))


def syntax_of(response):
    (headers, _), *_ = parts_of(response)
    return headers.get_content_type(), headers["Content-Type"].params["transfer-syntax"]


def test_a_list_keeps_its_order(filling, get, no_decoders):
    (instance,) = filling.archive(CINE)
    stored = stored_frames(CINE)
    parts = parts_of(
        get(f"{path_of(instance)}/frames/7,2,10", accept="image/*, multipart/related; type=image/jp2")
    )
    assert [content for _, content in parts] == [stored[6], stored[1], stored[9]]
    assert [headers["Content-Location"].rpartition("/")[2] for headers, _ in parts] == ["7", "2", "10"]


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        *((text, 400) for text in ("0", "-1", "1,1", "01,1", "1,,2", ",", "1,", "a", "1.5", "1-3", "1 2", "٣", "%00")),
        *((text, 404) for text in ("11", "1,11", "9999999999")),
        ("99999999999", 400),
        ("1,2/3", 404),
        ("", 404),
    ],
)  # fmt: skip
def test_frames_that_are_not_there(filling, get, frames, status):
    (instance,) = filling.archive(CINE)
    response = get(f"{path_of(instance)}/frames/{frames}")
    assert response.status_code == status
    assert json_of(response)["error"]


def test_an_instance_without_pixels_has_no_frames(filling, get):
    (instance,) = filling.archive(REPORT)
    assert get(f"{path_of(instance)}/frames/1").status_code == 404
    assert get(f"{path_of(instance)}9/frames/1").status_code == 404


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        (CT, "", ("application/octet-stream", EXPLICIT)),
        (CT, "multipart/related; type=application/octet-stream; transfer-syntax=*", (..., EXPLICIT)),
        (CT, 'multipart/related; type="image/jls"', ("image/jls", "1.2.840.10008.1.2.4.80")),
        (CT, 'multipart/related; type="image/jp2"', ("image/jp2", "1.2.840.10008.1.2.4.90")),
        (CT, 'multipart/related; type="image/dicom-rle"', ("image/dicom-rle", "1.2.840.10008.1.2.5")),
        (CT, 'multipart/related; type="image/jpeg"', None),
        (CT, 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2', None),
        (CINE, "*/*", ("application/octet-stream", EXPLICIT)),
        (CINE, 'multipart/related; type="image/jp2"', ("image/jp2", "1.2.840.10008.1.2.4.90")),
        (CINE, 'multipart/related; type="*/*"; transfer-syntax=*', ("image/jp2", "1.2.840.10008.1.2.4.90")),
        (CINE, f"{OCTETS}; transfer-syntax=*", ("application/octet-stream", "1.2.840.10008.1.2.4.90")),
        (CINE, f"{OCTETS};q=0.5, multipart/related; type=image/jls;q=0.4", (..., EXPLICIT)),
        (
            CINE,
            'multipart/related; type="image/jpeg", multipart/related; type="image/jls"',
            ("image/jls", ...),
        ),
        (CINE, 'multipart/related; type="image/jphc"', None),
        (JPEG_BASELINE, "*/*", ("image/jpeg", "1.2.840.10008.1.2.4.50")),
        (JPEG_BASELINE, 'multipart/related; type="image/jpeg"', ("image/jpeg", "1.2.840.10008.1.2.4.50")),
        (JPEG_BASELINE, OCTETS, ("application/octet-stream", EXPLICIT)),
        (JPEG_BASELINE, 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70', None),
    ],
)
def test_the_form_that_is_asked_for(filling, get, path, accept, expected):
    (instance,) = filling.archive(path)
    response = get(f"{path_of(instance)}/frames/1", accept=accept)
    if expected is None:
        assert response.status_code == 406
        assert json_of(response)["available"]
        return
    media_type, uid = syntax_of(response)
    assert expected[0] in (..., media_type)
    assert expected[1] in (..., uid)
    assert f'type="{media_type}"' in response["Content-Type"]


def test_one_frame_needs_no_multipart(filling, get):
    (instance,) = filling.archive(CINE)
    root = f"{path_of(instance)}/frames"
    response = get(f"{root}/3", accept="image/jp2")
    assert response["Content-Type"] == "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"
    assert body_of(response) == stored_frames(CINE)[2]
    assert get(f"{root}/3,4", accept="image/jp2").status_code == 406
    native = get(f"{root}/3", accept="application/octet-stream")
    assert body_of(native) == pydicom.dcmread(CINE).pixel_array[2].tobytes()


def test_what_is_stored_so_asks_no_codec(filling, get, no_decoders):
    native, compressed = filling.archive(CT, CINE)
    assert body_of(get(f"{path_of(native)}/frames/1", accept="application/octet-stream"))
    assert parts_of(get(f"{path_of(compressed)}/frames/1", accept=f"{OCTETS}; transfer-syntax=*"))
    response = get(f"{path_of(compressed)}/frames/1", accept=OCTETS)
    assert response.status_code == 503
    assert response["Retry-After"]


@pytest.mark.parametrize(
    ("media_type", "uid"),
    [("image/jls", JPEG_LS), ("image/jp2", JPEG_2000_LOSSLESS), ("image/dicom-rle", RLE)],
)
def test_what_lies_above_the_stored_bits_is_no_part_of_a_value(filling, get, media_type, uid):
    """Signed samples of 12 bits, whose sign is not extended in some."""
    path = sample("mlut_18.dcm")
    (instance,) = filling.archive(path)
    response = get(f"{path_of(instance)}/frames/1", accept=f"{media_type}; transfer-syntax={uid}")
    received = pydicom.dcmread(path)
    expected = received.pixel_array
    received.file_meta.TransferSyntaxUID = uid
    received.PixelData = pydicom.encaps.encapsulate([body_of(response)])
    received["PixelData"].is_undefined_length = True
    assert np.array_equal(received.pixel_array, expected)


def test_head_decodes_nothing(filling, get, monkeypatch):
    (instance,) = filling.archive(CINE)
    path = f"{path_of(instance)}/frames/1,2"
    pool = shared_pool(filling.environment.codec)
    head = get(path, accept=OCTETS, method="head")
    assert head.status_code == 200
    assert head["ETag"]
    monkeypatch.setattr(type(pool), "run", None)
    again = get(path, accept=OCTETS, method="head")
    assert again["ETag"] == head["ETag"]
    assert get(path, accept=OCTETS, if_none_match=head["ETag"]).status_code == 304
    whole = get(f"{path_of(instance)}/frames/3", accept="image/jp2", method="head")
    assert int(whole["Content-Length"]) == len(stored_frames(CINE)[2])


def test_a_fresh_rendition_is_used_and_no_other(filling, get):
    """It is known by its last frame, which has been painted over."""
    instance, replaced = filling.archive(CINE, JPEG_2000)
    for one in (instance, replaced):
        with_rendition(filling.store, one)
    archived = filling.store.absolute(replaced.path)
    archived.write_bytes(archived.read_bytes() + b"\0\0")
    accept = "application/octet-stream"
    first, last = pydicom.dcmread(CINE).pixel_array[[0, -1]]
    assert body_of(get(f"{path_of(instance)}/frames/1", accept=accept)) == first.tobytes()
    assert body_of(get(f"{path_of(instance)}/frames/10", accept=accept)) == bytes(len(last.tobytes()))
    expected = pydicom.dcmread(JPEG_2000).pixel_array.tobytes()
    assert body_of(get(f"{path_of(replaced)}/frames/1", accept=accept)) == expected


def test_what_a_rendition_has_asks_no_codec(filling, get, no_decoders):
    (instance,) = filling.archive(CINE)
    path = path_of(instance)
    assert get(f"{path}/frames/1", accept=OCTETS).status_code == 503
    assert get(path, accept="application/dicom; transfer-syntax=1.2.840.10008.1.2.1").status_code == 503
    with_rendition(filling.store, instance)
    expected = pydicom.dcmread(CINE).pixel_array[0].tobytes()
    ((_, content),) = parts_of(get(f"{path}/frames/1", accept=OCTETS))
    assert content == expected
    for one in (f"{path}/bulkdata/7FE00010", f"{path}/pixeldata"):
        ((_, content),) = parts_of(get(one, accept=OCTETS))
        assert content.startswith(expected)
    assert body_of(get(path, accept=f"application/dicom; transfer-syntax={EXPLICIT}"))


def with_rendition(store, instance):
    incoming = store.create_incoming()
    archived = store.absolute(instance.path)
    order = RenderOrder(
        source_path=str(archived),
        output_path=str(incoming.path),
        target_transfer_syntax_uid=EXPLICIT,
        decoder="openjpeg",
        stamp=stamp_of(archived),
    )
    assert isinstance(perform(order), Rendered)
    frame_bytes = 64 * 64 * 2
    content = incoming.path.read_bytes()
    incoming.path.write_bytes(content[:-frame_bytes] + bytes(frame_bytes))
    assert place_rendition(
        store,
        incoming,
        archived_path=instance.path,
        transfer_syntax_uid=EXPLICIT,
        is_current=lambda: True,
    )


def test_frames_of_one_bit_begin_at_a_byte(filling, get, tmp_path):
    bits = np.random.default_rng(1).integers(0, 2, (3, 3, 5), "u1")
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    path = write_instance(tmp_path / "bits.dcm", packed, shape=(3, 5, 1), frames=3, bits=(1, 1, 0))
    (instance,) = filling.archive(path)
    parts = parts_of(get(f"{path_of(instance)}/frames/3,2,1", accept=OCTETS))
    frames = [np.unpackbits(np.frombuffer(part, "u1"), bitorder="little")[:15] for _, part in parts]
    assert np.array_equal(frames, bits[::-1].reshape(3, 15))


def test_colours_are_those_of_the_metadata(filling, get):
    """Of YBR_FULL_422, two bytes a pixel; YBR_FULL comes out of the JPEG decoder as RGB, and goes back."""
    half, full = filling.archive(sample("SC_rgb_dcmtk_+eb+cy+np.dcm"), JPEG_BASELINE)
    accept = "application/octet-stream"
    assert len(body_of(get(f"{path_of(half)}/frames/1", accept=accept))) == 100 * 100 * 2
    frame = np.frombuffer(body_of(get(f"{path_of(full)}/frames/1", accept=accept)), "u1").reshape(100, 100, 3)
    expected = pydicom.pixels.pixel_array(JPEG_BASELINE, raw=True)
    assert np.abs(frame.astype(int) - expected).max() <= 3


def test_a_video_is_one_frame_as_stored(filling, get, tmp_path):
    stream = bytes(range(256)) * 300
    path = write_instance(
        tmp_path / "video.dcm", [stream], syntax=MPEG_4, shape=(64, 64, 3), photometric="YBR_PARTIAL_420",
        frames=25, bits=(8, 8, 7),
    )  # fmt: skip
    (instance,) = filling.archive(path)
    root = path_of(instance)
    video = get(f"{root}/frames/1", accept="video/mp4")
    assert video["Content-Type"] == f"video/mp4; transfer-syntax={MPEG_4}"
    assert body_of(video) == stream
    assert get(f"{root}/frames/2").status_code == 404
    assert get(f"{root}/frames/1", accept=f"{OCTETS}; transfer-syntax={EXPLICIT}").status_code == 406
    part = get(f"{root}/bulkdata/7FE00010", {"accept": "video/mp4"}, range="bytes=100-199")
    assert part.status_code == 206
    assert part["Content-Range"] == f"bytes 100-199/{len(stream)}"
    assert b"".join(part.streaming_content) == stream[100:200]


def test_one_decoder_after_the_other_is_tried_and_none_left_is_406(filling, get, edited):
    broken = edited(JPEG_2000)
    data_set = pydicom.dcmread(broken)
    frame = bytearray(stored_frames(JPEG_2000)[0])
    frame[200:] = bytes(len(frame) - 200)
    data_set.PixelData = pydicom.encaps.encapsulate([bytes(frame)])
    data_set.save_as(broken)
    (instance,) = filling.archive(broken)
    response = get(f"{path_of(instance)}/frames/1", accept=OCTETS)
    assert response.status_code == 406
    offers = json_of(response)["available"]
    assert offers
    assert all("1.2.840.10008.1.2.4.90" in offer for offer in offers)
    assert body_of(get(f"{path_of(instance)}/frames/1", accept="image/jp2"))


def test_pixels_that_hold_no_frames_are_406(filling, get, tmp_path):
    path = write_instance(tmp_path / "short.dcm", bytes(100), shape=(64, 64, 1), frames=7)
    (instance,) = filling.archive(path)
    assert get(f"{path_of(instance)}/frames/1").status_code == 406


def test_large_answers_take_a_place_and_small_ones_do_not(filling, get, settings, tmp_path):
    environment = settings.ENVIRONMENT
    settings.ENVIRONMENT = replace(environment, web=replace(environment.web, retrieves_per_client=1))
    cine = write_instance(tmp_path / "cine", bytes(3 * 2048**2 * 2), shape=(2048, 2048, 1), frames=3)
    (instance,) = filling.archive(cine)
    path = path_of(instance)
    held = get(f"{path}/frames/1,2", accept=OCTETS)
    assert held.status_code == 200
    assert get(f"{path}/frames/2,3", accept=OCTETS).status_code == 429
    assert get(f"{path}/bulkdata/7FE00010", accept="application/octet-stream").status_code == 429
    assert get(f"{path}/frames/3", accept=OCTETS).status_code == 200
