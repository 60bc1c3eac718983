"""python -m tests.fuzz: the long run. The same seed sends the same streams again."""

import argparse
import secrets
import time

import pydicom.config

from dicomhub.log import configure
from tests.fuzz.lanes import fuzz_lanes
from tests.fuzz.parsing import fuzz_parser
from tests.fuzz.serving import fuzz_supervisor


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    arguments.add_argument("--parser", type=int, default=200_000, metavar="STREAMS")
    arguments.add_argument("--supervisor", type=int, default=5_000, metavar="STREAMS")
    arguments.add_argument("--lanes", type=int, default=20_000, metavar="STREAMS")
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = arguments.parse_args()
    configure("fuzz", log_format="console", level="CRITICAL")  # of what is served in this process
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # as `python -m scp` does
    print(f"seed {given.seed}", flush=True)
    for fuzz, streams in (
        (fuzz_parser, given.parser),
        (fuzz_supervisor, given.supervisor),
        (fuzz_lanes, given.lanes),
    ):
        started = time.monotonic()
        print(fuzz(streams=streams, seed=given.seed), f"in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
