"""The codec pool of this worker process: both tasks that transcode share it."""

from django.conf import settings

from tasks.transcode.plan import NATIVE_MAX_BYTES
from tasks.transcode.pool import CodecPool

POOL = CodecPool(settings.ENVIRONMENT.codec)

# Nothing more is begun after so long. An embedded run's other queues wait behind it.
RUN_SECONDS: float = settings.ENVIRONMENT.transcode_run_seconds
# The last that is begun may be the largest: it is made, waits for the proof of another one, and is proved.
SOFT_LIMIT_SECONDS = round(RUN_SECONDS + 3 * POOL.seconds_for(NATIVE_MAX_BYTES)) + 60
HARD_LIMIT_SECONDS = SOFT_LIMIT_SECONDS + 60
