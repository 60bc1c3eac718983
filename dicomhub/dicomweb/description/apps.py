from django.apps import AppConfig


class DescriptionConfig(AppConfig):
    """An app for its page's template and script; it has no models."""

    name = "dicomhub.dicomweb.description"
