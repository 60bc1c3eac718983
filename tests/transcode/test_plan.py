"""What becomes of an instance, as a table."""

from dataclasses import replace

import pytest

from tasks.transcode.pixel_description import PixelDescription, SourceDescription
from tasks.transcode.plan import Action, plan
from tasks.transcode.settings import TranscodeSettings

NATIVE = "1.2.840.10008.1.2.1"
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = "1.2.840.10008.1.2.4.80"
NEAR_LOSSLESS = "1.2.840.10008.1.2.4.81"
J2K = "1.2.840.10008.1.2.4.90"
J2K_LOSSY = "1.2.840.10008.1.2.4.91"
J2K_PART_2 = "1.2.840.10008.1.2.4.92"
MPEG_2 = "1.2.840.10008.1.2.4.100"
DECODABLE = frozenset((NATIVE, RLE, JPEG_LS, J2K, J2K_LOSSY, J2K_PART_2))

CT = PixelDescription(
    rows=512, columns=512, samples_per_pixel=1, photometric_interpretation="MONOCHROME2",
    planar_configuration=0, bits_allocated=16, bits_stored=12, high_bit=11, pixel_representation=0,
    number_of_frames=1, is_lossy=False,
)  # fmt: skip
COLOUR = replace(
    CT, samples_per_pixel=3, photometric_interpretation="RGB", bits_allocated=8, bits_stored=8, high_bit=7
)
BIT = replace(CT, bits_allocated=1, bits_stored=1, high_bit=0)
DOSE = replace(CT, bits_allocated=32, bits_stored=32, high_bit=31)
PALETTE = replace(CT, photometric_interpretation="PALETTE COLOR", bits_allocated=8, bits_stored=8, high_bit=7)
SIGNED = replace(CT, pixel_representation=1)
WITH_OVERLAY = replace(CT, has_overlay_within=True)
HUGE = replace(CT, number_of_frames=8192)  # 4 GiB


def source(uid, pixels=CT):
    return SourceDescription(
        transfer_syntax_uid=uid, sop_class_uid="1.2", sop_instance_uid="1.3", manufacturer="", pixels=pixels
    )


def viewers(*uids, target=NATIVE, **lossy):
    syntaxes = frozenset((*uids, target))
    return TranscodeSettings(viewer_transfer_syntaxes=syntaxes, target_transfer_syntax_uid=target, **lossy)


NATIVE_ONLY = viewers()


@pytest.mark.parametrize(
    ("of", "settings", "action", "target"),
    [
        (source(J2K), TranscodeSettings(), Action.KEEP, ""),
        (source(J2K_PART_2), TranscodeSettings(), Action.RENDITION, NATIVE),
        (source(J2K, replace(CT, high_bit=15)), viewers(NATIVE, target=JPEG_LS), Action.RENDITION, NATIVE),
        (source(J2K, WITH_OVERLAY), viewers(NATIVE, target=JPEG_LS), Action.RENDITION, NATIVE),
        (source(J2K, WITH_OVERLAY), viewers(target=RLE), Action.RENDITION, RLE),
        (source(J2K), NATIVE_ONLY, Action.RENDITION, NATIVE),
        (source(NATIVE), NATIVE_ONLY, Action.KEEP, ""),
        (source(J2K, None), NATIVE_ONLY, Action.KEEP, ""),
        (source(MPEG_2), TranscodeSettings(), Action.CANNOT, ""),
        (source(MPEG_2, None), TranscodeSettings(), Action.KEEP, ""),
        (source(J2K, HUGE), NATIVE_ONLY, Action.CANNOT, ""),
        (source(J2K, replace(HUGE, number_of_frames=8191)), NATIVE_ONLY, Action.RENDITION, NATIVE),
        *((source(RLE, DOSE), viewers(NATIVE, target=to), Action.RENDITION, NATIVE) for to in (JPEG_LS, J2K)),
        *((source(J2K, BIT), viewers(NATIVE, target=to), Action.RENDITION, NATIVE) for to in (JPEG_LS, RLE)),
        (source(J2K, BIT), viewers(target=JPEG_LS), Action.CANNOT, ""),
        (source(J2K_PART_2, DOSE), viewers(target=RLE), Action.RENDITION, RLE),
        *(
            (source(J2K_PART_2, pixels), viewers(target=to), Action.RENDITION, to)
            for to in (JPEG_LS, RLE, J2K)
            for pixels in (CT, COLOUR, PALETTE)
        ),
        (source(J2K), viewers(target=NEAR_LOSSLESS, near=2), Action.RENDITION, NEAR_LOSSLESS),
        (source(J2K, PALETTE), viewers(NATIVE, target=J2K_LOSSY, ratio=10), Action.RENDITION, NATIVE),
        (source(J2K, SIGNED), viewers(NATIVE, target=NEAR_LOSSLESS, near=2), Action.RENDITION, NATIVE),
        (source(J2K, PALETTE), viewers(target=NEAR_LOSSLESS, near=2), Action.CANNOT, ""),
    ],
)
def test_the_plan(of, settings, action, target):
    planned = plan(of, settings, decodable=DECODABLE)
    assert (planned.action, planned.target) == (action, target)
    assert planned.reason


def test_a_loss_is_planned_for_a_lossy_target_alone():
    settings = viewers(NATIVE, target=NEAR_LOSSLESS, near=2)
    assert plan(source(J2K), settings, decodable=DECODABLE).near == 2
    native = plan(source(J2K, DOSE), settings, decodable=DECODABLE)
    assert (native.target, native.near, native.ratio) == (NATIVE, 0, 0)
