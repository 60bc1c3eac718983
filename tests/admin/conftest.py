from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from dicomhub.environment import Environment


@pytest.fixture(autouse=True)
def _the_home_of_this_test(settings: Settings, environment: Environment, tmp_path: Path):
    settings.ENVIRONMENT = environment
    settings.STATIC_ROOT = tmp_path / "static"  # no test needs a file of it, whitenoise needs the folder
    settings.STATIC_ROOT.mkdir()


@pytest.fixture
def browser(db: None, client: Client) -> Client:
    """Signed in as an administrator."""
    from django.contrib.auth.models import User  # this file may be read before Django is set up

    client.force_login(User.objects.create_superuser("admin"))
    return client
