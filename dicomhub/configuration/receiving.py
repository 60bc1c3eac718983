"""Settings of the SCP, and of the one door for new instances."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from dicomhub.configuration.reader import SettingsReader

Durability = Literal["power", "process"]


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files. Without key the certificate's file holds it; client_ca signs what clients must have."""

    port: int
    certificate: Path
    key: Path | None
    client_ca: Path | None


@dataclass(frozen=True, slots=True)
class ScpSettings:
    ae_title: str
    host: str
    port: int
    min_spare_children: int
    max_spare_children: int
    max_children: int
    surplus_seconds: float
    max_pdu_bytes: int
    artim_seconds: float
    idle_seconds: float
    stall_seconds: float
    min_bytes_per_second: int
    drain_seconds: float
    heartbeat_seconds: float
    accept_unknown_sop_classes: bool
    has_express_lane: bool
    tls: TlsSettings | None

    @property
    def rest_seconds(self) -> float:
        """How long a child may wait without a sign of life, and be far from being taken for a hung one."""
        return self.heartbeat_seconds / 4


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    durability: Durability
    disk_reserve_bytes: int
    batch_max_instances: int
    batch_max_seconds: float
    republish_seconds: float
    quarantine_max_bytes: int


def read_scp(read: SettingsReader) -> ScpSettings:
    settings = ScpSettings(
        ae_title=read.ae_title("SCP_AE_TITLE", "DICOMHUB"),
        host=read.text("SCP_HOST", "127.0.0.1"),
        port=read.port("SCP_PORT", 11112),
        min_spare_children=read.integer("SCP_MIN_SPARE_CHILDREN", 2, least=1, most=1000),
        max_spare_children=read.integer("SCP_MAX_SPARE_CHILDREN", 8, least=1, most=1000),
        max_children=read.integer("SCP_MAX_CHILDREN", 100, least=1, most=4000),
        surplus_seconds=read.seconds("SCP_SURPLUS_SECONDS", 30),
        max_pdu_bytes=read.integer("SCP_MAX_PDU_BYTES", 131072, least=4096, most=4 * 1024 * 1024),
        artim_seconds=read.seconds("SCP_ARTIM_SECONDS", 30),
        idle_seconds=read.seconds("SCP_IDLE_SECONDS", 600),
        stall_seconds=read.seconds("SCP_STALL_SECONDS", 60),
        min_bytes_per_second=read.integer("SCP_MIN_BYTES_PER_SECOND", 100),
        drain_seconds=read.seconds("SCP_DRAIN_SECONDS", 30),
        heartbeat_seconds=read.seconds("SCP_HEARTBEAT_SECONDS", 60, least=2),  # see rest_seconds
        accept_unknown_sop_classes=read.flag("SCP_ACCEPT_UNKNOWN_SOP_CLASSES", default=False),
        has_express_lane=read.flag("SCP_EXPRESS_LANE", default=True),
        tls=_tls(read),
    )
    if not settings.min_spare_children <= settings.max_spare_children <= settings.max_children:
        read.problems.append(
            "SCP_MIN_SPARE_CHILDREN <= SCP_MAX_SPARE_CHILDREN <= SCP_MAX_CHILDREN does not hold: "
            f"{settings.min_spare_children}, {settings.max_spare_children}, {settings.max_children}"
        )
    return settings


def _tls(read: SettingsReader) -> TlsSettings | None:
    port = read.port("SCP_TLS_PORT", 2762)
    certificate = read.optional_path("SCP_TLS_CERTIFICATE")
    key, client_ca = read.optional_path("SCP_TLS_KEY"), read.optional_path("SCP_TLS_CLIENT_CA")
    if certificate is None:
        # Whoever sets one of these wants TLS, and would otherwise not notice that there is none.
        for name, path in (("SCP_TLS_KEY", key), ("SCP_TLS_CLIENT_CA", client_ca)):
            if path is not None:
                read.problems.append(f"{name} is set and SCP_TLS_CERTIFICATE is not")
        return None
    return TlsSettings(port=port, certificate=certificate, key=key, client_ca=client_ca)


def read_intake(read: SettingsReader) -> IntakeSettings:
    return IntakeSettings(
        durability=read.choice("SCP_DURABILITY", "power", get_args(Durability)),
        disk_reserve_bytes=read.integer("STORE_RESERVE_BYTES", 256 * 1024 * 1024),
        batch_max_instances=read.integer("BATCH_MAX_INSTANCES", 500, least=1, most=10_000),
        batch_max_seconds=read.seconds("BATCH_MAX_SECONDS", 5),
        republish_seconds=read.seconds("REPUBLISH_SECONDS", 60),
        quarantine_max_bytes=read.integer("QUARANTINE_MAX_BYTES", 1024**3),
    )
