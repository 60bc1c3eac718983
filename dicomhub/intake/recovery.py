"""What writers that are gone have left behind: half-received files, and segments that nobody will cut."""

from dicomhub.intake.reconcile import reconcile
from dicomhub.intake.segments import cut_orphan, orphaned_segments, remove_stillborn
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.incoming import remove_orphans
from dicomhub.storage.layout import INCOMING, JOURNAL


def recover(store: FilesystemStore) -> None:
    """Put it in order, as far as it is this host's. Any number of processes may. Raises OSError."""
    journal = store.absolute(JOURNAL)
    remove_orphans(store.absolute(INCOMING))
    remove_stillborn(journal)
    with orphaned_segments(journal) as orphans:
        reconcile(store, orphans)
        for path in orphans:
            cut_orphan(path)
