"""Searches beside a brute-force matcher: the same answers at each level, over the samples."""

import warnings
from contextlib import suppress

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from dicomhub.intake.refusal import IntakeRefused
from dicomhub.standard.part10 import Part10Malformed
from tasks.pipeline.metadata import metadata
from tests.dicomweb.reading import json_of
from tests.dicomweb.reference_matching import NUMBER_VRS, WILDCARD_VRS, is_match, period, texts_of, vr_of
from tests.support.samples import sample_files

UID_TAGS = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
# How text is encoded, the zone of the search, and what the service says itself.
NOT_KEYS = {"SpecificCharacterSet", "TimezoneOffsetFromUTC", "RetrieveURL", "InstanceAvailability"}
# As keys of their own they mean those of the requests, in a sequence.
OF_REQUESTS = {"ScheduledProcedureStepID", "RequestedProcedureID"}
MAX_BYTES = 700_000


def samples():
    """Those with a study and a patient of their own: what is said of these is what the one instance says."""
    seen = set()
    for path in sample_files():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data_set = pydicom.dcmread(path, stop_before_pixels=True)
                data_set.decode()
                uids = data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID
            except (AttributeError, OSError, LookupError, pydicom.errors.InvalidDicomError):
                continue
        identity = {uids[0], data_set.get("PatientID") or uids[0]}
        if all(uids) and seen.isdisjoint(identity) and path.stat().st_size < MAX_BYTES:
            seen |= identity
            yield path, data_set


def questions(data_set, path=""):
    """Keys that this data set fulfils, or nearly: (keyword, value, rules)."""
    for element in data_set:
        keyword = keyword_for_tag(element.tag)
        if tag_for_keyword(keyword) != element.tag or keyword in NOT_KEYS or element.tag.group == 2:
            continue
        if not path and keyword in OF_REQUESTS:
            continue
        if element.VR == "SQ":
            for item in element.value[:1]:
                if path.count(".") < 2:
                    yield from questions(item, f"{path}{keyword}.")
        elif vr_of(keyword) == element.VR:
            for text in texts_of(data_set, keyword)[-2:]:
                for value, rules in asked(element.VR, text):
                    yield path + keyword, value, rules


def asked(vr, text):
    if not text or len(text) > 64 or not text.isprintable() or {"\\", "�", "*", "?"} & {*text}:
        return
    if vr == "PN":
        yield text, {}
        yield text.split("^")[0].lower(), {}
        yield f"*{text[1:4]}*", {}
        yield " ".join(reversed(text.replace("^", " ").replace("=", " ").split())), {"fuzzymatching": "true"}
        yield text[:2], {"fuzzymatching": "true"}
    elif vr in {"DA", "TM"} and (found := period(vr, text)):
        begin = found[0][:8] if vr == "DA" else found[0][:6]
        yield begin, {}
        yield f"{begin}-", {}
        yield f"-{begin}", {}
        yield f"{begin}-{'99991231' if vr == 'DA' else '235959'}", {}
        yield f"{'00010101' if vr == 'DA' else '0000'}-{begin}", {}
    elif vr in WILDCARD_VRS and "," not in text and '"' not in text:
        yield text, {"multiplevaluematching": "true"}
        yield text.swapcase(), {}
        yield f"{text[:2]}*", {}
        yield f"?{text[1:]}", {}
        yield f"*{text[-2:]}\\nothing", {}
        yield f"{text}\\nothing", {"multiplevaluematching": "true"}
    elif vr == "UI" or (vr in NUMBER_VRS and text.lstrip("-").isdigit()):
        yield text, {}


def archived(filling):
    """Those that can be; the others say one UID and mean another."""
    archive, instances = {}, []
    for path, data_set in samples():
        with suppress(IntakeRefused, Part10Malformed):
            instances += filling.archive(path)
            archive[path] = data_set
    metadata(filling.index(instances))
    return archive


@pytest.mark.django_db
def test_the_same_is_found_as_by_brute_force(filling, get):
    archive = archived(filling)
    asked_for = list(
        {(key, value, *rules) for one in archive.values() for key, value, rules in questions(one)}
    )
    asked_for = sorted(asked_for)
    absent = [(key, '""', "emptyvaluematching") for key in sorted({key for key, *_ in asked_for})]
    compared = set()

    @settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(
        st.lists(
            st.one_of(st.sampled_from(asked_for), st.sampled_from(asked_for), st.sampled_from(absent)),
            min_size=1,
            max_size=3,
        )
    )
    def compare(some):
        keys = {key: value for key, value, *_ in some}
        rules = {rule: "true" for _, _, *given in some for rule in given}
        if "multiplevaluematching" in rules and any(
            "\\" in value and {"*", "?"} & {*value} for value in keys.values()
        ):
            return  # not both, says C.2.2.2.8
        expected = [one for one in archive.values() if is_match(one, keys, rules)]
        for level, tag in UID_TAGS.items():
            response = get(f"/{level}", keys | rules)
            assert response.status_code == 200, (keys, rules, response.content)
            found = {model[tag]["Value"][0] for model in json_of(response)}
            uids = {
                "studies": "StudyInstanceUID",
                "series": "SeriesInstanceUID",
                "instances": "SOPInstanceUID",
            }
            assert found == {str(one[uids[level]].value) for one in expected}, (level, keys, rules)
            compared.add((level, bool(expected)))

    compare()
    assert len(archive) > 40
    assert len(compared) == 6
