"""The DICOM JSON Model held to PS3.18 Annex F: by a JSON Schema, and by what no schema can say."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Model = dict[str, Any]
_SCHEMA = Path(__file__).with_name("dicom_json_schema.json")
_PIXELS = {"7FE00008", "7FE00009", "7FE00010"}


def read_dicom_json(body: bytes) -> list[Model]:
    """The data sets of an answer, which is UTF-8, names nothing twice and knows no NaN. RFC 8259."""
    assert not body.startswith(b"\xef\xbb\xbf")
    models = json.loads(body.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_number)
    error = best_match(_validator().iter_errors(models))
    assert error is None, f"{error.json_path}: {error.message[:500]}"
    for model in models:
        _check(model)
    return models


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(_SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), [name for name, _ in pairs]
    return found


def _no_number(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def _check(model: Model) -> None:
    """Ascending tags (F.2.2), no File Meta Information, pixels only by a URI (10.4.3.3.2), in items too."""
    assert list(model) == sorted(model)
    for tag, attribute in model.items():
        assert not tag.startswith("0002")
        assert tag not in _PIXELS or "InlineBinary" not in attribute
        if attribute["vr"] == "SQ":
            for item in attribute.get("Value", []):
                _check(item)
