"""The resources of DICOMweb, one class a kind. PS3.18 10.4, 10.6."""

from itertools import chain
from typing import NoReturn

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.dicomweb import bulk_data, metadata, search
from dicomhub.dicomweb.archived import NothingThere, archived_instances
from dicomhub.dicomweb.instance_search import InstanceSearch
from dicomhub.dicomweb.json_stream import array
from dicomhub.dicomweb.metadata import with_bulk_data_base
from dicomhub.dicomweb.query import SearchQuery, parse_search_query
from dicomhub.dicomweb.rendering import Renderer
from dicomhub.dicomweb.retrieve import body_of, head_of, plan_retrieve
from dicomhub.dicomweb.view import DicomWebView
from tasks.transcode.pool import shared_pool
from tasks.warehouse.open import shared_warehouse


class Retrieve(DicomWebView):
    """A study, a series or an instance, as DICOM files."""

    def get(self, _request: Request, **_kwargs: str) -> StreamingHttpResponse:
        resource = self.resource()
        renderer = Renderer(
            self.store,
            shared_pool(self.environment.codec),
            reserve_bytes=self.environment.intake.disk_reserve_bytes,
            patience_seconds=self.environment.codec.seconds,
        )
        plan = plan_retrieve(
            archived_instances(self.store, resource),
            self.acceptable,
            renderer,
            single_part=resource.kind == "instance",
        )
        if self.request.method == "HEAD":
            body = head_of(plan, base_url=self.base_url)
        else:
            body = body_of(plan, renderer, base_url=self.base_url)
        response = self.streamed(
            body.chunks,
            content_type=body.content_type,
            status=206 if plan.left_out else 200,
            length_bytes=body.length_bytes,
        )
        if plan.left_out:
            self.warn(response, f"{plan.left_out} instances cannot be had in an acceptable transfer syntax")
        return response


class Metadata(DicomWebView):
    """The attributes of a study's, a series' or one instance, as DICOM JSON."""

    def get(self, _request: Request, **_kwargs: str) -> StreamingHttpResponse:
        resource = self.resource()
        offer = self.acceptable.choose(metadata.OFFERS)
        elements = metadata.instance_models(self.store, resource, base_url=self.base_url)
        return self.compressible(array(elements), content_type=offer.media_type)


class BulkData(DicomWebView):
    """One value that metadata left out and gave a BulkDataURI."""

    def get(self, _request: Request, value: str, **_kwargs: str) -> StreamingHttpResponse:
        resource = self.resource()
        found = bulk_data.find(self.store, resource, value)
        body = bulk_data.body_of(
            found, self.acceptable, location=f"{self.base_url}{resource.path}/{bulk_data.SEGMENT}/{value}"
        )
        return self.streamed(body.chunks, content_type=body.content_type, length_bytes=body.length_bytes)


class Search(DicomWebView):
    """Studies, series or instances that match the query; level says which."""

    level: search.Level = "studies"

    def get(self, request: Request, **kwargs: str) -> HttpResponseBase:
        offer = self.acceptable.choose(metadata.OFFERS)
        query = parse_search_query(
            (name, value) for name, values in request.query_params.lists() for value in values
        )
        found = self._found(query, kwargs)
        base_url = self.base_url
        lines = (with_bulk_data_base(line, base_url) for line in found.lines)
        first = next(lines, None)
        response: HttpResponseBase
        if first is None and self.environment.web.qido_no_match_status == 204:
            response = HttpResponse(status=204)
        else:
            elements = lines if first is None else chain([first], lines)
            response = self.compressible(array(elements), content_type=offer.media_type)
        self._warn(response, query, found)
        return response

    def _found(self, query: SearchQuery, kwargs: dict[str, str]) -> search.Found:
        scope = search.Scope(
            tenant=self.tenant,
            study_instance_uid=kwargs.get("study"),
            series_instance_uid=kwargs.get("series"),
            base_url=self.base_url,
        )
        most = self.environment.web.qido_max_results
        limit = most if query.limit is None else min(query.limit, most)
        match self.level:
            case "studies":
                return search.studies(scope, query, limit)
            case "series":
                return search.series(scope, query, limit)
            case "instances":
                web = self.environment.web
                return InstanceSearch(
                    self.store,
                    shared_warehouse(self.environment.warehouse),
                    scope,
                    query,
                    max_series=web.qido_max_series,
                    max_seconds=web.qido_max_seconds,
                ).found(limit)

    def _warn(self, response: HttpResponseBase, query: SearchQuery, found: search.Found) -> None:
        if query.is_fuzzy:
            self.warn(
                response,
                "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
            )
        if found.additional:
            self.warn(response, f"There are {found.additional} additional results that can be requested")


class NoSuchResource(DicomWebView):
    """Whatever no other route names, so that it is answered in the same form as all else."""

    def get(self, _request: Request, **_kwargs: str) -> NoReturn:
        raise NothingThere("resource")
