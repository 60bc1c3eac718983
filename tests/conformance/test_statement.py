"""The conformance statement says what the running code does."""

import pytest

from dicomhub.conformance.blocks import BlocksDiffer, renewed, table
from dicomhub.conformance.statement import PATH, current
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES


def test_the_tables_of_the_statement_are_current():
    written = PATH.read_text("utf-8")
    assert current(written) == written, "run manage.py conformance"
    assert all(f"| {uid} |" in written for uid in TRANSFER_SYNTAXES)


def test_a_block_is_renewed_and_what_stands_around_it_stays():
    document = "a\n<!-- generated: x -->\nold\n<!-- end of x -->\nb\n"
    fresh = renewed(document, {"x": lambda: table(("h",), [("1|2",)])})
    assert fresh == "a\n<!-- generated: x -->\n\n| h |\n|---|\n| 1\\|2 |\n\n<!-- end of x -->\nb\n"
    assert renewed(fresh, {"x": lambda: table(("h",), [("1|2",)])}) == fresh
    with pytest.raises(BlocksDiffer, match="y"):
        renewed(document, {"x": str, "y": str})
