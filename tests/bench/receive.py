"""The receive lane beside its rivals: processor time, throughput, latency, fairness, scale, memory.

Run with: python -m tests.bench.receive [SECTION ...]. Each receiver in turn, medians of the rounds; the tables
go to docs/benchmarks.md, the scale curve to docs/scale.svg.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.receiving import sections
from tests.bench.receiving.memory import memory
from tests.bench.receiving.scale import scale
from tests.bench.receiving.sections import Bench
from tests.bench.receiving.senders import STORESCU
from tests.bench.receiving.tls import tls
from tests.bench.report.circumstances import circumstances
from tests.bench.report.table import write_section
from tests.support.redis_process import running_redis
from tests.support.scp_process import ROOT

_DOCUMENT = ROOT / "docs" / "benchmarks.md"
_CHART = ROOT / "docs" / "scale.svg"
_SECTIONS = {
    "throughput": sections.throughput,
    "processor": sections.processor_time,
    "association": sections.association,
    "copies": sections.copies,
    "fairness": sections.fairness,
    "scale": scale,
    "memory": memory,
    "tls": tls,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(_SECTIONS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instances", type=int, default=400, help="CT and tiny CT a sending")
    parser.add_argument("--document", type=Path, default=_DOCUMENT, help="where the tables go")
    parser.add_argument("--chart", type=Path, default=_CHART, help="where the scale curve goes")
    return parser.parse_args()


def _what_was_run(arguments: argparse.Namespace) -> str:
    dcmtk = subprocess.run(
        [STORESCU, "--version"], capture_output=True, text=True, check=False
    ).stdout.split()[2]
    return (
        f"{circumstances()}, DCMTK {dcmtk}. Sender, where nothing else is said: storescu, on the same machine. "
        f"Medians of {arguments.rounds} rounds, {arguments.instances} instances a sending. "
        "PDUs of 16 KiB where nothing else is said.\n"
    )


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started too
    chosen = arguments.sections or list(_SECTIONS)
    with (
        tempfile.TemporaryDirectory(prefix="dicomhub-bench-") as scratch,
        running_redis(Path(scratch, "redis")) as redis,
    ):
        bench = Bench(
            scratch=Path(scratch),
            redis_url=redis.url,
            rounds=arguments.rounds,
            instances=arguments.instances,
            chart=arguments.chart,
        )
        for name in chosen:
            tables = "\n".join(map(str, _SECTIONS[name](bench)))
            print(tables, flush=True)
            write_section(arguments.document, name, f"{tables}\n{_what_was_run(arguments)}")


if __name__ == "__main__":
    main()
