"""What a STOW-RS client sends, and what is there afterwards."""

import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pydicom
import requests

from dicomhub.intake.segments import read_segment
from dicomhub.standard.uid import new_uid
from tests.dicomweb.served import Server
from tests.support.incoming import being_written
from tests.support.samples import sample

BOUNDARY = "a-boundary"
# Failure Reasons.
OUT_OF_RESOURCES, CANNOT_UNDERSTAND, STUDY_DIFFERS = 0xA700, 0xC000, 0xC002
BAD_UIDS, BAD_SYNTAX = 0xC001, 0xC122


@dataclass
class Part:
    content: bytes
    content_type: str = "application/dicom"
    headers: dict = field(default_factory=dict)

    def encode(self) -> bytes:
        lines = [
            f"Content-Type: {self.content_type}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join((f"--{BOUNDARY}", *lines, "", "")).encode() + self.content + b"\r\n"


def multipart(*parts: Part) -> bytes:
    return b"".join(part.encode() for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def new_ct(**attributes) -> tuple[str, bytes]:
    """A CT file with a SOP Instance UID of its own, and that."""
    data_set = pydicom.dcmread(sample("CT_small.dcm"))
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = new_uid()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    file = BytesIO()
    data_set.save_as(file)
    return data_set.SOPInstanceUID, file.getvalue()


def a_model(**attributes):
    """The DICOM JSON of an instance with a SOP Instance UID of its own, in a study that all share."""
    model = {
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
        "00080018": {"vr": "UI", "Value": [new_uid()]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3.4"]},
        "0020000E": {"vr": "UI", "Value": ["1.2.3.4.5"]},
    }
    return model | attributes


def store(server: Server, body, *, part_type="application/dicom", study=None, **headers) -> requests.Response:
    content_type = f'multipart/related; type="{part_type}"; boundary={BOUNDARY}'
    return post(server, body, study=study, **{"Content-Type": content_type} | headers)


def post(server: Server, body, *, study=None, root=None, **headers) -> requests.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    path = "/studies" if study is None else f"/studies/{study}"
    return requests.post(f"{root or server.dicomweb}{path}", data=body, headers=headers, timeout=120)


def stored(response: requests.Response) -> list[str]:
    """The SOP Instance UIDs that an answer says are stored."""
    items = response.json().get("00081199", {}).get("Value", [])
    return [item["00081155"]["Value"][0] for item in items]


def failed(response: requests.Response) -> list[tuple[str, int]]:
    """SOP Instance UIDs and Failure Reasons; "" for the parts that have none."""
    model = response.json()
    items = model.get("00081198", {}).get("Value", []) + model.get("0008119A", {}).get("Value", [])
    return [(item.get("00081155", {}).get("Value", [""])[0], item["00081197"]["Value"][0]) for item in items]


def archived(server: Server) -> dict[str, Path]:
    """The files of all tenants, by their SOP Instance UIDs."""
    root = server.store_root
    tenants = (folder for folder in root.iterdir() if folder.name not in {"versions", "renditions"})
    return {path.stem: path for tenant in tenants for path in tenant.glob("*/*/*.dcm")}


def journalled(server: Server) -> list[str]:
    """The SOP Instance UIDs in segments that are cut."""
    paths = (server.store_root / "journal").glob("*.cut")
    return [instance.sop_instance_uid for path in paths for instance in read_segment(path).batch.instances]


def incoming(server: Server) -> list[Path]:
    return being_written(server.store_root)


def json_part(*models) -> Part:
    return Part(json.dumps(models).encode(), "application/dicom+json")
