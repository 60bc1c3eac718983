"""A disk that is full while a rendition is written says nothing of the instance: it is not given up."""

from contextlib import closing

import numpy as np
import pydicom
import pytest

from dicomhub.environment import read_environment
from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tasks.transcode.pool import CodecPool
from tasks.transcode.transcoder import StoreFull, Transcoder
from tests.support.incoming import being_written
from tests.support.samples import sample
from tests.support.small_disk import small_disk

RLE = "1.2.840.10008.1.2.5"
NATIVE = "1.2.840.10008.1.2.1"
MIB = 1024 * 1024


def write_cine(path, *, rows=1024, frames=6):
    """Little of it is compressed, 2 MiB a frame native."""
    data_set = pydicom.dcmread(sample("MR_small_RLE.dcm"))
    data_set.Rows = data_set.Columns = rows
    data_set.compress(RLE, arr=np.zeros((rows, rows), "<i2"), generate_instance_uid=False)
    (one,) = pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=1)
    data_set.PixelData = pydicom.encaps.encapsulate([one] * frames)
    data_set.NumberOfFrames = frames
    data_set.save_as(path)
    return path


@pytest.mark.django_db
def test_an_instance_that_there_is_no_room_for_is_not_given_up(tmp_path):
    from dicomhub.transcoding import candidates  # needs Django, which is set up after this file is read
    from dicomhub.transcoding.running import run
    from tests.dicomweb.filling import Filling

    path = write_cine(tmp_path / "cine.dcm")
    TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=[NATIVE])
    with small_disk(tmp_path / "disk", size_bytes=8 * MIB) as disk:
        environment = read_environment({"DICOMHUB_HOME": str(disk.path / "home"), "STORE_RESERVE_BYTES": "0"})
        filling = Filling(environment)
        instances = filling.archive(path)
        with closing(CodecPool(environment.codec)) as pool:
            transcoder = Transcoder(filling.store, pool, reserve_bytes=0)
            with pytest.raises(StoreFull):
                list(run(transcoder, pool, candidates.of_batch(instances)))
        assert being_written(filling.store.root) == []
    assert not UnrenderedInstance.objects.exists()
    assert not TranscodeAttempt.objects.exists()
