"""The test's own database, for other processes."""

from django.db import connection


def database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user = f"{settings['USER']}:{settings['PASSWORD']}"
    return f"postgresql://{user}@/{settings['NAME']}?host={settings['HOST']}&port={settings['PORT']}"
