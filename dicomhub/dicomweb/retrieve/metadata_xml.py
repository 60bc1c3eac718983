"""WADO-RS metadata in the Native DICOM Model, a part an instance. PS3.18 10.4.3.3.2, 10.4.4, PS3.19 A.1."""

from collections.abc import Iterable, Iterator

import orjson

from dicomhub.dicomweb.http.multipart import PartHead
from dicomhub.dicomweb.http.negotiation import DICOM_XML
from dicomhub.dicomweb.resource import Resource
from dicomhub.metadata.instance_model import first_value
from dicomhub.standard.native_model import write_native_model
from dicomhub.standard.uid import is_uid


def document(line: bytes) -> bytes:
    """An instance's encoded DICOM JSON model as XML."""
    return write_native_model(orjson.loads(line))


def parts(
    lines: Iterable[bytes], resource: Resource, *, base_url: str
) -> Iterator[tuple[PartHead, tuple[bytes]]]:
    """The encoded models of a resource's instances, each with where it can be had alone."""
    for line in lines:
        model = orjson.loads(line)
        uids = {tag: first_value(model, tag) for tag in ("0020000D", "0020000E", "00080018")}
        # A header of a part is made of what can be nothing but a UID, whatever the data set says.
        is_named = all(isinstance(uid, str) and is_uid(uid) for uid in uids.values())
        path = "/studies/{}/series/{}/instances/{}".format(*uids.values()) if is_named else resource.path
        head = PartHead(DICOM_XML, f"{base_url}{path}/metadata")
        yield head, (write_native_model(model),)
