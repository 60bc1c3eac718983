"""Searches of studies, series and instances. PS3.18 10.6."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.json_stream import array
from dicomhub.dicomweb.http.multipart import PartHead
from dicomhub.dicomweb.http.negotiation import DICOM_XML, Offer
from dicomhub.dicomweb.retrieve import metadata
from dicomhub.dicomweb.retrieve.metadata import with_bulk_data_base
from dicomhub.dicomweb.retrieve.metadata_xml import document
from dicomhub.dicomweb.search import rows
from dicomhub.dicomweb.search.instances import instances
from dicomhub.dicomweb.search.query import SearchQuery, parse_search_query
from dicomhub.dicomweb.search.question import Question, Sources
from dicomhub.dicomweb.search.upper_levels import series, studies
from dicomhub.dicomweb.view import DicomWebView
from dicomhub.standard.dicom_json import encode_model
from tasks.warehouse.open import shared_warehouse

_FIND = {"studies": studies, "series": series, "instances": instances}


class Search(DicomWebView):
    """Studies, series or instances that match the query; level says which."""

    varies_by = ("Accept", "Accept-Encoding", "Accept-Charset")
    scopes: ClassVar = {"GET": Scope.SEARCH}

    level: rows.Level = "studies"

    def get(self, request: Request, **kwargs: str) -> HttpResponseBase:
        offer = self.acceptable.choose((*metadata.OFFERS, metadata.XML_OFFER))
        pairs = ((name, value) for name, values in request.query_params.lists() for value in values)
        query = parse_search_query(pairs, max_uids=self.environment.web.qido_max_uids)
        found = self._found(query, kwargs)
        lines = self._lines(found.models)
        first = next(lines, None)
        response: HttpResponseBase
        if first is None and self.environment.web.qido_no_match_status == 204:
            response = HttpResponse(status=204)
        else:
            response = self._answer(lines if first is None else chain([first], lines), offer)
        self._warn(response, query, found)
        return response

    def _answer(self, lines: Iterable[bytes], offer: Offer) -> HttpResponseBase:
        """One JSON array, or a part a result in XML. PS3.18 10.6.4, 8.7.4."""
        if offer != metadata.XML_OFFER:
            return self.compressible(array(lines), content_type=offer.media_type)
        boundary = multipart.new_boundary()
        parts = ((PartHead(DICOM_XML, rows.retrieve_url_of(line)), (document(line),)) for line in lines)
        content_type = multipart.content_type(part_type=DICOM_XML, boundary=boundary)
        return self.compressible(multipart.encode(parts, boundary), content_type=content_type)

    def _lines(self, models: Iterable[rows.Model]) -> Iterator[bytes]:
        base_url = self.base_url
        return (with_bulk_data_base(encode_model(model), base_url) for model in models)

    def _found(self, query: SearchQuery, kwargs: dict[str, str]) -> rows.Found:
        web = self.environment.web
        within = rows.Within(
            tenant=self.tenant,
            study_instance_uid=kwargs.get("study"),
            series_instance_uid=kwargs.get("series"),
            base_url=self.base_url,
        )
        sources = Sources(
            store=self.store,
            warehouse=shared_warehouse(self.environment.warehouse),
            max_series=web.qido_max_series,
            max_seconds=web.qido_max_seconds,
        )
        most = web.qido_max_results
        limit = most if query.limit is None else min(query.limit, most)
        question = Question(sources, within, query, self.level)
        return _FIND[self.level](question, rows.Answers(within, query), limit)

    def _warn(self, response: HttpResponseBase, query: SearchQuery, found: rows.Found) -> None:
        if query.ignored:
            names = ", ".join(query.ignored)
            self.warn(response, f"These parameters are not supported and have been ignored: {names}")
        if found.additional:
            self.warn(response, f"There are {found.additional} additional results that can be requested")
