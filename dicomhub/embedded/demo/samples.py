"""pydicom's sample files: whatever is a DICOM file with a data set that could be sent."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

from pydicom.data.data_manager import DATA_ROOT, external_data_sources

from dicomhub.standard.data_set_head import DataSetHead, DataSetMalformed, read_head
from dicomhub.standard.data_set_walk import walk
from dicomhub.standard.element import encoding_of
from dicomhub.standard.part10 import FileMeta, Part10Malformed, file_header, read_file_meta
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown, transfer_syntax


@dataclass(frozen=True, slots=True)
class Sample:
    path: Path
    meta: FileMeta
    head: DataSetHead

    def data_set(self) -> bytes:
        return self.path.read_bytes()[self.meta.data_set_offset :]

    def as_sent(self) -> bytes:
        """The file with the UIDs of its data set in front: pynetdicom announces those of File Meta
        Information, which in some samples are others.
        """
        header = file_header(
            sop_class_uid=self.head.sop_class_uid,
            sop_instance_uid=self.head.sop_instance_uid,
            transfer_syntax_uid=self.meta.transfer_syntax_uid,
        )
        return header + self.data_set()

    @property
    def kind(self) -> tuple[str, str]:
        """SOP class and transfer syntax: what a presentation context is about."""
        return self.head.sop_class_uid, self.meta.transfer_syntax_uid

    @property
    def instance_path(self) -> str:
        """Where DICOMweb has it, below its root."""
        return (
            f"studies/{self.head.study_instance_uid}/series/{self.head.series_instance_uid}"
            f"/instances/{self.head.sop_instance_uid}"
        )


@dataclass(frozen=True, slots=True)
class NotSendable:
    path: Path
    reason: str


def sample_files() -> list[Path]:
    """The files of pydicom, and of the pydicom-data package where it is installed.

    pydicom.data.get_testdata_files is not asked: it would download what is missing.
    """
    roots = [Path(DATA_ROOT) / "test_files", Path(DATA_ROOT) / "charset_files"]
    roots += [Path(source.data_path) for source in external_data_sources().values()]
    found = (path for root in roots for path in sorted(root.rglob("*")))
    return [path for path in found if path.is_file() and path.suffix in {".dcm", ""}]


def read_samples() -> tuple[list[Sample], list[NotSendable]]:
    samples: list[Sample] = []
    not_sendable: list[NotSendable] = []
    for path in sample_files():
        try:
            samples.append(_read(path))
        except (Part10Malformed, TransferSyntaxUnknown, DataSetMalformed) as error:
            not_sendable.append(NotSendable(path, str(error)))
    return samples, not_sendable


def _read(path: Path) -> Sample:
    data = path.read_bytes()
    meta = read_file_meta(data)
    syntax = transfer_syntax(meta.transfer_syntax_uid)
    head = read_head(data[meta.data_set_offset :], syntax, is_whole=True)
    assert head is not None  # it was given the whole data set
    if not head.sop_class_uid or not head.sop_instance_uid:
        raise DataSetMalformed("the data set names no SOP class or no SOP instance")
    if not syntax.may_travel_on_the_web:
        # One that breaks off can be stored, yet what the web gets in another syntax ends where it breaks.
        view = memoryview(data)[meta.data_set_offset :]
        deque(walk(view, encoding_of(view, syntax)), maxlen=0)
    return Sample(path, meta, head)
