"""The most memory that a process had at a time."""

from pathlib import Path


def peak_bytes(pid: int) -> int:
    """Since it began, or since forget_peak()."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
