import pytest

from dicomhub.dicomweb.http.negotiation import Acceptable, NotAcceptable
from dicomhub.dicomweb.retrieve.representation import dicom_offers, offered_transfer_syntaxes
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"
MPEG_4 = "1.2.840.10008.1.2.4.102"

MULTIPART = 'multipart/related; type="application/dicom"'
SINGLE = "application/dicom"


def choice(stored, header="", parameter="", *, single_part=False, is_decodable=True):
    offers = dicom_offers(stored, single_part=single_part, is_decodable=is_decodable)
    offer = Acceptable.parse(parameter=parameter, header=header).choice(offers)
    return offer and (offer.media_type.split("/")[0], offer.transfer_syntax_uid)


@pytest.mark.parametrize("header", ["", "*/*", MULTIPART, "multipart/related", "multipart/*"])
@pytest.mark.parametrize("stored", [IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN])
def test_explicit_little_endian_is_the_default(header, stored):
    assert choice(stored, header) == ("multipart", EXPLICIT)


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (IMPLICIT, EXPLICIT),
        (BIG_ENDIAN, EXPLICIT),
        (EXPLICIT, EXPLICIT),
        (DEFLATED, DEFLATED),
        (JPEG_BASELINE, JPEG_BASELINE),
        (JPEG_2000_LOSSLESS, JPEG_2000_LOSSLESS),
        (RLE, RLE),
        ("1.3.6.1.4.1.55555.1", "1.3.6.1.4.1.55555.1"),
    ],
)
def test_any_transfer_syntax_gives_what_is_stored_where_it_may_travel(stored, sent):
    assert choice(stored, f"{MULTIPART}; transfer-syntax=*") == ("multipart", sent)


@pytest.mark.parametrize("stored", [JPEG_2000_LOSSLESS, JPEG_LOSSLESS, RLE])
@pytest.mark.parametrize("header", ["*/*", MULTIPART, f"{MULTIPART}; transfer-syntax={EXPLICIT}"])
def test_lossless_pixels_are_decoded_where_there_is_a_decoder(stored, header):
    assert choice(stored, header) == ("multipart", EXPLICIT)
    assert choice(stored, header, is_decodable=False) is None


@pytest.mark.parametrize("stored", [JPEG_BASELINE, MPEG_4])
def test_without_a_transfer_syntax_lossy_data_come_as_stored(stored):
    assert choice(stored, MULTIPART) == ("multipart", stored)
    explicit = f"{MULTIPART}; transfer-syntax={EXPLICIT}"
    assert choice(stored, explicit) == ("multipart", EXPLICIT)
    assert choice(stored, explicit, is_decodable=False) is None


def test_pixels_are_encoded_anew_without_loss_only():
    assert choice(RLE, f"{MULTIPART};transfer-syntax={RLE}") == ("multipart", RLE)
    assert choice(JPEG_LOSSLESS, f"{MULTIPART};transfer-syntax={RLE}") == ("multipart", RLE)
    assert choice(RLE, f"{MULTIPART};transfer-syntax={JPEG_2000_LOSSLESS}") == (
        "multipart",
        JPEG_2000_LOSSLESS,
    )
    assert choice(RLE, f"{MULTIPART};transfer-syntax={JPEG_LOSSLESS}") is None  # no encoder
    assert choice(RLE, f"{MULTIPART};transfer-syntax={JPEG_BASELINE}") is None
    assert choice(EXPLICIT, f"{MULTIPART};transfer-syntax={RLE}") is None
    assert choice(IMPLICIT, f"{MULTIPART};transfer-syntax={IMPLICIT}") is None
    assert choice(BIG_ENDIAN, f"{MULTIPART};transfer-syntax={BIG_ENDIAN}") is None


def test_first_of_several_alternatives_that_can_be_had():
    header = f"{MULTIPART};transfer-syntax={JPEG_LOSSLESS}, {MULTIPART};transfer-syntax={RLE}, {MULTIPART}"
    assert choice(RLE, header) == ("multipart", RLE)
    assert choice(IMPLICIT, header) == ("multipart", EXPLICIT)


def test_weights_decide_before_the_order():
    header = f"{MULTIPART};q=0.2, {MULTIPART};transfer-syntax=*;q=0.9"
    assert choice(DEFLATED, header) == ("multipart", DEFLATED)
    assert choice(DEFLATED, f"{MULTIPART}, {MULTIPART};transfer-syntax=*;q=0.9") == ("multipart", EXPLICIT)


def test_weight_of_the_most_specific_range_counts():
    assert choice(EXPLICIT, f"*/*;q=1, {MULTIPART};q=0", single_part=True) == ("application", EXPLICIT)
    assert choice(EXPLICIT, f"*/*;q=1, {MULTIPART};q=0") is None
    assert choice(EXPLICIT, "*/*;q=0") is None


def test_single_part_only_where_it_is_offered():
    assert choice(EXPLICIT, SINGLE) is None
    assert choice(EXPLICIT, SINGLE, single_part=True) == ("application", EXPLICIT)
    assert choice(EXPLICIT, f"{SINGLE};transfer-syntax=*", single_part=True) == ("application", EXPLICIT)
    assert choice(EXPLICIT, "application/*", single_part=True) == ("application", EXPLICIT)
    assert choice(EXPLICIT, "*/*", single_part=True) == ("multipart", EXPLICIT)


def test_type_of_the_parts_decides():
    assert choice(EXPLICIT, "multipart/related; type=application/octet-stream") is None
    assert choice(EXPLICIT, "multipart/related; type=application/*") == ("multipart", EXPLICIT)
    assert choice(EXPLICIT, 'multipart/related; type="*/*"') == ("multipart", EXPLICIT)


def test_accept_parameter_goes_before_the_header():
    assert choice(DEFLATED, "*/*", f"{MULTIPART};transfer-syntax=*") == ("multipart", DEFLATED)
    assert choice(DEFLATED, MULTIPART, "image/jpeg") == ("multipart", EXPLICIT)
    assert choice(DEFLATED, "text/html", "image/jpeg") is None


def test_refusal_names_what_can_be_had():
    with pytest.raises(NotAcceptable) as error:
        Acceptable.parse(parameter="", header="text/html").choose(
            dicom_offers(DEFLATED, single_part=False, is_decodable=True)
        )
    assert error.value.available == (
        f'multipart/related; type="application/dicom"; transfer-syntax={DEFLATED}',
        f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}',
        f"application/zip; transfer-syntax={DEFLATED}",
        f"application/zip; transfer-syntax={EXPLICIT}",
    )


@pytest.mark.parametrize("wildcard", ["*/*", "application/*", "application/*; transfer-syntax=*"])
def test_no_wildcard_stands_for_a_zip(wildcard):
    offers = [
        offer
        for offer in dicom_offers(DEFLATED, single_part=False, is_decodable=True)
        if offer.media_type == "application/zip"
    ]
    assert Acceptable.parse(parameter="", header=wildcard).choice(offers) is None
    assert Acceptable.parse(parameter="", header="application/zip").choice(offers) == offers[0]


@pytest.mark.parametrize("stored", sorted(TRANSFER_SYNTAXES))
def test_implicit_vr_and_big_endian_never_travel(stored):
    offered = offered_transfer_syntaxes(stored, is_decodable=True)
    assert offered
    for uid in offered:
        assert TRANSFER_SYNTAXES[uid].may_travel_on_the_web
