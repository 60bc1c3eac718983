"""A short run of `python -m tests.fuzz`, the same each time."""

from scp.express.library import library_path
from tests.fuzz.parsing import fuzz_parser
from tests.fuzz.serving import fuzz_supervisor

SEED = 20_261_121


def test_no_damaged_stream_breaks_the_parser_or_what_stands_behind_it():
    figures = fuzz_parser(streams=3_000, seed=SEED)
    assert figures.requests_accepted > 1_000
    assert figures.invalid > 500
    assert figures.commands > 1_000


def test_no_damaged_stream_leaves_a_trace_in_a_supervisor():
    figures = fuzz_supervisor(streams=150, seed=SEED)
    assert figures.express > 20 or not library_path().exists()
    assert figures.outcomes["released"] > 10
    assert figures.outcomes["protocol error"] > 20
