"""What the processes of tests.breaking.deletion_rounds are forked from."""

import django

django.setup()

from tests.breaking import deletion_roles as deletion_roles  # noqa: E402, PLC0414
