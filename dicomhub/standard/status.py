"""Statuses of C-STORE and C-ECHO responses, and Failure Reasons of STOW-RS.

PS3.7 C, PS3.4 B.2.3, PS3.18 I.2.2.
"""

from enum import IntEnum

ERROR_COMMENT_MAX_LENGTH = 64  # LO, (0000,0902)


class Status(IntEnum):
    SUCCESS = 0x0000
    DUPLICATE_SOP_INSTANCE = 0x0111
    INVALID_SOP_INSTANCE = 0x0117
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    UNRECOGNIZED_OPERATION = 0x0211
    MISTYPED_ARGUMENT = 0x0212
    OUT_OF_RESOURCES = 0xA700
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122  # of STOW-RS: a C-STORE's is negotiated
    STUDY_DIFFERS = 0xC002  # ours: not of the study that the path of a STOW-RS request names
    CANNOT_UNDERSTAND_UIDS = 0xC001  # ours, in the Cxxx range: a UID is missing, malformed or contradictory
