from django.apps import AppConfig


class DeletionConfig(AppConfig):
    name = "dicomhub.deletion"
    label = "deletion"
