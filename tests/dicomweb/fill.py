"""Make a database and a store with these files in it: `python -m tests.dicomweb.fill FILE...`, DICOMHUB_HOME set."""

import sys
from pathlib import Path

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from dicomhub.environment import read_environment
    from tests.dicomweb.filling import Filling

    call_command("migrate", verbosity=0)
    Filling(read_environment()).add(*map(Path, sys.argv[1:]))


if __name__ == "__main__":
    main()
