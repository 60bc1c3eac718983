"""python -m tests.fuzz.http: the long run. The same seed sends the same requests again."""

import argparse
import secrets
import time

import rich.progress

from tests.fuzz.http.serving import fuzz_web


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz.http", description=__doc__)
    arguments.add_argument("--requests", type=int, default=50_000)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    started = time.monotonic()
    figures = fuzz_web(
        requests=given.requests,
        seed=given.seed,
        bar=lambda asked: rich.progress.track(asked, total=given.requests, description="requests"),
    )
    print(figures, f"in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
