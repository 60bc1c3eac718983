"""A live SCP and the rules that it finds in the store: the next association goes by them."""

import subprocess

import pytest
from pydicom import dcmread
from pynetdicom import AE

from dicomhub.intake.admission import (
    AdmissionSnapshot,
    Restriction,
    TenantAdmission,
    TenantAttribute,
    write_admission,
)
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT
from tests.scp.copies import fresh_copy
from tests.scp.pdus import CT, EXPLICIT, IMPLICIT, VERIFICATION, associate_rq
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command

MR = "1.2.840.10008.5.1.4.1.1.4"
TENANTS = {name: TenantAdmission(tenant=name) for name in ("default", "north", "south")}
LOOPBACK, ELSEWHERE = (
    Restriction(networks=("127.0.0.0/8", "::1/128")),
    Restriction(networks=("192.0.2.0/24",)),
)


@pytest.fixture
def store(scp) -> FilesystemStore:
    return FilesystemStore(scp.store_root, durability="process")


@pytest.fixture
def admit(store):
    """Write a snapshot; after the test everything is open again."""
    yield lambda **rules: write_admission(store, AdmissionSnapshot(tenants=TENANTS, **rules))
    write_admission(store, AdmissionSnapshot())


def answer(scp, **titles: bytes) -> tuple[int, ...]:
    """2 for an acceptance; result, source and reason of a rejection."""
    with RawPeer(scp) as peer:
        peer.send(associate_rq(**titles))
        pdu_type, body = peer.read()
        return (pdu_type,) if pdu_type == 2 else tuple(body[1:])


def stored(scp, path, **titles: bytes) -> tuple[int, str, str | None]:
    """Status, comment, and the tenant that the instance was archived for."""
    with RawPeer(scp).associate(**titles) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        status, comment = peer.status()
    found = [file for file in scp.archived() if file.stem == path.stem]
    return status, comment, found[0].relative_to(scp.store_root).parts[0] if found else None


def test_out_of_the_box_any_title_may_send(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    command = ["storescu", "-aec", "WHATEVER", "-aet", "WHOEVER", scp.host, str(scp.port), path]
    assert subprocess.run(command, check=False, timeout=300).returncode == 0


def test_a_closed_called_title_is_rejected_with_reason_7(scp, admit):
    admit(are_called_titles_closed=True, called_ae_titles={"NORTH": "north"})
    assert answer(scp, called=b"ELSE") == (1, 1, 7)
    assert answer(scp, called=b"NORTH") == answer(scp, called=b"DICOMHUB") == (2,)


def test_a_closed_calling_title_is_rejected_with_reason_3(scp, admit):
    admit(are_calling_titles_closed=True, calling_ae_titles={"CT1": "north"})
    assert answer(scp, calling=b"CT2") == (1, 1, 3)
    assert answer(scp, calling=b"CT1") == (2,)


def test_an_address_that_is_not_permitted_is_rejected_with_reason_3(scp, admit):
    admit(default_restriction=ELSEWHERE)
    assert answer(scp) == (1, 1, 3)
    admit(default_restriction=ELSEWHERE, calling_restrictions={"SENDER": LOOPBACK})
    assert answer(scp) == (2,)
    assert answer(scp, calling=b"OTHER") == (1, 1, 3)
    admit(called_restrictions={"DICOMHUB": ELSEWHERE})
    assert answer(scp) == (1, 1, 3)
    assert "address_not_permitted" in scp.log()


def test_pynetdicom_is_told_which_contexts_are_not_permitted(scp, admit):
    admit(calling_restrictions={"CT1": Restriction(sop_class_uids=(CT,))})
    entity = AE("CT1")
    for sop_class, transfer_syntax in ((CT, EXPLICIT), (MR, EXPLICIT), (VERIFICATION, IMPLICIT)):
        entity.add_requested_context(sop_class, transfer_syntax)
    association = entity.associate(scp.host, scp.port)
    assert {context.abstract_syntax for context in association.accepted_contexts} == {CT, VERIFICATION}
    assert [(context.abstract_syntax, context.result) for context in association.rejected_contexts] == [
        (MR, 1)  # user rejection
    ]
    association.release()


def test_the_tenant_is_the_one_that_a_private_attribute_names(scp, admit, tmp_path):
    attribute = TenantAttribute(tag="00291010", private_creator="ACME", tenants={"N": "north", "S": "south"})
    admit(tenant_attribute=attribute, calling_ae_titles={"CT1": "south"})

    def marked(value: str | None):
        path = fresh_copy("CT_small.dcm", tmp_path)
        data_set = dcmread(path)
        data_set.private_block(0x0029, "OTHER", create=True).add_new(0x10, "LO", "S")
        if value is not None:
            data_set.private_block(0x0029, "ACME", create=True).add_new(0x10, "LO", value)
        data_set.save_as(path)
        return path

    assert stored(scp, marked("N")) == (0, "", "north")
    assert stored(scp, marked("S")) == (0, "", "south")
    assert stored(scp, marked("N"), calling=b"CT1") == (0, "", "north")
    assert stored(scp, marked("X"), calling=b"CT1") == (0, "", "south")
    assert stored(scp, marked(None), calling=b"CT1") == (0, "", "south")
    assert stored(scp, marked("X")) == (0, "", "default")


def test_what_names_no_tenant_is_refused_where_that_is_wanted(scp, admit, tmp_path):
    attribute = TenantAttribute(tag="00080080", tenants={"North": "north"}, is_unknown_refused=True)
    admit(tenant_attribute=attribute, calling_ae_titles={"CT1": "south"})
    assert stored(scp, fresh_copy("CT_small.dcm", tmp_path, InstitutionName="North")) == (0, "", "north")
    unknown = fresh_copy("CT_small.dcm", tmp_path, InstitutionName="Elsewhere")
    assert stored(scp, unknown) == (0x0124, "(0008,0080) names no tenant", None)
    assert stored(scp, unknown, calling=b"CT1")[0] == 0x0124
    absent = fresh_copy("CT_small.dcm", tmp_path, InstitutionName="")
    assert stored(scp, absent) == (0x0124, "(0008,0080) is missing, and would name the tenant", None)
    assert stored(scp, absent, calling=b"CT1") == (0, "", "south")
    assert scp.incoming() == []
    assert "Elsewhere" not in scp.log()


@pytest.mark.parametrize(
    "document", [b"", b"{", b'{"calling_ae_titles": {"CT1": "gone"}}', b'{"version": 99}']
)
def test_a_damaged_snapshot_lets_nobody_in_until_it_is_whole_again(scp, store, admit, document):
    store.write_document(ADMISSION_SNAPSHOT, document)
    assert answer(scp) == (2, 3, 1)
    admit()
    assert answer(scp) == (2,)


def test_an_association_goes_on_by_the_rules_that_it_began_with(scp, admit, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    with RawPeer(scp).associate() as peer:
        admit(are_calling_titles_closed=True)
        assert answer(scp) == (1, 1, 3)
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
