"""The services of the receive lane: C-ECHO, C-STORE, and an answer to everything else. PS3.7 9.1, PS3.4 B."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from dicomhub.intake.door import Intake
from dicomhub.intake.failure_status import status_of
from dicomhub.intake.incoming_instance import Announced, Archived, IncomingInstance, out_of_resources
from dicomhub.intake.provenance import Provenance
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.log import logger
from dicomhub.standard.sop_class import VERIFICATION
from dicomhub.standard.status import Status
from dicomhub.standard.uid import is_uid
from scp.dimse import Command, CommandField, Response
from scp.express.begun import BegunInstance
from scp.meters import ARCHIVE_SECONDS, INSTANCE_BYTES, STORE_SECONDS
from scp.permission import Permission
from scp.tally import Tally
from scp.upper_layer.negotiation import NegotiatedContext

Notice = Callable[[Archived, Command, NegotiatedContext], None]


class DataSetSink(Protocol):
    """Where a message's data set goes, and who answers it."""

    def write(self, fragments: Sequence[memoryview]) -> None: ...

    def finish(self) -> Response | None:
        """Return the answer, now that the data set is whole. None: there is none."""

    def discard(self) -> None:
        """Forget what was written: the rest will not come. May be called at any time."""


class ThrownAway:
    """The data set of a command that is answered whatever it holds."""

    def __init__(self, response: Response | None) -> None:
        self._response = response

    def write(self, fragments: Sequence[memoryview]) -> None:
        pass

    def finish(self) -> Response | None:
        return self._response

    def discard(self) -> None:
        pass


class StoredAway:
    """The data set of a C-STORE, on its way into the archive."""

    def __init__(
        self,
        command: Command,
        incoming: IncomingInstance,
        *,
        refuse: Callable[[Command, IntakeRefused], Response],
        stored: Callable[[Archived], None],
        tally: Tally,
        begun_at: float | None = None,
    ) -> None:
        """begun_at is on time.monotonic(), now where it is not said."""
        self._tally = tally
        self._begun_at = begun_at if begun_at is not None else time.monotonic()
        self._stored = stored
        self._command = command
        self._incoming = incoming
        self._refuse = refuse
        self._refusal: Response | None = None

    def write(self, fragments: Sequence[memoryview]) -> None:
        if self._refusal is not None:
            return  # the peer sends the rest all the same
        try:
            self._incoming.write(fragments)
        except IntakeRefused as refused:
            self._incoming.discard()
            self._refusal = self._refuse(self._command, refused)

    def finish(self) -> Response:
        if self._refusal is not None:
            return self._refusal
        whole_at = time.monotonic()
        try:
            archived = self._incoming.archive()
        except IntakeRefused as refused:
            return self._refuse(self._command, refused)
        now = time.monotonic()
        self._tally.observe(INSTANCE_BYTES, archived.instance.size_bytes)
        self._tally.observe(ARCHIVE_SECONDS, now - whole_at)
        self._tally.observe(STORE_SECONDS, now - self._begun_at)
        self._stored(archived)
        return Response(command=self._command, status=Status.SUCCESS)

    def discard(self) -> None:
        self._incoming.discard()


class Services:
    """Begins each message of one association."""

    def __init__(
        self, intake: Intake, *, permission: Permission, provenance: Provenance, tally: Tally
    ) -> None:
        self._tally = tally
        self._intake = intake
        self._permission = permission
        self._provenance = provenance
        self.notice: Notice = lambda _stored, _command, _context: None

    @property
    def is_tenant_known(self) -> bool:
        """Whether every instance of the association is of one tenant."""
        return self._permission.by_attribute is None

    def begin(self, command: Command, context: NegotiatedContext) -> DataSetSink:
        """Return where the data set goes; it is finished at once when the command has none."""
        match command.command_field:
            case CommandField.C_STORE_RQ:
                return self._begin_store(command, context)
            case CommandField.C_ECHO_RQ if context.abstract_syntax == VERIFICATION:
                return ThrownAway(Response(command=command, status=Status.SUCCESS))
            case CommandField.C_ECHO_RQ:
                return self._refused(
                    command, Status.SOP_CLASS_NOT_SUPPORTED, "context is not for Verification"
                )
            case CommandField.C_CANCEL_RQ:
                return ThrownAway(None)  # nothing that is served here can be cancelled
            case _:
                comment = f"command {command.command_field:04X}H is not served"
                return self._refused(command, Status.UNRECOGNIZED_OPERATION, comment)

    def _begin_store(self, command: Command, context: NegotiatedContext) -> DataSetSink:
        if command.affected_sop_class_uid != context.abstract_syntax:
            comment = "SOP class is not the presentation context's"
            return self._refused(command, Status.SOP_CLASS_NOT_SUPPORTED, comment)
        if context.abstract_syntax == VERIFICATION:
            return self._refused(command, Status.SOP_CLASS_NOT_SUPPORTED, "Verification is not stored")
        if not is_uid(command.affected_sop_instance_uid):
            comment = "Affected SOP Instance UID is no UID"
            return self._refused(command, Status.INVALID_SOP_INSTANCE, comment)
        if not command.has_data_set:
            return self._refused(command, Status.MISTYPED_ARGUMENT, "C-STORE without a data set")
        try:
            incoming = self._intake.receive(
                sop_class_uid=command.affected_sop_class_uid,
                sop_instance_uid=command.affected_sop_instance_uid,
                transfer_syntax_uid=context.transfer_syntax,
                admission=self._permission.tenant,
                provenance=self._provenance,
                by_attribute=self._permission.by_attribute,
            )
        except IntakeRefused as refused:
            return ThrownAway(self._refuse(command, refused))
        return self._stored_away(command, incoming, context)

    def resume(self, begun: BegunInstance, context: NegotiatedContext) -> DataSetSink:
        """Go on with an instance that the express lane has begun."""
        try:
            if begun.error:
                raise out_of_resources(OSError(begun.error, os.strerror(begun.error)))
            incoming = self._resumed(begun, context)
        except IntakeRefused as refused:
            begun.file.discard()
            return ThrownAway(self._refuse(begun.command, refused))
        return self._stored_away(begun.command, incoming, context, begun_at=begun.begun_at)

    def _resumed(self, begun: BegunInstance, context: NegotiatedContext) -> IncomingInstance:
        try:
            return self._intake.resume(
                begun.file,
                announced=Announced(
                    sop_class_uid=begun.command.affected_sop_class_uid,
                    sop_instance_uid=begun.command.affected_sop_instance_uid,
                    transfer_syntax_uid=context.transfer_syntax,
                ),
                data_set_offset=begun.data_set_offset,
                admission=self._permission.tenant,
                provenance=self._provenance,
            )
        except OSError as error:
            raise out_of_resources(error) from error

    def _stored_away(
        self,
        command: Command,
        incoming: IncomingInstance,
        context: NegotiatedContext,
        *,
        begun_at: float | None = None,
    ) -> StoredAway:
        return StoredAway(
            command,
            incoming,
            refuse=self._refuse,
            stored=lambda archived: self.notice(archived, command, context),
            tally=self._tally,
            begun_at=begun_at,
        )

    def _refuse(self, command: Command, refused: IntakeRefused) -> Response:
        return self._answer(command, status_of(refused), refused.comment)

    def _refused(self, command: Command, status: Status, comment: str) -> ThrownAway:
        return ThrownAway(self._answer(command, status, comment))

    def _answer(self, command: Command, status: Status, comment: str) -> Response:
        logger().warning(
            "refused",
            command=f"{command.command_field:04X}",
            status=f"{status:04X}",
            reason=comment,
            instance=command.affected_sop_instance_uid[:64],
        )
        return Response(command=command, status=status, comment=comment)
