"""What became of each instance of a request, and the answer that says so. PS3.18 10.5.3, I."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dicomhub.standard.dicom_json import Model
from dicomhub.standard.status import Status
from tasks.messages import StoredInstance


@dataclass(frozen=True, slots=True)
class Failed:
    """An instance that is not stored; its UIDs are "" where nothing says them."""

    sop_class_uid: str
    sop_instance_uid: str
    reason: Status

    @property
    def is_identified(self) -> bool:
        return bool(self.sop_class_uid and self.sop_instance_uid)


@dataclass(slots=True)
class Outcome:
    """Of one request."""

    stored: list[StoredInstance] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    @property
    def number_of_instances(self) -> int:
        return len(self.stored) + len(self.failed)

    @property
    def http_status(self) -> int:
        """200, 202 or 409 as table 10.5.3-1 has it; 503 when nothing but room was missing."""
        if not self.failed:
            return 200
        if self.stored:
            return 202
        is_full = all(each.reason is Status.OUT_OF_RESOURCES for each in self.failed)
        return 503 if is_full else 409

    def study_url(self, *, base_url: str) -> str | None:
        """Where all that is stored can be had; None where that is no one study."""
        studies = {each.study_instance_uid for each in self.stored}
        return f"{base_url}/studies/{studies.pop()}" if len(studies) == 1 else None

    def model(self, *, base_url: str) -> Model:
        """The Store Instances Response Module. PS3.18 I.1."""
        url = self.study_url(base_url=base_url)
        identified = [each for each in self.failed if each.is_identified]
        others = [each for each in self.failed if not each.is_identified]
        model: Model = {"00081190": {"vr": "UR"} if url is None else _uri(url)}  # of type 2
        if identified:
            model["00081198"] = _sequence(
                {
                    **_reference(each.sop_class_uid, each.sop_instance_uid),
                    "00081197": {"vr": "US", "Value": [int(each.reason)]},
                }
                for each in identified
            )
        if self.stored:
            model["00081199"] = _sequence(
                {
                    **_reference(each.sop_class_uid, each.sop_instance_uid),
                    "00081190": _uri(f"{base_url}{_path(each)}"),
                }
                for each in self.stored
            )
        if others:
            model["0008119A"] = _sequence(
                {"00081197": {"vr": "US", "Value": [int(each.reason)]}} for each in others
            )
        return model


def _path(instance: StoredInstance) -> str:
    return (
        f"/studies/{instance.study_instance_uid}/series/{instance.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Model:
    return {
        "00081150": {"vr": "UI", "Value": [sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [sop_instance_uid]},
    }


def _uri(uri: str) -> dict[str, Any]:
    return {"vr": "UR", "Value": [uri]}


def _sequence(items: Iterable[Model]) -> dict[str, Any]:
    return {"vr": "SQ", "Value": list(items)}
