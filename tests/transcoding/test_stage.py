"""The transcode stage before it comes to a codec."""

import pytest

from dicomhub.archive.models import Batch
from dicomhub.transcoding.models import TranscodePolicy
from dicomhub.transcoding.selectors import PolicyInvalid
from tests.support.samples import sample

NATIVE = "1.2.840.10008.1.2.1"


@pytest.fixture
def indexed(db, environment, settings):
    """A batch of one JPEG 2000 image that has come as far as this stage."""
    from tests.dicomweb.filling import Filling  # needs Django, which is set up after this file is read

    settings.ENVIRONMENT = environment
    filling = Filling(environment)
    instances = filling.archive(sample("MR_small_jp2klossless.dcm"))
    return filling.store.absolute(instances[0].path), filling.index(instances)


def test_of_what_viewers_decode_no_file_is_opened(indexed):
    from tasks.pipeline.transcode import transcode

    path, batch_id = indexed
    path.unlink()
    transcode(batch_id)
    assert Batch.objects.get().stage == "transcode"
    transcode(batch_id)


def test_a_policy_that_cannot_be_gone_by_is_named(indexed):
    from tasks.pipeline.transcode import transcode

    TranscodePolicy.objects.create(
        tenant_id="default", viewer_transfer_syntaxes=[NATIVE], target_transfer_syntax_uid="1.2.3"
    )
    with pytest.raises(PolicyInvalid, match=r"transcode policy of tenant 'default': 1\.2\.3 cannot be made"):
        transcode(indexed[1])
    assert Batch.objects.get().state == "running"
