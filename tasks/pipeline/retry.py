"""What an operator wants to be transcoded again, whatever batch it came with."""

import fcntl
import time

from celery import current_app, shared_task
from django.conf import settings

from dicomhub.storage.filesystem import open_store
from dicomhub.storage.layout import RENDITIONS
from dicomhub.storage.lock import directory_lock
from dicomhub.transcoding import candidates, selectors
from dicomhub.transcoding.running import run
from tasks.pipeline.codecs import HARD_LIMIT_SECONDS, POOL, RUN_SECONDS, SOFT_LIMIT_SECONDS
from tasks.publish import publish_retry
from tasks.route import RETRY_TASK
from tasks.transcode.transcoder import Transcoder

_AT_ONCE = 1000


@shared_task(
    name=RETRY_TASK,
    soft_time_limit=SOFT_LIMIT_SECONDS,
    time_limit=HARD_LIMIT_SECONDS,
    reject_on_worker_lost=False,
)
def retry() -> None:
    """Try what waits for it; after RUN_SECONDS the rest is published anew. One run at a time."""
    environment = settings.ENVIRONMENT
    store = open_store(environment)
    renditions = store.absolute(RENDITIONS)
    renditions.mkdir(exist_ok=True)
    try:
        with directory_lock(renditions, fcntl.LOCK_EX | fcntl.LOCK_NB):
            waiting = candidates.of_rows(selectors.awaiting_retry()[:_AT_ONCE])
            transcoder = Transcoder(
                store,
                POOL,
                reserve_bytes=environment.intake.disk_reserve_bytes,
                deadline=time.monotonic() + RUN_SECONDS,
            )
            for _ in run(transcoder, POOL, waiting):
                pass
    except BlockingIOError:
        return  # that run sees what waits
    if selectors.awaiting_retry().exists():
        publish_retry(current_app)
