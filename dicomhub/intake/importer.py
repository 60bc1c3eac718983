"""Imports: files that are already somewhere come in through the same door as what modalities send."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from dicomhub.intake.admission import TenantAdmission
from dicomhub.intake.arriving_file import ArrivingFile, NotDicom
from dicomhub.intake.door import Intake
from dicomhub.intake.provenance import Provenance
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.intake.sources import Source, SourceRefused, ZipBounds, sources
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.transfer_syntax import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TransferSyntaxUnknown,
)
from dicomhub.storage.filesystem import ArchiveOutcome

_CHUNK_BYTES = 1024 * 1024
# Files without a Part 10 header are tried in these, in this order.
_BARE_SYNTAXES = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)


@dataclass(frozen=True, slots=True)
class Refusal:
    name: str
    reason: str


@dataclass(slots=True)
class ImportSummary:
    """What became of each file. not_dicom counts files that hold no instance."""

    outcomes: Counter[ArchiveOutcome] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    not_dicom: list[Refusal] = field(default_factory=list)
    size_bytes: int = 0


def import_paths(
    intake: Intake,
    paths: Iterable[Path],
    *,
    admission: TenantAdmission,
    provenance: Provenance,
    bounds: ZipBounds,
    progress: Callable[[int], None],
) -> ImportSummary:
    """Archive every instance that the paths lead to; progress is called with the bytes of each file done.

    The open batch is cut at the end. A refused file never stops the others.
    """
    summary = ImportSummary()
    try:
        for source in chain.from_iterable(sources(path, bounds=bounds) for path in paths):
            if isinstance(source, SourceRefused):
                summary.refused.append(Refusal(source.name, source.reason))
                continue
            _import_source(intake, source, summary, admission=admission, provenance=provenance)
            progress(source.size_bytes)
    finally:
        intake.cut()
    return summary


def _import_source(
    intake: Intake,
    source: Source,
    summary: ImportSummary,
    *,
    admission: TenantAdmission,
    provenance: Provenance,
) -> None:
    try:
        with source.open() as file:
            outcome = _import_file(intake, file, admission=admission, provenance=provenance)
    except NotDicom as error:
        summary.not_dicom.append(Refusal(source.name, str(error)))
    except IntakeRefused as error:
        summary.refused.append(Refusal(source.name, error.comment))
    except (DataSetMalformed, TransferSyntaxUnknown, OSError, zipfile.BadZipFile, zlib.error) as error:
        summary.refused.append(Refusal(source.name, str(error)))
    except (NotImplementedError, RuntimeError) as error:  # zipfile: a compression or encryption it lacks
        summary.refused.append(Refusal(source.name, f"ZIP member: {error}"))
    else:
        summary.outcomes[outcome] += 1
        summary.size_bytes += source.size_bytes


def _import_file(
    intake: Intake, file: IO[bytes], *, admission: TenantAdmission, provenance: Provenance
) -> ArchiveOutcome:
    with ArrivingFile(
        intake, admission=admission, provenance=provenance, bare_syntaxes=_BARE_SYNTAXES
    ) as arriving:
        while chunk := file.read(_CHUNK_BYTES):
            arriving.write(chunk)
        return arriving.archive().outcome
