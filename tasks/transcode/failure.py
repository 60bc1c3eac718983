"""How an order to a codec process fails: what it costs an instance, and what says nothing of the instance."""

import signal

from tasks.transcode.orders import Outcome


class CodecFailure(Exception):
    """This order has no answer, with this decoder. The next order is served as if nothing had been."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(f"{outcome}: {reason}")
        self.outcome = outcome
        self.reason = reason


class CodecTimeout(CodecFailure):
    """Its process was killed after this many seconds."""

    def __init__(self, seconds: float, noise: str) -> None:
        super().__init__(Outcome.TIMEOUT, _with_noise(f"no answer within {seconds:g} s", noise))
        self.seconds = seconds


class CodecCrashed(CodecFailure):
    """Its process has ended: exit_code is that of the process, negative when a signal ended it."""

    def __init__(self, exit_code: int, noise: str) -> None:
        how = f"by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"with exit code {exit_code}"
        super().__init__(Outcome.CRASHED, _with_noise(f"the codec process ended {how}", noise))
        self.exit_code = exit_code


class CodecOutOfMemory(CodecFailure):
    """Its process came to the limit of its memory, or the machine did."""

    def __init__(self, reason: str) -> None:
        super().__init__(Outcome.OUT_OF_MEMORY, reason)


class CodecRefused(CodecFailure):
    """The codec process lives, and says why there is no answer."""


class CodecUnavailable(Exception):
    """There is no codec process to be had, whatever the order: nothing is known of the instance."""


class CodecBusy(CodecUnavailable):
    """All codec processes had other orders for as long as the caller was ready to wait."""


class CodecPoolClosed(CodecUnavailable):
    """The pool was closed before the order was answered."""


def _with_noise(what: str, noise: str) -> str:
    return f"{what}; its last words: {noise}" if noise else what
