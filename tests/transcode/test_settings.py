"""What a tenant may ask for."""

import pytest

from dicomhub.environment import EnvironmentInvalid, read_environment
from tasks.transcode.settings import TranscodeSettings, TranscodeSettingsInvalid

NATIVE = "1.2.840.10008.1.2.1"
J2K = "1.2.840.10008.1.2.4.90"
J2K_LOSSY = "1.2.840.10008.1.2.4.91"
NEAR_LOSSLESS = "1.2.840.10008.1.2.4.81"


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"viewer_transfer_syntaxes": frozenset((NATIVE, "1.2.3"))}, {"viewer_transfer_syntaxes"}),
        ({"viewer_transfer_syntaxes": frozenset((J2K,))}, {"target_transfer_syntax_uid"}),
        ({"target_transfer_syntax_uid": "1.2.840.10008.1.2.4.70"}, {"target_transfer_syntax_uid"}),
        ({"target_transfer_syntax_uid": NEAR_LOSSLESS}, {"near"}),
        ({"target_transfer_syntax_uid": NEAR_LOSSLESS, "near": 256}, {"near"}),
        ({"target_transfer_syntax_uid": J2K_LOSSY}, {"ratio"}),
        ({"target_transfer_syntax_uid": J2K_LOSSY, "ratio": 1.0}, {"ratio"}),
        ({"near": 2, "ratio": 10.0}, {"near", "ratio"}),
        ({"target_transfer_syntax_uid": "1.2.3", "near": 1}, {"target_transfer_syntax_uid", "near"}),
    ],
)
def test_everything_that_is_wrong_is_said_at_once(values, wrong):
    with pytest.raises(TranscodeSettingsInvalid) as invalid:
        TranscodeSettings(**values)
    assert invalid.value.problems.keys() == wrong


def test_nothing_is_lossy_unless_a_tenant_says_so():
    settings = TranscodeSettings()
    assert (settings.target_transfer_syntax_uid, settings.near, settings.ratio) == (NATIVE, 0, 0)


def test_the_key_tells_settings_apart_and_is_the_same_in_every_process():
    near = TranscodeSettings(target_transfer_syntax_uid=NEAR_LOSSLESS, near=2)
    nearer = TranscodeSettings(target_transfer_syntax_uid=NEAR_LOSSLESS, near=1)
    assert len({TranscodeSettings().key, near.key, nearer.key}) == 3
    assert TranscodeSettings().key == "23117b60ee02be8f"


def test_a_codec_may_not_take_longer_than_a_task():
    with pytest.raises(EnvironmentInvalid, match="must be at most 2700"):
        read_environment({"CODEC_SECONDS": "1000", "CODEC_SECONDS_PER_MIB": "1"})
