"""python -m tests.fuzz.schema: schemathesis over our OpenAPI document, against a live gunicorn with real data.

Half of the time the paths name what is archived, half of the time they are schemathesis' own.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.dicomweb.served import Server, serving
from tests.fuzz.http.seeds import Archived
from tests.support.samples import sample

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
_SAMPLES = ("CT_small.dcm", "JPEG2000.dcm", "emri_small.dcm", "reportsi.dcm")
_FAULT = re.compile(r"Traceback|dicomweb_request_failed|Error handling request|WORKER TIMEOUT")


def fuzz_schema(*, seconds: int, seed: int, **settings: str) -> str:
    """Returns what schemathesis says. Raises AssertionError when a check fails."""
    path = sample(_SAMPLES[0])
    with tempfile.TemporaryDirectory(prefix="dicomhub-fuzz-") as folder:
        log, configuration = Path(folder) / "web.log", Path(folder) / "schemathesis.toml"
        with serving(Path(folder) / "home", *map(sample, _SAMPLES), log=log, **settings) as server:
            configuration.write_text("")
            said = _run(server, configuration, seconds // 2, seed)
            names = Archived.read(path).names | {"value": "7FE00010", "frames": "1"}
            lines = [f'"path.{name}" = "{value}"' for name, value in names.items()]
            configuration.write_text("\n".join(["[parameters]", *lines]))
            said += _run(server, configuration, seconds - seconds // 2, seed)
        text = log.read_text("utf-8", "replace")
    fault = _FAULT.search(text)
    assert fault is None, text[max(0, fault.start() - 500) : fault.start() + 3000]
    return said


def _run(server: Server, configuration: Path, seconds: int, seed: int) -> str:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"]
    options = {
        "--checks": ",".join(_CHECKS),
        "--phases": "examples,coverage,fuzzing",
        "--max-time": str(max(seconds, 1)),
        "--seed": str(seed),
        "--request-timeout": "60",
        "--suppress-health-check": "all",
        "--warnings": "off",
    }
    done = subprocess.run(
        [*command, f"{server.dicomweb}/openapi.json", *(word for each in options.items() for word in each)],
        cwd=configuration.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz.schema", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(fuzz_schema(seconds=int(given.minutes * 60), seed=given.seed))


if __name__ == "__main__":
    main()
