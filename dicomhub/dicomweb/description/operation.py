"""The terms in which the service describes itself: what a method takes, gives and may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dicomhub.dicomweb.http.negotiation import Offer

# A malformed parameter; who is not known, or may not; no such tenant; no such media type; keys of a provider
# that cannot be had.
_ALWAYS = (400, 401, 403, 404, 406, 503)

Place = Literal["query", "header"]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """schema is JSON Schema. A header or a member of the query string; none has to be given."""

    name: str
    place: Place
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Representation:
    """A body. options: the ways to ask for it in Accept, parameters and all; none: its media type alone.

    schema is that of a JSON body; None for bytes.
    """

    media_type: str
    schema: Schema | None = None
    options: tuple[str, ...] = ()

    @property
    def accepted_as(self) -> tuple[str, ...]:
        return self.options or (self.media_type,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """transaction: its name in PS3.18, section: where. gives: bodies of a success, the default first.

    successes and failures are statuses.
    """

    transaction: str
    section: str
    description: str
    gives: tuple[Representation, ...] = ()
    takes: tuple[Representation, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    successes: tuple[int, ...] = (200,)
    failures: tuple[int, ...] = ()

    @property
    def statuses(self) -> tuple[int, ...]:
        """With those that any operation may end in."""
        return tuple(sorted({*self.successes, *_ALWAYS, *self.failures}))

    @property
    def failing(self) -> tuple[int, ...]:
        return tuple(status for status in self.statuses if status not in self.successes)


def of_offers(*offers: Offer, schema: Schema | None = None) -> tuple[Representation, ...]:
    """What a room offers, a representation for each media type."""
    options: dict[str, list[str]] = {}
    for offer in offers:
        options.setdefault(offer.media_type, []).append(str(offer))
    return tuple(
        Representation(media_type, schema, tuple(texts) if texts != [media_type] else ())
        for media_type, texts in options.items()
    )
