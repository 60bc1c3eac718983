from django.apps import AppConfig


class TranscodingConfig(AppConfig):
    name = "dicomhub.transcoding"
    label = "transcoding"
