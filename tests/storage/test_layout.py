import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.uid import UidInvalid
from dicomhub.storage import layout
from dicomhub.storage.layout import TenantInvalid

UID = "1.2.840.1"


def test_an_instance_lies_below_tenant_study_and_series():
    assert layout.instance_path("default", "1.2", "1.2.3", "1.2.3.4") == "default/1.2/1.2.3/1.2.3.4.dcm"


def test_documents_and_versions_have_folders_of_their_own():
    assert layout.study_metadata_path("default", "1.2") == "metadata/default/1.2.json.gz"
    assert layout.series_metadata_path("default", "1.2", "1.3") == "metadata/default/1.2/1.3.json.gz"
    assert layout.series_manifest_path("default", "1.2", "1.3") == "metadata/default/1.2/1.3.manifest.json.gz"
    archived = layout.instance_path("default", "1.2", "1.3", "1.4")
    assert layout.version_path(archived, "xxh3-128:ab") == "versions/default/1.2/1.3/1.4/xxh3-128-ab.dcm"


@pytest.mark.parametrize("uid", ["", ".", "..", "../1", "1/2", "1.2\n", "1" * 65, "1.2.x", "\u0661.2"])
def test_what_is_no_uid_never_becomes_a_path(uid):
    for uids in ((uid, UID, UID), (UID, uid, UID), (UID, UID, uid)):
        with pytest.raises(UidInvalid):
            layout.instance_path("default", *uids)


@pytest.mark.parametrize("tenant", ["", "A", "a/b", "..", "a" * 65, "metadata", "incoming", "journal", "a\n"])
def test_what_is_no_tenant_never_becomes_a_path(tenant):
    with pytest.raises(TenantInvalid):
        layout.study_directory(tenant, UID)


@given(st.text(max_size=70), st.text(max_size=70))
def test_a_path_has_the_parts_that_it_was_made_of_and_no_other(tenant, uid):
    try:
        path = layout.instance_path(tenant, uid, uid, uid)
    except (UidInvalid, TenantInvalid):
        return
    assert path.split("/") == [tenant, uid, uid, f"{uid}.dcm"]
    assert uid not in {".", ".."}
