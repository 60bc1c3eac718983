"""What a caller of DICOMweb may be allowed to do; each view says which of it a method asks for."""

from enum import StrEnum


class Scope(StrEnum):
    READ = "read"
    SEARCH = "search"
    STORE = "store"
    DELETE = "delete"


ALL_SCOPES = frozenset(Scope)
