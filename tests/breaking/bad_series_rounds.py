"""Hanging, aborting and greedy decoders: `python -m tests.breaking.bad_series_rounds --rounds 20`.

600 real CT, compressed without loss in three ways; three hang, two abort, two eat memory. What must hold:
tests/breaking/bad_series.py.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import django
from django.core.management import call_command
from rich.console import Console
from rich.progress import Progress
from rich.table import Table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--instances", type=int, default=600)
    arguments = parser.parse_args()
    console = Console()
    began_at = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bad-series-")))
        os.environ |= {
            "DICOMHUB_HOME": str(folder / "home"),
            "STORE_RESERVE_BYTES": "0",
            "DJANGO_SETTINGS_MODULE": "dicomhub.settings",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        from dicomhub.environment import read_environment
        from tests.breaking.bad_series import BadSeries  # its models can be imported only now

        series = BadSeries(read_environment(), folder, instances=arguments.instances)
        progress = stack.enter_context(Progress(console=console))
        task = progress.add_task("rounds", total=arguments.rounds)
        for summary in series.rounds(arguments.rounds):
            progress.update(task, completed=summary.rounds)
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
        ("seconds of failed attempts in it, median", f"{median(summary.limit_seconds):.1f}"),
        ("bad without these by clean, at worst", f"{summary.worst_ratio():.2f}"),
        ("problems", str(len(summary.problems))),
        ("seconds", f"{time.monotonic() - began_at:.0f}"),
    ):
        table.add_row(what, figure)
    console.print(table)
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
