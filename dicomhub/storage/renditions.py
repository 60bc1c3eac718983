"""Renditions beside the archive: each is of the bytes that were archived when it was made, and of no others.

Whoever replaces an archived file holds the lock on its folder alone, and removes the renditions of what was
there before; whoever places one shares that lock. So none gets its name after what it was made of has lost
it. What a crash leaves in between is told by its source stamp.
"""

import fcntl
from collections.abc import Callable

from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.incoming import IncomingFile
from dicomhub.storage.layout import rendition_path
from dicomhub.storage.lock import directory_lock


def place_rendition(
    store: FilesystemStore,
    incoming: IncomingFile,
    *,
    archived_path: str,
    transfer_syntax_uid: str,
    is_current: Callable[[], bool],
) -> bool:
    """Give a whole incoming file its place, over one that is there already.

    is_current says, asked under the lock, whether the archived file is still what the rendition was made of.
    False when it is not, or gone: the incoming file is left to the caller then. Raises OSError.
    """
    try:
        with directory_lock(store.absolute(archived_path).parent, fcntl.LOCK_SH):
            if not is_current():
                return False
            place = rendition_path(archived_path, transfer_syntax_uid)
            store.put(incoming, place)
            # An instance has one rendition: those that settings before these have asked for make way.
            store.remove_renditions(archived_path, but=place)
    except FileNotFoundError:
        return False
    return True
