"""Short rounds of `python -m tests.fuzz.http` and `python -m tests.fuzz.schema`."""

from tests.fuzz.http.serving import fuzz_web
from tests.fuzz.schema import fuzz_schema

SEED = 20261122


def test_mutated_requests_are_answered_and_leave_nothing_behind():
    figures = fuzz_web(requests=400, seed=SEED)
    assert figures.requests == 400
    assert {200, 400, 404, 405, 406} <= figures.statuses.keys()


def test_answers_are_as_the_openapi_document_says():
    assert "No issues found" in fuzz_schema(seconds=4, seed=SEED)
