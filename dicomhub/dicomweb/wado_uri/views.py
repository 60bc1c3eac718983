"""WADO-URI, as viewers have used it since before there was DICOMweb. PS3.18 9."""

from dataclasses import replace
from functools import cached_property
from typing import ClassVar

from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.http.address import public_address
from dicomhub.dicomweb.http.negotiation import DICOM, Offer
from dicomhub.dicomweb.rendered.offers import ONE_IMAGE
from dicomhub.dicomweb.rendered.parameters import RenderingParameterInvalid
from dicomhub.dicomweb.rendered.pictures import drawing_of
from dicomhub.dicomweb.rendered.subject import Frames, NoPicture, Stored, subject_of
from dicomhub.dicomweb.rendered.views import PictureView
from dicomhub.dicomweb.resource import Resource
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, archived_instance
from dicomhub.dicomweb.retrieve.views import Retrieve
from dicomhub.dicomweb.wado_uri.parameters import WadoRequest, wado_request
from tasks.transcode.picture_order import GIF

_AS_DICOM = Offer(media_type=DICOM)


class WadoUri(PictureView, Retrieve):
    """One object: what can be shown of it, or the DICOM file where that is asked for, or is all there is."""

    scopes: ClassVar = {"GET": Scope.READ}
    wado: WadoRequest

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        self.wado = wado_request(
            self.request.query_params,
            tenant=self.tenant,
            accept_header=self.request.headers.get("Accept", ""),
        )
        instance = archived_instance(self.store, self.wado.resource)
        subject = _subject(instance)
        offer = self.wado.acceptable.choose((*_offers(subject), _AS_DICOM))
        if offer == _AS_DICOM:
            if self.wado.look.window is not None:
                raise RenderingParameterInvalid("windowCenter", f"{DICOM} has no window")
            self.acceptable = self.wado.as_dicom
            response = super().get(_request, **_kwargs)
            response["Content-Type"] = DICOM  # parameters are forbidden here: PS3.18 8.7.3.5.2
            return response
        if isinstance(subject, Frames):
            return self.with_warning(self._picture(instance, subject, offer.media_type))
        assert subject is not None
        return self.stored(instance, subject, offer)

    def resource(self) -> Resource:
        return self.wado.resource

    @cached_property
    def base_url(self) -> str:
        """Of the tenant's DICOMweb service: this one has no addresses for what it holds."""
        named = "tenant" in self.kwargs
        root = reverse(
            "tenant-dicomweb:root" if named else "dicomweb:root", kwargs=self.kwargs if named else {}
        )
        address = public_address(self.request, configured=self.environment.web.public_url)
        return address + root.rstrip("/")

    def _picture(self, instance: ArchivedInstance, subject: Frames, media_type: str) -> HttpResponseBase:
        """The frame that is asked for, else the first; a GIF shows all of them. PS3.18 9.5.1.2.1."""
        look = replace(self.wado.look, media_type=media_type)
        number = self.wado.frame_number
        if number is not None and number > subject.pixels.number_of_frames:
            raise RenderingParameterInvalid("frameNumber", f"there are {subject.pixels.number_of_frames}")
        numbers: tuple[int, ...] = () if number is None else (number,)
        if not numbers and media_type != GIF:
            numbers = (1,)
        return self.picture(drawing_of(instance, subject, numbers, look))


def _subject(instance: ArchivedInstance) -> Frames | Stored | None:
    try:
        return subject_of(instance)
    except NoPicture:
        return None


def _offers(subject: Frames | Stored | None) -> tuple[Offer, ...]:
    match subject:
        case Frames():
            return ONE_IMAGE
        case Stored():
            return (Offer(media_type=subject.media_type),)
        case None:
            return ()
