"""What an operator sees when everything answers: where it is, how to use it, how to log in."""

import shlex
import sys
from pathlib import Path
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from dicomhub.embedded.addresses import Addresses
from dicomhub.embedded.administrator import Administrator


def announce(addresses: Addresses, *, home: Path, stream: TextIO) -> None:
    table = Table(title="dicomhub is ready", title_justify="left", box=box.ROUNDED, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in (
        ("DICOM", f"{addresses.scp_host} port {addresses.scp_port}, AE title {addresses.called_ae_title}"),
        ("DICOMweb", f"{addresses.dicom_web_url}/"),
        ("Admin", f"{addresses.web_url}/admin/"),
        ("Flower", f"{addresses.flower_url}/"),
        ("State", str(home)),
    ):
        table.add_row(name, value)
    # As wide as it needs: a wrapped address cannot be copied.
    console = Console(file=stream, width=max(100, len(str(home)) + 20), highlight=False)
    console.print(table)
    called = shlex.quote(addresses.called_ae_title)
    print(
        f"Store:   storescu -aec {called} +sd +r {addresses.scp_host} {addresses.scp_port} FOLDER",
        f"Search:  curl '{addresses.dicom_web_url}/studies'",
        "Stop:    Ctrl-C",
        sep="\n",
        file=stream,
        flush=True,
    )


def say_how_to_log_in(administrator: Administrator, *, home: Path, stream: TextIO) -> None:
    if administrator.password is not None:
        how = f"with the password {administrator.password}  (made for this first start, shown only now)"
    else:
        command = f"{shlex.quote(sys.executable)} manage.py changepassword {administrator.username}"
        how = f"(to change the password: DICOMHUB_HOME={shlex.quote(str(home))} {command})"
    print(f"Log in:  as {administrator.username} {how}", file=stream, flush=True)
