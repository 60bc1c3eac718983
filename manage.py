#!/usr/bin/env python
"""Django's command line for dicomhub."""

import os
import sys

from django.core.management import execute_from_command_line

from dicomhub.environment import EnvironmentInvalid


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dicomhub.settings")
    try:
        execute_from_command_line(sys.argv)
    except EnvironmentInvalid as error:
        print(*error.problems, sep="\n", file=sys.stderr)  # noqa: T201 - a command talks to a terminal
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
