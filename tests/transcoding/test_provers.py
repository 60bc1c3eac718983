"""Who is to prove a rendition may hang or crash: that costs the proof by that decoder, and not the instance."""

from contextlib import closing
from dataclasses import replace

import pytest

from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tasks.transcode.candidate import Status
from tasks.transcode.pool import CodecPool
from tasks.transcode.transcoder import Transcoder
from tests.support.compressed_series import write_compressed_series
from tests.transcode import bad_decoders, first_decoders
from tests.transcode.bad_decoders import ABORT, EAT, HANG

NATIVE = "1.2.840.10008.1.2.1"
OUTCOMES = {HANG: "timeout", ABORT: "crashed", EAT: "out_of_memory"}


@pytest.mark.django_db
def test_a_prover_that_costs_a_process_is_blamed_and_another_one_proves(environment, tmp_path):
    from dicomhub.transcoding import candidates  # needs Django, which is set up after this file is read
    from dicomhub.transcoding.running import run
    from tests.dicomweb.filling import Filling

    paths = write_compressed_series(tmp_path / "in", instances=len(OUTCOMES))
    for path, deed in zip(paths, OUTCOMES, strict=True):
        bad_decoders.burden_files([path], deed)
    filling = Filling(environment)
    instances = filling.add(*paths)
    TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=[NATIVE])
    settings = replace(
        environment.codec,
        processes=2,
        seconds=3.0,
        memory_bytes=512 * 1024**2,
        modules=(first_decoders.__name__, bad_decoders.__name__),
    )
    with closing(CodecPool(settings)) as pool:
        transcoder = Transcoder(filling.store, pool, reserve_bytes=0)
        reports = list(run(transcoder, pool, candidates.of_batch(instances)))
    assert {report.status for report in reports} == {Status.RENDERED}
    assert not UnrenderedInstance.objects.exists()
    for instance, outcome in zip(instances, OUTCOMES.values(), strict=True):
        rows = TranscodeAttempt.objects.filter(sop_instance_uid=instance.sop_instance_uid).order_by("attempt")
        failed, rendered = rows
        assert (failed.codec, failed.outcome) == (bad_decoders.NAME, outcome)
        assert "while it proved what first gave" in failed.reason
        assert (rendered.codec, rendered.outcome) == (first_decoders.NAME, "rendered")
        assert rendered.proved_with not in {"", first_decoders.NAME, bad_decoders.NAME}
