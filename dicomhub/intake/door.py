"""The one door for new instances: DIMSE, STOW-RS and imports all come in here.

File first, journal second, broker third. When an instance is archived its bytes are there to stay and the
journal says that the database has to learn of them; the dispatcher does the rest, in a process of its own.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from dicomhub.environment import Environment
from dicomhub.intake.admission import TenantAdmission
from dicomhub.intake.archived_file import describe_file
from dicomhub.intake.incoming_instance import (
    UNWATCHED_BYTES,
    Announced,
    Archived,
    IncomingInstance,
    WholeInstance,
    out_of_resources,
)
from dicomhub.intake.journal import Journal
from dicomhub.intake.provenance import Provenance
from dicomhub.intake.quarantine import Quarantine
from dicomhub.intake.refusal import DuplicateRefused, OutOfResources
from dicomhub.intake.tenant_by_attribute import TenantByAttribute
from dicomhub.standard.part10 import file_header
from dicomhub.standard.transfer_syntax import transfer_syntax
from dicomhub.storage.filesystem import DuplicateInstance, FilesystemStore, open_store
from dicomhub.storage.incoming import IncomingFile
from dicomhub.storage.layout import JOURNAL, QUARANTINE, instance_path
from tasks.messages import StoredInstance


class Intake:
    """One writer's way into the archive. Belongs to one process; open it after the fork."""

    def __init__(
        self, *, store: FilesystemStore, journal: Journal, quarantine: Quarantine, reserve_bytes: int
    ) -> None:
        self.store = store
        self.journal = journal
        self.reserve_bytes = reserve_bytes
        self._quarantine = quarantine

    @classmethod
    def open(
        cls,
        environment: Environment,
        *,
        owner: str,
        was_cut: Callable[[], None] = lambda: None,
        beat: Callable[[], None] = lambda: None,
    ) -> "Intake":
        """Open store and journal; no thread, no broker. owner names the writer in its journal segments.

        was_cut is called for each batch that has been cut; beat while an instance takes long.
        """
        store = open_store(environment, beat=beat)
        return cls(
            store=store,
            journal=Journal(
                store.absolute(JOURNAL),
                owner=owner,
                durability=environment.intake.durability,
                batch_max_instances=environment.intake.batch_max_instances,
                batch_max_seconds=environment.intake.batch_max_seconds,
                was_cut=was_cut,
            ),
            quarantine=Quarantine(
                store.absolute(QUARANTINE), max_bytes=environment.intake.quarantine_max_bytes
            ),
            reserve_bytes=environment.intake.disk_reserve_bytes,
        )

    def receive(
        self,
        *,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str,
        admission: TenantAdmission,
        provenance: Provenance,
        by_attribute: TenantByAttribute | None = None,
    ) -> IncomingInstance:
        """Begin an instance, of the tenant of admission or of the one that by_attribute finds at its end.

        Raises OutOfResources, and TransferSyntaxUnknown.
        """
        announced = Announced(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=transfer_syntax_uid,
        )
        header = file_header(
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=transfer_syntax_uid,
            source_ae_title=provenance.calling_ae_title,
        )
        try:
            self._check_reserve()
            file = self.store.create_incoming()
        except OSError as error:
            raise out_of_resources(error) from error
        try:
            file.write([header])
            return self.resume(
                file,
                announced=announced,
                data_set_offset=len(header),
                admission=admission,
                provenance=provenance,
                by_attribute=by_attribute,
            )
        except OSError as error:
            file.discard()
            raise out_of_resources(error) from error
        except BaseException:
            file.discard()
            raise

    def resume(
        self,
        file: IncomingFile,
        *,
        announced: Announced,
        data_set_offset: int,
        admission: TenantAdmission,
        provenance: Provenance,
        by_attribute: TenantByAttribute | None = None,
    ) -> IncomingInstance:
        """Go on with an instance whose file has its header, and some or all of its data set.

        Raises OutOfResources; the file is left to the caller then.
        """
        if file.size_bytes > UNWATCHED_BYTES:
            self._check_reserve()
        return IncomingInstance(
            file,
            announced=announced,
            data_set_offset=data_set_offset,
            quarantine=self._quarantine,
            check_reserve=self._check_reserve,
            beat=self.store.beat,
            accept=lambda whole: self._accept(
                whole, _tenant_of(whole, by_attribute) or admission, provenance
            ),
        )

    def restore(self, kept_path: str, *, tenant: str, path: str, trace_id: str) -> Archived:
        """Archive a file that lies elsewhere in the store, as it is: no byte of it is copied.

        In no other's place, whatever the tenant's policy: what has come since stays. Raises DuplicateRefused,
        OSError, and what describe_file raises.
        """
        incoming = self.store.take_in(kept_path)
        try:
            stored = describe_file(
                incoming.fileno(), tenant=tenant, path=path, received_at=datetime.now(UTC), trace_id=trace_id
            )
            return self._archived(incoming, stored, replace=False)
        finally:
            incoming.discard()

    def next_deadline(self) -> float | None:
        """When, on time.monotonic(), cut_if_due has something to do; None while nothing is open."""
        return self.journal.next_deadline()

    def cut_if_due(self) -> bool:
        """To be called when idle: cuts or syncs what is due. True when a batch was cut."""
        return self.journal.cut_if_due()

    def cut(self) -> bool:
        """End the open batch: at a release, an abort, the end of an import. True when there was one."""
        return self.journal.cut()

    def close(self) -> None:
        self.cut()

    def has_room(self) -> bool:
        """Whether the store has more free space than its reserve. A store that does not say has none."""
        try:
            self._check_reserve()
        except (OSError, OutOfResources):
            return False
        return True

    def _check_reserve(self) -> None:
        free_bytes = self.store.free_bytes()
        if free_bytes < self.reserve_bytes:
            raise OutOfResources(f"{free_bytes >> 20} MiB free is under the reserve")

    def _accept(self, whole: WholeInstance, admission: TenantAdmission, provenance: Provenance) -> Archived:
        head = whole.head
        stored = provenance.record_of(
            head,
            tenant=admission.tenant,
            path=instance_path(
                admission.tenant, head.study_instance_uid, head.series_instance_uid, head.sop_instance_uid
            ),
            transfer_syntax_uid=whole.announced.transfer_syntax_uid,
            size_bytes=whole.file.size_bytes,
            digest=whole.digest,
            received_at=datetime.now(UTC),
        )
        return self._archived(whole.file, stored, replace=admission.duplicate_policy == "replace")

    def _archived(self, file: IncomingFile, stored: StoredInstance, *, replace: bool) -> Archived:
        try:
            outcome = self.store.archive(
                file,
                stored.path,
                digest=stored.digest,
                replace=replace,
                # Also when the same bytes were there before: a child that was killed between archive and
                # journal has left a file that nobody knows of, and this may be its second try.
                confirm=lambda: self.journal.append(stored),
            )
        except DuplicateInstance as error:
            raise DuplicateRefused("instance is archived with other bytes") from error
        return Archived(stored, outcome)


def _tenant_of(whole: WholeInstance, by_attribute: TenantByAttribute | None) -> TenantAdmission | None:
    if by_attribute is None:
        return None
    syntax = transfer_syntax(whole.announced.transfer_syntax_uid)
    return by_attribute.tenant_of_file(
        whole.file.fileno(), data_set_offset=whole.data_set_offset, syntax=syntax
    )
