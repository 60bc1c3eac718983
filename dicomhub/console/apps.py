from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "dicomhub.console"
    label = "console"
