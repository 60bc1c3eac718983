from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "dicomhub.accounts"
    label = "accounts"
    verbose_name = "access"
