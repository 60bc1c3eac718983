"""DICOMweb beside Orthanc: retrieve, metadata, searches, frames, STOW, many readers, memory.

Run with: python -m tests.bench.dicomweb [SECTION ...]. Each server in turn, medians of the rounds; the tables go to
docs/benchmarks.md, the curves to docs/readers.svg and docs/readers-frames.svg.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench.report.circumstances import circumstances
from tests.bench.report.table import write_section
from tests.bench.serving import sections
from tests.bench.serving.origins import ORIGINS
from tests.support.scp_process import ROOT

_SECTIONS = {
    "retrieve": sections.retrieve,
    "metadata": sections.metadata,
    "search": sections.search,
    "instances": sections.instances,
    "store": sections.store,
    "readers": sections.readers,
    "memory": sections.memory,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(_SECTIONS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instances", type=int, default=400, help="of the study of CT")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--chart", type=Path, default=ROOT / "docs" / "readers.svg")
    return parser.parse_args()


def _what_was_run(arguments: argparse.Namespace) -> str:
    return f"{circumstances()}. Readers on the same machine. Medians of {arguments.rounds} rounds.\n"


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started too
    for origin in ORIGINS:
        if origin.is_missing:
            print(f"{origin.name}: not installed, left out", file=sys.stderr)
    for name in arguments.sections or list(_SECTIONS):
        with tempfile.TemporaryDirectory(prefix="dicomhub-bench-") as scratch:
            bench = sections.Bench(Path(scratch), arguments.rounds, arguments.instances, arguments.chart)
            tables = "\n".join(map(str, _SECTIONS[name](bench)))
            print(tables, flush=True)
            write_section(arguments.document, f"dicomweb {name}", f"{tables}\n{_what_was_run(arguments)}")


if __name__ == "__main__":
    main()
