"""What figures depend on, whatever was measured."""

import os
import platform
from datetime import UTC, datetime


def circumstances() -> str:
    """Of a run that ends now: its date, the machine and its load, Python. A sentence without its full stop."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}, Linux {platform.release()}, "
        f"load {os.getloadavg()[0]:.1f} at the end), Python {platform.python_version()}"
    )
