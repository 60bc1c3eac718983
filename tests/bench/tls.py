"""What TLS costs: CPU of the receiving side a GB, by port and by size of the PDUs, in turns.

Run with: python -m tests.bench.tls
"""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import make_authority, make_certificate
from tests.support.ct_series import write_ct_series
from tests.support.scp_process import ScpProcess, running_scp

RUNS = 5
INSTANCES = 200
PDU_BYTES = (16 * 1024, 128 * 1024)
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    cpu_seconds_a_gb: float
    instances_a_second: float


def cpu_seconds(scp: ScpProcess) -> float:
    """Of the supervisor and all its children, those that have gone as well."""
    ticks = 0
    for pid in (scp.pid, *scp.children()):
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:13]))
    # Of the supervisor's children, those that it has waited for.
    fields = Path(f"/proc/{scp.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (ticks + sum(map(int, fields[13:15]))) / _TICKS_PER_SECOND


def measure(scp: ScpProcess, folder: Path, *, is_tls: bool, pdu_bytes: int) -> Measured:
    size_gb = sum(file.stat().st_size for file in folder.iterdir()) / 1e9
    options = ["+tla", "-ic"] if is_tls else []
    port = scp.tls_port if is_tls else scp.port
    # DCMTK sends PDUs of 16 KiB unless told otherwise, whatever the peer can take.
    command = [
        "storescu",
        *options,
        "--max-send-pdu",
        str(pdu_bytes),
        "+sd",
        scp.host,
        str(port),
        str(folder),
    ]
    before, started = cpu_seconds(scp), time.perf_counter()
    # Without Nagle's algorithm, so that it is not the sender that is measured.
    subprocess.run(command, check=True, env={**os.environ, "TCP_NODELAY": "1"})
    seconds = time.perf_counter() - started
    return Measured((cpu_seconds(scp) - before) / size_gb, INSTANCES / seconds)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dicomhub-bench-tls-") as folder:
        print(f"{f'{INSTANCES} CT, medians of {RUNS}':28} {'CPU-s a GB':>11} {'instances/s':>12}")
        for (pdu_bytes, is_tls), results in measure_all(Path(folder)).items():
            name = f"PDUs of {pdu_bytes // 1024} KiB, {'TLS' if is_tls else 'plain'}"
            cpu = statistics.median(result.cpu_seconds_a_gb for result in results)
            rate = statistics.median(result.instances_a_second for result in results)
            print(f"{name:28} {cpu:11.2f} {rate:12.0f}")


def measure_all(folder: Path) -> dict[tuple[int, bool], list[Measured]]:
    """By size of the PDUs, and whether through TLS."""
    server = make_certificate(folder, "server", authority=make_authority(folder, "authority"))
    write_ct_series(folder / "ct", instances=INSTANCES, patient_id="CT", rows=512)
    settings = {
        "SCP_DURABILITY": "process",
        "SCP_TLS_PORT": 0,
        "SCP_TLS_CERTIFICATE": server.certificate,
        "SCP_TLS_KEY": server.key,
    }
    cases = [(pdu_bytes, is_tls) for pdu_bytes in PDU_BYTES for is_tls in (False, True)]
    measured: dict[tuple[int, bool], list[Measured]] = {case: [] for case in cases}
    with running_scp(folder / "home", settings) as scp:
        for _ in range(RUNS):
            for pdu_bytes, is_tls in cases:
                result = measure(scp, folder / "ct", is_tls=is_tls, pdu_bytes=pdu_bytes)
                measured[pdu_bytes, is_tls].append(result)
    return measured


if __name__ == "__main__":
    main()
