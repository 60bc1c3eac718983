"""Compressed CT to Explicit VR Little Endian: the codec pool, with its proof, beside what others do in a loop.

Run with: python -m tests.bench.transcode. Everyone has the same series in turn, in one run, and writes whole
files; the table goes to docs/benchmarks.md.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pydicom

from dicomhub.environment import read_environment
from tasks.transcode.freshness import stamp_of
from tasks.transcode.making import Made, make_rendition, provers_of
from tasks.transcode.orders import Codecs, CodecsOrder, Rendered, RenderOrder
from tasks.transcode.pool import CodecPool
from tests.bench.report.circumstances import circumstances
from tests.bench.report.table import Table, number, write_section
from tests.support.lossless_ct import COMPRESSORS, write_lossless_ct
from tests.support.process_memory import peak_bytes
from tests.support.scp_process import ROOT, children_of

_DOCUMENT = ROOT / "docs" / "benchmarks.md"
_NATIVE = "1.2.840.10008.1.2.1"
_JPEG_LS = "1.2.840.10008.1.2.4.80"
_MIB = 1024 * 1024
Loop = Callable[[Sequence[Path], Path], None]


class Ours:
    def __init__(self, pool: CodecPool, *, prove: bool) -> None:
        self._pool = pool
        self._prove = prove
        self._codecs = pool.run(CodecsOrder(), Codecs)

    def __call__(self, paths: Sequence[Path], folder: Path) -> None:
        def render(path: Path) -> Made | Rendered:
            output = folder / path.name
            output.touch()
            uid = pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID
            decoders = self._codecs.decoders_of(uid)
            order = RenderOrder(
                source_path=str(path),
                output_path=str(output),
                target_transfer_syntax_uid=_NATIVE,
                decoder=decoders[0],
                stamp=stamp_of(path),
            )
            if not self._prove:
                return self._pool.run(order, Rendered)
            provers = provers_of(decoders[0], decoders, {})
            return make_rendition(self._pool, order, provers, decoded_bytes=0, patience_seconds=None)

        assert len(list(self._pool.as_completed(paths, render))) == len(paths)


def pydicom_loop(paths: Sequence[Path], folder: Path) -> None:
    for path in paths:
        data_set = pydicom.dcmread(path)
        data_set.decompress(generate_instance_uid=False)
        data_set.save_as(folder / path.name)


def gdcmconv_loop(paths: Sequence[Path], folder: Path) -> None:
    for path in paths:
        subprocess.run(["gdcmconv", "--raw", path, folder / path.name], check=True, capture_output=True)


def dcmtk_loop(paths: Sequence[Path], folder: Path) -> None:
    for path in paths:
        uid = pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID
        program = "dcmdjpls" if uid == _JPEG_LS else "dcmdjpeg"
        subprocess.run([program, path, folder / path.name], check=True, capture_output=True)


def processor_seconds() -> float:
    """Of this process and those that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def codec_processes() -> list[int]:
    return [pid for nursery in children_of(os.getpid()) for pid in children_of(nursery)]


def seconds_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(loop: Loop, paths: Sequence[Path], scratch: Path) -> tuple[float, float]:
    """Instances a second, and milliseconds of processor time an instance."""
    folder = scratch / "output"
    folder.mkdir()
    used = processor_seconds() + sum(map(seconds_of, codec_processes()))
    began_at = time.perf_counter()
    loop(paths, folder)
    seconds = time.perf_counter() - began_at
    used = processor_seconds() + sum(map(seconds_of, codec_processes())) - used
    assert len(list(folder.iterdir())) == len(paths)
    shutil.rmtree(folder)
    return len(paths) / seconds, used / len(paths) * 1000


def bench(scratch: Path, *, instances: int, rounds: int) -> Table:
    # Nobody is recycled: what they used would be counted with the nursery, that is at the very end.
    settings = replace(read_environment({}).codec, orders_per_process=1_000_000)
    paths = write_lossless_ct(scratch / "series", instances=instances)
    with closing(CodecPool(settings)) as pool:
        proved = Ours(pool, prove=True)
        proved(paths[: 4 * pool.size], Path(tempfile.mkdtemp(dir=scratch)))
        begun_bytes = max(map(peak_bytes, codec_processes()))
        loops: dict[str, Loop] = {
            "a plain loop of pydicom": pydicom_loop,
            **({"gdcmconv --raw, a process each": gdcmconv_loop} if shutil.which("gdcmconv") else {}),
            "dcmdjpeg and dcmdjpls, a process each": dcmtk_loop,
            f"the codec pool, {pool.size} processes, proved": proved,
            f"the codec pool, {pool.size} processes, not proved": Ours(pool, prove=False),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
        for _ in range(rounds):
            for name, loop in loops.items():
                found[name].append(measured(loop, paths, scratch))
        ended_bytes = max(map(peak_bytes, codec_processes()))
    plain = statistics.median(speed for speed, _ in found["a plain loop of pydicom"])
    rows = []
    for name, results in found.items():
        speed = statistics.median(speed for speed, _ in results)
        used = statistics.median(used for _, used in results)
        rows.append((name, number(speed), f"{speed / plain:.2f}", number(used)))
    note = (
        f"{circumstances()}. {instances} CT of 512x512x16, {', '.join(COMPRESSORS)} in turns. Medians of {rounds} "
        f"rounds. The largest codec process had {begun_bytes // _MIB} MiB at most after its first instances, "
        f"{ended_bytes // _MIB} MiB after {2 * rounds * instances // settings.processes}."
    )
    header = ("who", "instances/s", "of the plain loop", "CPU-ms an instance")
    return Table("Compressed CT to Explicit VR Little Endian", header, rows, note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--document", type=Path, default=_DOCUMENT, help="where the table goes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dicomhub-bench-") as scratch:
        table = str(bench(Path(scratch), instances=arguments.instances, rounds=arguments.rounds))
    print(table)
    write_section(arguments.document, "transcode", table)


if __name__ == "__main__":
    main()
