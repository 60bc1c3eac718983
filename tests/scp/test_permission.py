"""Who may come in, by the rules of a snapshot."""

import pytest

from dicomhub.intake.admission import AdmissionSnapshot, Restriction, TenantAdmission
from scp.permission import AdmissionRules, Permission
from scp.upper_layer.answer import Rejection

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
TENANTS = {name: TenantAdmission(tenant=name) for name in ("default", "north", "south")}
UNKNOWN_CALLED = Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED
UNKNOWN_CALLING = Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED


def judged(called: str = "ANY", calling: str = "ANY", peer: str = "192.0.2.1:50000", **snapshot):
    rules = AdmissionRules(AdmissionSnapshot(tenants=TENANTS, **snapshot), own_ae_title="DICOMHUB")
    return rules.judge(called_ae_title=called, calling_ae_title=calling, peer=peer)


def test_nobody_is_refused_by_default():
    assert judged() == Permission(tenant=TENANTS["default"])


def test_closed_called_titles_are_ours_and_those_that_are_assigned():
    closed = {"are_called_titles_closed": True, "called_ae_titles": {"NORTH": "north"}}
    assert judged("DICOMHUB", **closed).tenant.tenant == "default"
    assert judged("NORTH", **closed).tenant.tenant == "north"
    assert judged("ANY", **closed) is judged("dicomhub", **closed) is UNKNOWN_CALLED


def test_closed_calling_titles_are_those_that_are_assigned():
    closed = {"are_calling_titles_closed": True, "calling_ae_titles": {"CT1": "south"}}
    assert judged(calling="CT1", **closed).tenant.tenant == "south"
    assert judged(calling="CT2", **closed) is UNKNOWN_CALLING


def test_the_called_title_is_judged_first():
    assert judged(are_called_titles_closed=True, are_calling_titles_closed=True) is UNKNOWN_CALLED


def test_the_called_title_says_whose_it_is_before_the_calling_one():
    titles = {"called_ae_titles": {"NORTH": "north"}, "calling_ae_titles": {"CT1": "south"}}
    assert judged("NORTH", "CT1", **titles).tenant.tenant == "north"
    assert judged("ANY", "CT1", **titles).tenant.tenant == "south"


@pytest.mark.parametrize(
    ("peer", "network", "is_within"),
    [
        ("192.0.2.1:104", "192.0.2.0/24", True),
        ("192.0.2.1:104", "192.0.2.1/32", True),
        ("192.0.2.1:104", "192.0.3.0/24", False),
        ("192.0.2.1:104", "2001:db8::/32", False),
        ("192.0.2.1:104", "::/0", False),
        ("[2001:db8::7]:104", "2001:db8::/32", True),
        ("[2001:db9::7]:104", "2001:db8::/32", False),
        ("[2001:db8::7]:104", "0.0.0.0/0", False),
        ("[::ffff:192.0.2.1]:104", "192.0.2.0/24", True),
        ("[fe80::1%eth0]:104", "fe80::/10", True),
        ("/some/socket", "0.0.0.0/0", False),
    ],
)
def test_an_address_is_within_a_network_or_not(peer, network, is_within):
    default = {"default_restriction": Restriction(networks=("198.51.100.0/24", network))}
    assert isinstance(judged(peer=peer, **default), Permission) == is_within
    assert is_within or judged(peer=peer, **default) is UNKNOWN_CALLING


def test_a_titles_own_networks_stand_instead_of_the_default_ones():
    rules = {
        "default_restriction": Restriction(networks=("10.0.0.0/8",)),
        "calling_restrictions": {"CT1": Restriction(networks=("192.0.2.0/24",))},
        "called_restrictions": {"NORTH": Restriction(networks=("192.0.2.0/25",))},
    }
    assert judged(calling="CT2", **rules) is UNKNOWN_CALLING
    assert isinstance(judged(calling="CT2", peer="10.1.1.1:1", **rules), Permission)
    assert isinstance(judged(calling="CT1", **rules), Permission)
    assert judged(calling="CT1", peer="10.1.1.1:1", **rules) is UNKNOWN_CALLING
    assert isinstance(judged("NORTH", "CT1", **rules), Permission)
    assert judged("NORTH", "CT1", peer="192.0.2.200:1", **rules) is UNKNOWN_CALLING


def test_sop_classes_are_those_that_both_titles_permit_else_the_default_ones():
    rules = {
        "default_restriction": Restriction(sop_class_uids=(CT, MR)),
        "calling_restrictions": {
            "CT1": Restriction(sop_class_uids=(CT,)),
            "HERE": Restriction(networks=("192.0.2.0/24",)),
        },
        "called_restrictions": {"MR": Restriction(sop_class_uids=(MR,))},
    }
    assert judged(**rules).sop_class_uids == {CT, MR}
    assert judged(calling="HERE", **rules).sop_class_uids == {CT, MR}
    assert judged(calling="CT1", **rules).sop_class_uids == {CT}
    assert judged("MR", "CT1", **rules).sop_class_uids == frozenset()
    assert judged(calling="CT1", calling_restrictions=rules["calling_restrictions"]).sop_class_uids == {CT}
    assert judged().sop_class_uids is None
