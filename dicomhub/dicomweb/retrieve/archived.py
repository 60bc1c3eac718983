"""The archived instances that a resource stands for, each with what has to be known before it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dicomhub.archive import selectors
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.dicomweb.retrieve.content import read_head
from dicomhub.log import logger
from dicomhub.metadata.manifest import ManifestEntry, read_manifest
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.storage.filesystem import FilesystemStore, InstanceFile, file_version, modified_at
from dicomhub.storage.layout import SeriesKey, instance_path


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedInstance:
    """version as in storage.filesystem.file_version()."""

    resource: Resource
    path: Path
    size_bytes: int
    modified_at: datetime
    version: str
    transfer_syntax_uid: str

    def etag(self, representation: str, *, is_weak: bool) -> str:
        """Of what is made of this file alone; representation tells the ways to make something of it apart."""
        return entity_tag(self.version, representation, is_weak=is_weak)


def archived_instances(store: FilesystemStore, resource: Resource) -> list[ArchivedInstance]:
    """One or more instances, those of a study by series. Raises NothingThere."""
    if resource.sop_instance_uid is not None:
        return [archived_instance(store, resource)]
    instances = [
        instance
        for series_uid in _series_uids(resource)
        for instance in _instances_of_series(store, resource, series_uid)
    ]
    if not instances:
        raise NothingThere(resource.kind)
    return instances


def _series_uids(resource: Resource) -> list[str]:
    if resource.series_instance_uid is not None:
        return [resource.series_instance_uid]
    series = selectors.series_of_study(resource.tenant, resource.study_instance_uid)
    return [each.series_instance_uid for each in series]


def _instances_of_series(
    store: FilesystemStore, study: Resource, series_uid: str
) -> Iterator[ArchivedInstance]:
    manifest = read_manifest(store, SeriesKey(study.tenant, study.study_instance_uid, series_uid))
    entries = {entry.sop_instance_uid: entry for entry in manifest.instances} if manifest else {}
    for file in store.instance_files(study.tenant, study.study_instance_uid, series_uid):
        path = store.absolute(file.path)
        try:
            transfer_syntax_uid = _transfer_syntax_uid(file, path, entries.get(file.sop_instance_uid))
        except (FileNotFoundError, Part10Malformed) as error:
            # Taken back between the listing and now, or damaged on the disk: the others are sent.
            logger().error("archived_file_unreadable", path=file.path, error=str(error))
            continue
        yield ArchivedInstance(
            resource=Resource(
                tenant=study.tenant,
                study_instance_uid=study.study_instance_uid,
                series_instance_uid=series_uid,
                sop_instance_uid=file.sop_instance_uid,
            ),
            path=path,
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            version=file.version,
            transfer_syntax_uid=transfer_syntax_uid,
        )


def _transfer_syntax_uid(file: InstanceFile, path: Path, entry: ManifestEntry | None) -> str:
    """As the manifest has it where it speaks of this very file; else the file itself is asked."""
    if entry and (entry.size_bytes, entry.modified_at) == (file.size_bytes, file.modified_at):
        return entry.transfer_syntax_uid
    return read_head(path).transfer_syntax_uid


def archived_instance(store: FilesystemStore, resource: Resource) -> ArchivedInstance:
    """Raises NothingThere."""
    path = store.absolute(instance_file_path(resource))
    try:
        status = path.stat()
        transfer_syntax_uid = read_head(path).transfer_syntax_uid
    except FileNotFoundError:
        raise NothingThere("instance") from None
    return ArchivedInstance(
        resource=resource,
        path=path,
        size_bytes=status.st_size,
        modified_at=modified_at(status),
        version=file_version(status),
        transfer_syntax_uid=transfer_syntax_uid,
    )


def instance_file_path(resource: Resource) -> str:
    """Where the file of an instance is in the store, if there is such an instance."""
    assert resource.series_instance_uid is not None
    assert resource.sop_instance_uid is not None
    return instance_path(
        resource.tenant,
        resource.study_instance_uid,
        resource.series_instance_uid,
        resource.sop_instance_uid,
    )
