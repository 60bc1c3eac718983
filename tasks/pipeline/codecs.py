"""The codec pool of this worker process: both tasks that transcode share it."""

from django.conf import settings

from tasks.transcode.plan import NATIVE_MAX_BYTES
from tasks.transcode.pool import CodecPool

POOL = CodecPool(settings.ENVIRONMENT.codec)

# Nothing more is begun after so long. An embedded run's other queues wait behind it.
RUN_SECONDS: float = settings.ENVIRONMENT.transcode_run_seconds
# The last that is begun may be the largest, and is decoded twice.
SOFT_LIMIT_SECONDS = round(RUN_SECONDS + POOL.seconds_for(2 * NATIVE_MAX_BYTES)) + 60
HARD_LIMIT_SECONDS = SOFT_LIMIT_SECONDS + 60
