"""Which instances may need a rendition: told by what was archived, without a look at the files."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dicomhub.archive.incoming import key_of
from dicomhub.metadata.manifest import read_manifest
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey, instance_path
from dicomhub.transcoding import selectors
from dicomhub.transcoding.models import UnrenderedInstance
from tasks.messages import StoredInstance
from tasks.transcode.candidate import Candidate
from tasks.transcode.plan import is_for_viewers


def of_batch(instances: Iterable[StoredInstance]) -> list[Candidate]:
    """What viewers cannot decode, and what could not be rendered before. Raises selectors.PolicyInvalid."""
    by_path = {instance.path: instance for instance in instances}
    settings = selectors.settings_by_tenant(instance.tenant for instance in by_path.values())
    keys = {path: key_of(instance) for path, instance in by_path.items()}
    earlier = selectors.earlier_tries(keys.values())
    return [
        Candidate(
            key=keys[path],
            sop_instance_uid=instance.sop_instance_uid,
            sop_class_uid=instance.sop_class_uid,
            transfer_syntax_uid=instance.transfer_syntax_uid,
            path=path,
            settings=settings[instance.tenant],
            earlier=tried,
        )
        for path, instance in by_path.items()
        if (tried := earlier.get((keys[path], instance.sop_instance_uid))) is not None
        or not is_for_viewers(instance.transfer_syntax_uid, settings[instance.tenant])
    ]


def of_rows(rows: Iterable[UnrenderedInstance]) -> Iterator[Candidate]:
    """What is to be tried again. Raises selectors.PolicyInvalid."""
    rows = list(rows)
    settings = selectors.settings_by_tenant(row.tenant for row in rows)
    for row in rows:
        key, sop_instance_uid = selectors.instance_key(row)
        yield Candidate(
            key=key,
            sop_instance_uid=sop_instance_uid,
            sop_class_uid=row.sop_class_uid,
            transfer_syntax_uid=row.source_transfer_syntax_uid,
            path=instance_path(*key, sop_instance_uid),
            settings=settings[row.tenant],
            earlier=selectors.earlier_of(row),
        )


def of_series(store: FilesystemStore, key: SeriesKey, *, retry_failed: bool = False) -> list[Candidate]:
    """Of what a series holds now. Raises selectors.PolicyInvalid.

    retry_failed: also what was given up before.
    """
    settings = selectors.settings_by_tenant([key.tenant])[key.tenant]
    earlier = selectors.earlier_tries([key])
    manifest = read_manifest(store, key)
    entries = {entry.sop_instance_uid: entry for entry in manifest.instances} if manifest else {}
    candidates = []
    for file in store.instance_files(*key):
        entry = entries.get(file.sop_instance_uid)
        if entry and (entry.size_bytes, entry.modified_at) != (file.size_bytes, file.modified_at):
            entry = None  # of an earlier file
        tried = earlier.get((key, file.sop_instance_uid))
        if entry and tried is None and is_for_viewers(entry.transfer_syntax_uid, settings):
            continue
        if tried is not None and retry_failed:
            tried = replace(tried, is_given_up=False, tried={})
        candidates.append(
            Candidate(
                key=key,
                sop_instance_uid=file.sop_instance_uid,
                sop_class_uid=entry.sop_class_uid if entry else "",
                transfer_syntax_uid=entry.transfer_syntax_uid if entry else "",
                path=file.path,
                settings=settings,
                earlier=tried,
            )
        )
    return candidates
