"""`manage.py transcode`, for an archive whose settings have changed."""

import pydicom
import pytest
from django.core.management import CommandError, call_command

from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tests.support.compressed_series import write_compressed_series
from tests.support.samples import sample

NATIVE = "1.2.840.10008.1.2.1"
JPEG_2000 = "1.2.840.10008.1.2.4.91"


@pytest.fixture
def archive(db, environment, settings, monkeypatch, tmp_path):
    """Three JPEG-LS instances, one of them broken, and a native one, archived when viewers decoded JPEG-LS."""
    from tests.dicomweb.filling import Filling  # needs Django, which is set up after this file is read

    settings.ENVIRONMENT = environment
    monkeypatch.setenv("COLUMNS", "250")
    paths = write_compressed_series(tmp_path / "in", instances=3)
    data_set = pydicom.dcmread(paths[0])
    data_set.PixelData = data_set.PixelData[:40] + bytes(len(data_set.PixelData) - 40)
    data_set.save_as(paths[0])
    filling = Filling(environment)
    instances = filling.add(*paths, sample("CT_small.dcm"))
    TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=[NATIVE])
    return instances


@pytest.fixture
def transcode(capsys):
    """Run it; its exit code and what it has printed, the lines of tables as words."""

    def run(*arguments):
        code = 0
        try:
            call_command("transcode", *arguments)
        except SystemExit as ended:
            code = ended.code
        return code, [
            " ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()
        ]

    return run


NAME = "JPEG-LS Lossless Image Compression"


def test_an_archive_is_brought_up_to_its_settings(transcode, archive, environment):
    code, lines = transcode("--dry-run")
    assert code == 0
    assert f"{NAME} due Explicit VR Little Endian viewers do not decode it 3" in lines
    assert not (environment.store_root / "renditions").exists()
    assert not TranscodeAttempt.objects.exists()

    code, lines = transcode()
    assert code == 1
    assert f"{NAME} rendered Explicit VR Little Endian rendered 2" in lines
    assert any(line.startswith(f"{archive[0].path}: ") for line in lines), "the one that was given up"
    assert len(list((environment.store_root / "renditions").rglob("*.dcm"))) == 2
    tries = UnrenderedInstance.objects.get().attempts

    code, lines = transcode("--series", archive[0].series_instance_uid)
    assert code == 0
    assert f"{NAME} fresh Explicit VR Little Endian viewers do not decode it 2" in lines
    assert TranscodeAttempt.objects.count() == tries + 2

    code, lines = transcode("--retry-failed")
    assert code == 1
    assert UnrenderedInstance.objects.get().attempts == 2 * tries

    TranscodePolicy.objects.all().delete()
    code, lines = transcode()
    assert code == 0
    assert not UnrenderedInstance.objects.exists(), "viewers decode it now"
    assert transcode()[1] == ["Viewers decode all of it: nothing to transcode."]


def test_an_instance_has_the_one_rendition_that_its_settings_ask_for_now(transcode, archive, environment):
    made = []
    for target in (
        {"target_transfer_syntax_uid": NATIVE},
        {"target_transfer_syntax_uid": JPEG_2000, "ratio": 2.0},
        {"target_transfer_syntax_uid": JPEG_2000, "ratio": 3.0},
    ):
        TranscodePolicy.objects.update(viewer_transfer_syntaxes=[NATIVE, JPEG_2000], **target)
        transcode()
        first = renditions(environment)
        transcode()
        assert renditions(environment) == first, "they are not made again"
        made.append(first)
    native, half, third = made
    assert len(native) == len(half) == len(third) == 2
    assert not native.keys() & half.keys()
    assert all(third[path] < size for path, size in half.items())


def renditions(environment):
    """The size of each."""
    found = (environment.store_root / "renditions").rglob("*.dcm")
    return {path.name: path.stat().st_size for path in found}


def test_what_is_not_there_or_cannot_be_gone_by_is_one_line(transcode, archive):
    with pytest.raises(CommandError, match="there is no such series"):
        transcode("--study", "1.2.3")
    TranscodePolicy.objects.update(target_transfer_syntax_uid="1.2.3")
    with pytest.raises(CommandError, match="transcode policy of tenant 'default'"):
        transcode()
