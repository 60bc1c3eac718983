"""The archived instances that a resource stands for, each with what has to be known before it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dicomhub.archive import selectors
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.dicomweb.retrieve.content import begun, read_head, section
from dicomhub.log import logger
from dicomhub.metadata.manifest import read_manifest
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.storage.filesystem import FilesystemStore, file_version, modified_at
from dicomhub.storage.layout import SeriesKey, instance_path


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedInstance:
    """version as in storage.filesystem.file_version(); instance_number as far as the manifest knows it."""

    resource: Resource
    path: Path
    size_bytes: int
    modified_at: datetime
    version: str
    transfer_syntax_uid: str
    instance_number: int | None = None

    def etag(self, representation: str, *, is_weak: bool) -> str:
        """Of what is made of this file alone; representation tells the ways to make something of it apart."""
        return entity_tag(self.version, representation, is_weak=is_weak)

    def section(self, offset: int, length_bytes: int) -> Iterator[bytes]:
        """Raises ArchivedFileChanged, FileNotFoundError."""
        return begun(section(self.path, version=self.version, offset=offset, length_bytes=length_bytes))


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
        entry = entries.get(file.sop_instance_uid)
        if entry and (entry.size_bytes, entry.modified_at) != (file.size_bytes, file.modified_at):
            entry = None  # it speaks of another file
        try:
            transfer_syntax_uid = entry.transfer_syntax_uid if entry else read_head(path).transfer_syntax_uid
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
            instance_number=entry.instance_number if entry else None,
        )


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
