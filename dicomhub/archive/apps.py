from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    name = "dicomhub.archive"
    label = "archive"
