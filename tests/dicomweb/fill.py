"""Make a database and a store with these files in it: `python -m tests.dicomweb.fill [FILE...]`, DICOMHUB_HOME set."""

import sys
from pathlib import Path

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from dicomhub.environment import read_environment
    from tests.dicomweb.filling import Filling

    call_command("migrate", verbosity=0)
    if paths := [Path(name) for name in sys.argv[1:]]:
        Filling(read_environment()).add(*paths)


if __name__ == "__main__":
    main()
