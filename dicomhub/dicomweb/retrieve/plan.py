"""WADO-RS retrieve: which instances are sent in which form, settled before anything is read. PS3.18 10.4."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.http.negotiation import DICOM, ZIP, Acceptable, Offer
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.dicomweb.retrieve.representation import dicom_offers, needs_decoder


@dataclass(frozen=True, slots=True)
class Planned:
    """An instance, and the representation of it that this client gets."""

    instance: ArchivedInstance
    offer: Offer

    @property
    def is_as_stored(self) -> bool:
        return self.offer.transfer_syntax_uid == self.instance.transfer_syntax_uid

    @property
    def needs_decoder(self) -> bool:
        return needs_decoder(self.instance.transfer_syntax_uid, self.offer.transfer_syntax_uid or "")

    @property
    def content_type(self) -> str:
        return f"{DICOM}; transfer-syntax={self.offer.transfer_syntax_uid}"

    def part_head(self, base_url: str) -> multipart.PartHead:
        return multipart.PartHead(self.content_type, base_url + self.instance.resource.path)


@dataclass(frozen=True, slots=True)
class RetrievePlan:
    """One or more instances to send; left_out counts those that cannot be had in any acceptable form.

    as_stored are the offers that need no decoder: what is left should one fail.
    """

    planned: tuple[Planned, ...]
    left_out: int
    as_stored: tuple[Offer, ...]

    @property
    def instances(self) -> list[ArchivedInstance]:
        return [each.instance for each in self.planned]

    @property
    def media_type(self) -> str:
        """Of the whole answer; all instances are in one."""
        return self.planned[0].offer.media_type

    @property
    def is_length_known(self) -> bool:
        return self.media_type != ZIP and all(each.is_as_stored for each in self.planned)

    @property
    def archived_file(self) -> ArchivedInstance | None:
        """The one that is to be sent byte for byte, without anything around it."""
        is_it = self.media_type == DICOM and self.is_length_known
        return self.planned[0].instance if is_it else None

    @property
    def etag(self) -> str:
        """Strong for one file byte for byte; else a boundary or an encoder may differ from time to time."""
        versions = (f"{each.instance.version} {each.offer}" for each in self.planned)
        return entity_tag(str(self.left_out), *versions, is_weak=self.archived_file is None)

    @property
    def modified_at(self) -> datetime:
        return max(each.instance.modified_at for each in self.planned)


def plan_retrieve(
    instances: Sequence[ArchivedInstance],
    acceptable: Acceptable,
    renditions: Renditions,
    *,
    single_part: bool,
) -> RetrievePlan:
    """Raises NotAcceptable when none of the instances can be had in an acceptable form."""
    instances_of: dict[str, list[ArchivedInstance]] = {}
    for instance in instances:
        instances_of.setdefault(instance.transfer_syntax_uid, []).append(instance)
    offers_of = {
        uid: _offers(uid, some, acceptable, renditions, single_part=single_part)
        for uid, some in instances_of.items()
    }
    every_offer = [offer for offers in offers_of.values() for offer in offers]
    media_type = acceptable.choose(every_offer).media_type
    choices = {
        uid: acceptable.choice([offer for offer in offers if offer.media_type == media_type])
        for uid, offers in offers_of.items()
    }
    planned = tuple(
        Planned(instance, offer)
        for instance in instances
        if (offer := choices[instance.transfer_syntax_uid]) is not None
    )
    as_stored = tuple(
        offer
        for uid, offers in offers_of.items()
        for offer in offers
        if not needs_decoder(uid, offer.transfer_syntax_uid or "")
    )
    return RetrievePlan(planned, len(instances) - len(planned), as_stored)


def _offers(
    uid: str,
    instances: Sequence[ArchivedInstance],
    acceptable: Acceptable,
    renditions: Renditions,
    *,
    single_part: bool,
) -> Sequence[Offer]:
    """Those of one transfer syntax.

    Which decoders there are is asked only when one is needed: codec processes are started for that.
    """
    offers = dicom_offers(uid, single_part=single_part, is_decodable=True)
    choice = acceptable.choice(offers)
    wanted = choice.transfer_syntax_uid if choice is not None else None
    is_as_stored = wanted is not None and not needs_decoder(uid, wanted)
    if is_as_stored or len(offers) == 1:
        return offers
    is_at_hand = wanted is not None and all(renditions.fresh(one, wanted) for one in instances)
    if is_at_hand or renditions.can_decode(uid):
        return offers
    return dicom_offers(uid, single_part=single_part, is_decodable=False)
