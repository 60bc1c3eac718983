"""What TLS costs a receiver, beside DCMTK's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.receiving import receivers as to
from tests.bench.receiving.cpu import cpu_seconds_at_rest
from tests.bench.receiving.receivers import Receiver, Running
from tests.bench.receiving.rounds import Figures
from tests.bench.receiving.sections import Bench, warm
from tests.bench.receiving.senders import send
from tests.bench.report.table import Table, number, ratio
from tests.support.certificates import Certificate, make_authority, make_certificate
from tests.support.scp_process import running_scp

_SECURE = ("--anonymous-tls", "--ignore-peer-cert")


def tls(bench: Bench) -> list[Table]:
    """CPU a GB and CT a second, plain and through TLS 1.3 with AES-256-GCM, from a sender without Nagle."""
    own = make_certificate(bench.scratch, "server", authority=make_authority(bench.scratch, "authority"))
    first = bench.series("FIRSTT", instances=8, rows=512)
    ct = bench.series("CTT", rows=512)
    plain = "dicomhub, process", "DCMTK +B --fork"
    receivers = [
        bench.dicomhub(plain[0], SCP_DURABILITY="process"),
        _dicomhub("dicomhub, process, TLS", bench.redis_url, own),
        to.storescp(plain[1], "--bit-preserving", "--fork", has_nagle=False),
        to.storescp(
            "DCMTK +B --fork, TLS",
            *("--bit-preserving", "--fork", "--enable-tls", str(own.key), str(own.certificate)),
            "--ignore-peer-cert",
            has_nagle=False,
        ),
    ]

    def measure(receiver: Receiver, running: Running) -> Figures:
        options = () if receiver.name in plain else _SECURE
        before = warm(running, first, *options)
        seconds = send(running.port, ct.folder, *options, has_nagle=False)
        used = cpu_seconds_at_rest(running.pid) - before
        return {"cpu": used / ct.size_bytes * 1e9, "rate": ct.instances / seconds}

    measured = bench.medians(receivers, measure)
    reference = measured.get("DCMTK +B --fork, TLS", {}).get("cpu", 0)
    rows = [
        (name, f"{f['cpu']:.2f}", ratio(f["cpu"], reference), number(f["rate"]))
        for name, f in measured.items()
    ]
    header = ("receiver", "CPU-s a GB", "of DCMTK's with TLS", "CT/s")
    return [Table(f"TLS: {ct.instances} CT of 512x512x16 on one association", header, rows)]


def _dicomhub(name: str, redis_url: str, own: Certificate) -> Receiver:
    @contextmanager
    def start(folder: Path) -> Iterator[Running]:
        settings = {
            "REDIS_URL": redis_url,
            "SCP_MAX_PDU_BYTES": 16384,
            "SCP_DURABILITY": "process",
            "SCP_TLS_PORT": 0,
            "SCP_TLS_CERTIFICATE": own.certificate,
            "SCP_TLS_KEY": own.key,
        }
        with running_scp(folder, settings) as scp:
            yield Running(scp.pid, scp.tls_port, folder)

    return Receiver(name, start)
