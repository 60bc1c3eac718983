from typing import ClassVar

from django import forms
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from dicomhub.transcoding.models import TranscodePolicy, default_viewer_transfer_syntaxes
from tasks.transcode.settings import NAMES


class TranscodePolicyForm(forms.ModelForm[TranscodePolicy]):
    viewer_transfer_syntaxes = forms.MultipleChoiceField(
        label="The viewers decode",
        choices=[(uid, f"{name} ({uid})") for uid, name in NAMES.items()],
        initial=default_viewer_transfer_syntaxes,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=str(TranscodePolicy._meta.get_field("viewer_transfer_syntaxes").help_text),  # noqa: SLF001 - Django's documented way to a model's fields
    )

    class Meta:
        model = TranscodePolicy
        fields: ClassVar[tuple[str, ...]] = (
            "viewer_transfer_syntaxes",
            "target_transfer_syntax_uid",
            "near",
            "ratio",
        )


class TranscodePolicyInline(StackedInline):
    """None: the defaults, which are what Cornerstone3D decodes, and Explicit VR Little Endian."""

    model = TranscodePolicy
    form = TranscodePolicyForm
    extra = 0
    max_num = 1
    verbose_name_plural = "Transcoding"
