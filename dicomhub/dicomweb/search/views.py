"""Searches of studies, series and instances. PS3.18 10.6."""

from itertools import chain
from typing import ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.dicomweb.http.json_stream import array
from dicomhub.dicomweb.retrieve import metadata
from dicomhub.dicomweb.retrieve.metadata import with_bulk_data_base
from dicomhub.dicomweb.scope import Scope
from dicomhub.dicomweb.search import rows as search
from dicomhub.dicomweb.search.instances import InstanceSearch
from dicomhub.dicomweb.search.query import SearchQuery, parse_search_query
from dicomhub.dicomweb.view import DicomWebView
from tasks.warehouse.open import shared_warehouse


class Search(DicomWebView):
    """Studies, series or instances that match the query; level says which."""

    scopes: ClassVar = {"GET": Scope.SEARCH}

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
