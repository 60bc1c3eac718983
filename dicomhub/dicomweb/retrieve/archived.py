"""The archived instances that a resource stands for, each with what has to be known before it is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dicomhub.archive import selectors
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.resource import Damaged, NothingThere, Resource
from dicomhub.dicomweb.retrieve.content import begun, read_head, section
from dicomhub.log import logger
from dicomhub.metadata.instance_model import read_instance_model
from dicomhub.metadata.manifest import read_manifest
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown, transfer_syntax
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.instance_file import file_version, modified_at
from dicomhub.storage.layout import SeriesKey, instance_path

_DAMAGES: Final = (Part10Malformed, TransferSyntaxUnknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedInstance:
    """An instance of the store. root is the store's, and file lies below it.

    version as in storage.instance_file.file_version(); instance_number as far as the manifest knows it.
    """

    resource: Resource
    root: Path
    file: str
    size_bytes: int
    modified_at: datetime
    version: str
    transfer_syntax_uid: str
    instance_number: int | None = None

    @property
    def path(self) -> Path:
        """Put together when it is needed: a study has thousands."""
        return self.root / self.file

    def etag(self, representation: str, *, is_weak: bool) -> str:
        """Of what is made of this file alone; representation tells the ways to make something of it apart."""
        return entity_tag(self.version, representation, is_weak=is_weak)

    def section(self, offset: int, length_bytes: int) -> Iterator[bytes]:
        """Raises ArchivedFileChanged."""
        return begun(section(self.path, version=self.version, offset=offset, length_bytes=length_bytes))


@dataclass(frozen=True, slots=True)
class Found:
    """damaged counts files that are no DICOM files any more."""

    instances: list[ArchivedInstance]
    damaged: int = 0


def found_instances(store: FilesystemStore, resource: Resource) -> Found:
    """One or more instances, those of a study by series.

    Raises NothingThere, and Damaged when all that there is are damaged files.
    """
    if resource.sop_instance_uid is not None:
        return Found([archived_instance(store, resource)])
    found = [
        instance
        for series_uid in _series_uids(resource)
        for instance in _instances_of_series(store, resource, series_uid)
    ]
    instances = [each for each in found if each is not None]
    if not found:
        raise NothingThere(resource.kind)
    if not instances:
        raise Damaged(resource.kind)
    return Found(instances, len(found) - len(instances))


def _series_uids(resource: Resource) -> list[str]:
    if resource.series_instance_uid is not None:
        return [resource.series_instance_uid]
    series = selectors.series_of_study(resource.tenant, resource.study_instance_uid)
    return [each.series_instance_uid for each in series]


def _instances_of_series(
    store: FilesystemStore, study: Resource, series_uid: str
) -> Iterator[ArchivedInstance | None]:
    """None for each file that is damaged."""
    manifest = read_manifest(store, SeriesKey(study.tenant, study.study_instance_uid, series_uid))
    entries = {entry.sop_instance_uid: entry for entry in manifest.instances} if manifest else {}
    for file in store.instance_files(study.tenant, study.study_instance_uid, series_uid):
        entry = entries.get(file.sop_instance_uid)
        if entry and (entry.size_bytes, entry.modified_at) != (file.size_bytes, file.modified_at):
            entry = None  # it speaks of another file
        try:
            transfer_syntax_uid = (
                entry.transfer_syntax_uid if entry else _transfer_syntax_uid(store.absolute(file.path))
            )
        except FileNotFoundError:
            continue  # taken back between the listing and now
        except _DAMAGES as error:
            logger().error("archived_file_unreadable", path=file.path, error=str(error))
            yield None
            continue
        yield ArchivedInstance(
            resource=Resource(
                tenant=study.tenant,
                study_instance_uid=study.study_instance_uid,
                series_instance_uid=series_uid,
                sop_instance_uid=file.sop_instance_uid,
            ),
            root=store.root,
            file=file.path,
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            version=file.version,
            transfer_syntax_uid=transfer_syntax_uid,
            instance_number=entry.instance_number if entry else None,
        )


def archived_instance(store: FilesystemStore, resource: Resource) -> ArchivedInstance:
    """Raises NothingThere, Damaged."""
    file = instance_file_path(resource)
    with _reading(file):
        status = store.absolute(file).stat()
        transfer_syntax_uid = _transfer_syntax_uid(store.absolute(file))
    return ArchivedInstance(
        resource=resource,
        root=store.root,
        file=file,
        size_bytes=status.st_size,
        modified_at=modified_at(status),
        version=file_version(status),
        transfer_syntax_uid=transfer_syntax_uid,
    )


def model_of(store: FilesystemStore, resource: Resource) -> dict[str, Any]:
    """The DICOM JSON Model, as read_instance_model() makes it. Raises NothingThere, Damaged."""
    assert resource.sop_instance_uid is not None
    with _reading(instance_file_path(resource)):
        return read_instance_model(store, resource.series_key, resource.sop_instance_uid)[0]


@contextmanager
def _reading(file: str) -> Iterator[None]:
    """What keeps the file of an instance from being read, raised as NothingThere or Damaged."""
    try:
        yield
    except FileNotFoundError:
        raise NothingThere("instance") from None
    except _DAMAGES as error:
        logger().error("archived_file_unreadable", path=file, error=str(error))
        raise Damaged("instance") from error


def _transfer_syntax_uid(path: Path) -> str:
    """Raises FileNotFoundError, Part10Malformed, TransferSyntaxUnknown."""
    return transfer_syntax(read_head(path).transfer_syntax_uid).uid


def instance_file_path(resource: Resource) -> str:
    """Where the file of an instance is in the store, if there is such an instance."""
    assert resource.sop_instance_uid is not None
    return instance_path(*resource.series_key, resource.sop_instance_uid)
