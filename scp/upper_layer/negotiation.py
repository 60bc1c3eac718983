"""Which of the proposed presentation contexts are accepted, and with which transfer syntax. PS3.8 9.3.3.2.

The tables are built once, in the parent; a proposal costs a look-up or two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from pydicom._uid_dict import UID_dictionary

from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES, VERIFICATION
from dicomhub.standard.transfer_syntax import (
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
)
from dicomhub.standard.uid import is_uid
from scp.upper_layer.request import ProposedContext

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
PROTOCOL_VERSION_BIT = 0x0001

_STANDARD_ROOT = "1.2.840.10008."
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."
# An archive keeps what it is given, so it takes what the peer likes best, but these two, which the web may
# not carry, only when there is nothing else.
_LAST_RESORTS = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})


class ContextResult(IntEnum):
    ACCEPTED = 0
    USER_REJECTION = 1
    PROVIDER_REJECTION = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class NegotiatedContext:
    """transfer_syntax is "" unless the context is accepted."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    result: ContextResult

    @property
    def is_accepted(self) -> bool:
        return self.result is ContextResult.ACCEPTED


class ContextNegotiator:
    def __init__(self, *, accept_unknown_sop_classes: bool) -> None:
        self._accept_unknown_sop_classes = accept_unknown_sop_classes
        self._sop_classes = frozenset(STORAGE_SOP_CLASSES) | {VERIFICATION}
        self._transfer_syntaxes = frozenset(TRANSFER_SYNTAXES)

    def negotiate(self, proposed: Iterable[ProposedContext]) -> tuple[NegotiatedContext, ...]:
        return tuple(self._negotiate_one(context) for context in proposed)

    def _negotiate_one(self, proposed: ProposedContext) -> NegotiatedContext:
        transfer_syntax = ""
        if proposed.context_id % 2 == 0:
            result = ContextResult.PROVIDER_REJECTION  # identifiers are odd, PS3.8 9.3.2.2
        elif not self._is_supported(proposed.abstract_syntax):
            result = ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED
        else:
            transfer_syntax = self._transfer_syntax(proposed.transfer_syntaxes)
            result = (
                ContextResult.ACCEPTED if transfer_syntax else ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED
            )
        return NegotiatedContext(proposed.context_id, proposed.abstract_syntax, transfer_syntax, result)

    def _is_supported(self, abstract_syntax: str) -> bool:
        if abstract_syntax in self._sop_classes:
            return True
        return self._accept_unknown_sop_classes and is_unknown_sop_class(abstract_syntax)

    def _transfer_syntax(self, proposed: tuple[str, ...]) -> str:
        known = [uid for uid in proposed if uid in self._transfer_syntaxes]
        better = [uid for uid in known if uid not in _LAST_RESORTS]
        return next(iter(better or known), "")


def is_unknown_sop_class(uid: str) -> bool:
    """Whether a UID may be a storage SOP class that this program has not heard of.

    That is a private one, or one of the standard's storage branch that is newer than our list. What the
    standard knows as something else, a query service say, is none.
    """
    if not is_uid(uid) or uid in UID_dictionary:
        return False
    return uid.startswith(_STORAGE_ROOT) or not uid.startswith(_STANDARD_ROOT)
