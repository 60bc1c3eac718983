"""Who may come in, from where, with which SOP classes, and as whose tenant, by the admission snapshot."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from dicomhub.intake.admission import (
    DEFAULT_TENANT,
    AdmissionSnapshot,
    Restriction,
    TenantAdmission,
)
from dicomhub.intake.tenant_by_attribute import TenantByAttribute
from dicomhub.log import logger
from dicomhub.standard.sop_class import VERIFICATION
from scp.upper_layer.answer import Rejection
from scp.upper_layer.negotiation import ContextResult, NegotiatedContext
from scp.upper_layer.request import AssociateRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What an association may do. sop_class_uids are all that it may store, None for any."""

    tenant: TenantAdmission
    by_attribute: TenantByAttribute | None = None
    sop_class_uids: frozenset[str] | None = None

    def restrict(self, contexts: tuple[NegotiatedContext, ...]) -> tuple[NegotiatedContext, ...]:
        """Reject what we could store and do not let this peer store: as a user, not as a provider."""
        permitted = self.sop_class_uids
        if permitted is None:
            return contexts
        return tuple(
            context
            if not context.is_accepted
            or context.abstract_syntax in permitted
            or context.abstract_syntax == VERIFICATION
            else replace(context, transfer_syntax="", result=ContextResult.USER_REJECTION)
            for context in contexts
        )


def permit_anybody(_request: AssociateRequest) -> Permission:
    return Permission(tenant=TenantAdmission(tenant=DEFAULT_TENANT))


@dataclass(frozen=True, slots=True)
class _Rule:
    """A restriction, made ready to be looked up; None: all."""

    networks: tuple[IPv4Network | IPv6Network, ...] | None
    sop_class_uids: frozenset[str] | None

    @classmethod
    def of(cls, restriction: Restriction) -> "_Rule":
        networks = tuple(ip_network(network) for network in restriction.networks)
        return cls(networks or None, frozenset(restriction.sop_class_uids) or None)


class AdmissionRules:
    """One snapshot's rules; own_ae_title is known however closed the called AE titles are."""

    def __init__(self, snapshot: AdmissionSnapshot, *, own_ae_title: str) -> None:
        self._snapshot = snapshot
        self._own_ae_title = own_ae_title
        self._default = _Rule.of(snapshot.default_restriction)
        self._called = {title: _Rule.of(rule) for title, rule in snapshot.called_restrictions.items()}
        self._calling = {title: _Rule.of(rule) for title, rule in snapshot.calling_restrictions.items()}

    def judge(self, *, called_ae_title: str, calling_ae_title: str, peer: str) -> Permission | Rejection:
        """PS3.8 9.3.4. peer is host:port."""
        snapshot = self._snapshot
        is_called_known = (
            called_ae_title in snapshot.called_ae_titles or called_ae_title == self._own_ae_title
        )
        if snapshot.are_called_titles_closed and not is_called_known:
            return Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED
        if snapshot.are_calling_titles_closed and calling_ae_title not in snapshot.calling_ae_titles:
            return Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
        rules = [
            rule
            for rule in (self._called.get(called_ae_title), self._calling.get(calling_ae_title))
            if rule is not None
        ]
        if not self._is_address_permitted(peer, rules):
            # An AE title is recognized at its own addresses. That there is one of this name somewhere else is
            # nobody's business, so this is what a title that is not known gets, and not 1/1/1.
            logger().warning("address_not_permitted", calling_ae_title=calling_ae_title)
            return Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
        titles = {"called_ae_title": called_ae_title, "calling_ae_title": calling_ae_title}
        return Permission(
            tenant=snapshot.tenant_of(**titles),
            by_attribute=TenantByAttribute.of(snapshot, **titles),
            sop_class_uids=self._sop_class_uids(rules),
        )

    def _is_address_permitted(self, peer: str, rules: list[_Rule]) -> bool:
        """By the networks of both AE titles; those of the default where neither has any."""
        own = [rule.networks for rule in rules if rule.networks is not None]
        default = [self._default.networks] if self._default.networks is not None else []
        return all(_is_within(peer, networks) for networks in own or default)

    def _sop_class_uids(self, rules: list[_Rule]) -> frozenset[str] | None:
        """Those that both AE titles permit; those of the default where neither names any."""
        own = [rule.sop_class_uids for rule in rules if rule.sop_class_uids is not None]
        return frozenset.intersection(*own) if own else self._default.sop_class_uids


def _is_within(peer: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(peer.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False  # whatever it is, it is in no network
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # a listener on :: sees IPv4 peers so
    return any(address in network for network in networks)
