"""A Doris double to look at: prints its address and serves until Ctrl-C. `python -m tests.support.doris`"""

import contextlib
import threading

from tests.support.doris.cluster import running_doris

with running_doris() as doris, contextlib.suppress(KeyboardInterrupt):
    print(doris.url(), flush=True)
    threading.Event().wait()
