"""The tables of the DIMSE side, from what the SCP runs by. PS3.2 N."""

from dicomhub.configuration.receiving import ScpSettings
from dicomhub.conformance.blocks import table
from dicomhub.environment import read_environment
from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES, VERIFICATION
from dicomhub.standard.status import Status
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.upper_layer.answer import Rejection
from scp.upper_layer.negotiation import APPLICATION_CONTEXT

_STATUSES: dict[Status, tuple[str, str]] = {
    Status.SUCCESS: (
        "C-ECHO, C-STORE",
        "success. Of C-STORE: the instance is on disk (`SCP_DURABILITY`) and in the journal",
    ),
    Status.DUPLICATE_SOP_INSTANCE: (
        "C-STORE",
        "the instance is archived with other bytes, and its tenant keeps those",
    ),
    Status.INVALID_SOP_INSTANCE: ("C-STORE", "Affected SOP Instance UID is no UID"),
    Status.SOP_CLASS_NOT_SUPPORTED: (
        "C-STORE, C-ECHO",
        "the SOP class is not the context's; C-STORE for Verification; C-ECHO on a context for Storage",
    ),
    Status.NOT_AUTHORIZED: ("C-STORE", "not authorized"),
    Status.UNRECOGNIZED_OPERATION: ("others", "the command is not served"),
    Status.MISTYPED_ARGUMENT: ("C-STORE", "no data set"),
    Status.OUT_OF_RESOURCES: (
        "C-STORE",
        "out of resources: the disk is full, under its reserve, or fails",
    ),
    Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS: (
        "C-STORE",
        "SOP Class UID in the data set is not the command's",
    ),
    Status.CANNOT_UNDERSTAND: (
        "C-STORE",
        (
            "the data set cannot be read in its transfer syntax, begins with group 0000 or 0002, or has "
            "neither SOP UID"
        ),
    ),
    Status.CANNOT_UNDERSTAND_UIDS: (
        "C-STORE",
        "a UID of the data set is missing or malformed, or its SOP Instance UID is not the command's",
    ),
    Status.STUDY_DIFFERS: ("STOW-RS", "the instance is of another study than the request names"),
    Status.TRANSFER_SYNTAX_NOT_SUPPORTED: (
        "STOW-RS",
        "the data set is in a transfer syntax that is not known",
    ),
}
_REJECTIONS: dict[Rejection, str] = {
    Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED: "another application context",
    Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED: "calling AE title empty, malformed or not admitted",
    Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED: "called AE title empty, malformed or not admitted",
    Rejection.PROTOCOL_VERSION_NOT_SUPPORTED: "protocol version 1 not among those offered",
    Rejection.TEMPORARY_CONGESTION: (
        "the disk is under its reserve, or the list of who is admitted cannot be read"
    ),
    Rejection.LOCAL_LIMIT_EXCEEDED: "every child is busy",
}
_TIMERS: dict[str, tuple[str, str]] = {
    "artim_seconds": (
        "connection without A-ASSOCIATE-RQ; connection left open after a rejection, release or abort",
        "close",
    ),
    "stall_seconds": (
        (
            "a PDU or a message that is begun and does not go on, or brings less than "
            "`SCP_MIN_BYTES_PER_SECOND`; a peer that does not take an answer"
        ),
        "A-ABORT 0, 0; close",
    ),
    "idle_seconds": ("an association on which nothing is asked", "A-ABORT 0, 0"),
    "drain_seconds": ("open associations after TERM", "A-ABORT 0, 0"),
}


def _defaults() -> ScpSettings:
    return read_environment({}).scp


def sop_classes() -> str:
    rows = sorted((name, uid) for uid, name in STORAGE_SOP_CLASSES.items())
    return table(("SOP class", "UID"), [("Verification", VERIFICATION), *rows])


def transfer_syntaxes() -> str:
    rows = [(each.name, each.uid) for each in TRANSFER_SYNTAXES.values()]
    return table(("transfer syntax", "UID"), rows)


def association_policies() -> str:
    scp = _defaults()
    rows = (
        ("application context", APPLICATION_CONTEXT),
        ("maximum PDU length offered", f"`SCP_MAX_PDU_BYTES`, {scp.max_pdu_bytes} by default"),
        ("associations at a time", f"`SCP_MAX_CHILDREN`, {scp.max_children} by default"),
        ("associations as an initiator", "none"),
        ("asynchronous operations", "1 invoked, 1 performed"),
        ("implementation class UID", IMPLEMENTATION_CLASS_UID),
        ("implementation version name", f"`{IMPLEMENTATION_VERSION_NAME}`"),
    )
    return table(("", ""), rows)


def rejections() -> str:
    rows = [(", ".join(map(str, each.value)), _REJECTIONS[each]) for each in Rejection]
    return table(("result, source, reason", "when"), rows)


def timers() -> str:
    scp = _defaults()
    rows = [(f"`SCP_{name.upper()}`", f"{getattr(scp, name):g}", *what) for name, what in _TIMERS.items()]
    return table(("setting", "default, s", "watches", "then"), rows)


def statuses() -> str:
    rows = [(f"{each.value:04X}", *_STATUSES[each]) for each in sorted(Status)]
    return table(("status", "command", "meaning"), rows)
