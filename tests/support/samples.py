"""The real DICOM files that tests use: pydicom's, and those of the pydicom-data package. Nothing is fetched."""

from functools import cache
from pathlib import Path

import data_store
import pydicom.data

_FOLDERS = (
    Path(pydicom.data.__file__).parent / "test_files",
    Path(pydicom.data.__file__).parent / "charset_files",
    Path(data_store.__file__).parent / "data",
)


@cache
def sample_files() -> tuple[Path, ...]:
    """Every file of the sample sets that could be DICOM (.dcm or no suffix), in a fixed order."""
    return tuple(
        sorted(
            path
            for folder in _FOLDERS
            for path in folder.rglob("*")
            if path.is_file() and path.suffix in {".dcm", ""}
        )
    )


@cache
def sample(name: str) -> Path:
    """The sample file of this name."""
    return next(path for path in sample_files() if path.name == name)
