"""Hanging, aborting and greedy decoders: `python -m tests.breaking.bad_series_rounds --rounds 20`.

600 real CT, compressed without loss in three ways; three hang, two abort, two eat memory. A real worker takes
them through all stages. What must hold:
tests/breaking/bad_series.py.
"""

import argparse
import sys
import time
from contextlib import ExitStack, closing
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.breaking.scratch import scratch_archive

WORST_RATIO = 1.3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--instances", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=7200, help="begin no round after so long")
    arguments = parser.parse_args()
    console = Console()
    began_at = time.monotonic()
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_archive("bad-series-"))
        from tests.breaking.bad_series import BadSeries, variables_of  # its models can be imported only now

        variables = variables_of(
            scratch.folder, database_url=scratch.database_url, redis_url=scratch.redis_url
        )
        series = stack.enter_context(
            closing(BadSeries(scratch.folder, variables, instances=arguments.instances))
        )
        summary = series.summary
        for _ in range(arguments.rounds):
            series.run()
            console.print(
                f"round {summary.rounds}: clean {summary.clean_seconds[-1]:.1f} s, "
                f"bad {summary.bad_seconds[-1]:.1f} s, problems {len(summary.problems)}"
            )
            if time.monotonic() - began_at > arguments.seconds:
                break
    slow = [ratio for ratio in summary.ratios() if ratio > WORST_RATIO]
    for problem in summary.problems[:50]:
        console.print(problem, style="red")
    table = Table("what", "number", title="decoders that hang, abort and eat memory")
    for what, figure in (
        ("rounds", str(summary.rounds)),
        ("instances of the bad series, in all", str(summary.rounds * arguments.instances)),
        ("renditions of it", str(summary.renditions)),
        ("records of those without", str(summary.records)),
        ("seconds of the clean series, median", f"{median(summary.clean_seconds):.1f}"),
        ("seconds of the bad series, median", f"{median(summary.bad_seconds):.1f}"),
        ("seconds of time limits in it, median", f"{median(summary.limit_seconds):.1f}"),
        ("bad without these by clean, median", f"{median(summary.ratios()):.2f}"),
        ("bad without these by clean, at worst", f"{max(summary.ratios()):.2f}"),
        (f"rounds where that is above {WORST_RATIO}", str(len(slow))),
        ("problems", str(len(summary.problems))),
        ("seconds", f"{time.monotonic() - began_at:.0f}"),
    ):
        table.add_row(what, figure)
    console.print(table)
    return 1 if summary.problems or slow else 0


if __name__ == "__main__":
    sys.exit(main())
