"""The admission snapshot: what one age writes another reads, and what does not add up is refused."""

import json

import msgspec
import pytest

from dicomhub.intake.admission import (
    AdmissionSnapshot,
    Restriction,
    TenantAdmission,
    TenantAttribute,
    read_admission,
    write_admission,
)
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT

NORTH = TenantAdmission(tenant="north", duplicate_policy="reject")
DEFAULT = TenantAdmission(tenant="default")


def test_before_anybody_has_written_one_everything_is_open(store: FilesystemStore):
    assert read_admission(store) == AdmissionSnapshot()
    assert AdmissionSnapshot().tenant_of(called_ae_title="ANY", calling_ae_title="ANY") == DEFAULT


def test_what_is_written_is_read(store: FilesystemStore):
    snapshot = AdmissionSnapshot(
        tenants={"default": DEFAULT, "north": NORTH},
        called_ae_titles={"NORTH": "north"},
        calling_ae_titles={"CT1": "default"},
        are_calling_titles_closed=True,
        default_restriction=Restriction(networks=("192.0.2.0/24", "2001:db8::/32")),
        calling_restrictions={"CT1": Restriction(sop_class_uids=("1.2.3",))},
        tenant_attribute=TenantAttribute(tag="00291010", private_creator="ACME", tenants={"N": "north"}),
    )
    write_admission(store, snapshot)
    assert read_admission(store) == snapshot


def test_a_snapshot_of_before_there_were_rules_is_open_and_has_its_tenants(store: FilesystemStore):
    document = {
        "tenants": {
            "default": {"tenant": "default", "duplicate_policy": "replace"},
            "north": {"tenant": "north", "duplicate_policy": "reject"},
        },
        "called_ae_titles": {"NORTH": "north"},
        "calling_ae_titles": {},
    }
    store.write_document(ADMISSION_SNAPSHOT, json.dumps(document).encode())
    snapshot = read_admission(store)
    assert snapshot.tenant_of(called_ae_title="NORTH", calling_ae_title="X") == NORTH
    assert snapshot.tenant_of(called_ae_title="OTHER", calling_ae_title="X") == DEFAULT
    assert not snapshot.are_called_titles_closed
    assert snapshot.default_restriction == Restriction()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"[]",
        b'{"tenants": {}, "called_ae_titles": {"CT1": "gone"}}',
        b'{"calling_ae_titles": {"CT1": "gone"}}',
        b'{"tenants": {"../x": {"tenant": "../x"}}}',
        b'{"tenants": {"north": {"tenant": "south"}}}',
        b'{"are_calling_titles_closed": "no"}',
        b'{"default_restriction": {"networks": ["192.0.2.7/24"]}}',
        b'{"called_restrictions": {"CT1": {"networks": ["everywhere"]}}}',
        b'{"tenant_attribute": {"tag": "0029101G"}}',
        b'{"tenant_attribute": {"tag": "2910"}}',
        b'{"tenant_attribute": {"tag": "00291010", "tenants": {"N": "gone"}}}',
        b'{"version": 2}',
    ],
)
def test_what_does_not_add_up_is_damaged(store: FilesystemStore, document: bytes):
    store.write_document(ADMISSION_SNAPSHOT, document)
    with pytest.raises(msgspec.DecodeError):
        read_admission(store)
