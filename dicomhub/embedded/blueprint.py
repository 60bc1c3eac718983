"""What an embedded run will be: checked and reserved as a whole before anything of it is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dicomhub.embedded import redis_server
from dicomhub.embedded.addresses import Addresses
from dicomhub.embedded.listeners import PortUnavailable, Reservation
from dicomhub.embedded.programs import Programs, plan_programs
from dicomhub.embedded.readiness import Probe, accepts, answers_http, answers_redis
from dicomhub.embedded.redis_server import EmbeddedRedis, RedisMissing
from dicomhub.environment import Environment

LOOPBACK = "127.0.0.1"


class NotPossible(Exception):
    """The run cannot be started; problems has a sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """reservations keep the ports for the run; they are to live as long as it does."""

    redis: EmbeddedRedis | None
    addresses: Addresses
    programs: Programs
    probes: Mapping[str, Probe]
    reservations: tuple[Reservation, ...]


def draw(environment: Environment) -> Blueprint:
    """Find the tools and reserve the ports. Raises NotPossible with everything that is in the way."""
    problems: list[str] = []
    ports = _reserve(environment, problems)
    program = _find_redis(environment, problems)
    if problems:
        for reservation in ports.values():
            reservation.close()
        raise NotPossible(problems)
    redis = None
    if program is not None:
        ports["redis"] = Reservation.make("REDIS_URL", host=LOOPBACK, port=0)
        redis = redis_server.configure(
            program, directory=environment.home / "redis", port=ports["redis"].port
        )
    redis_url = environment.broker_url() if redis is None else redis.url
    environ = _child_environ(redis_url, ports)
    return Blueprint(
        redis=redis,
        addresses=_addresses(environment, redis_url, ports),
        programs=plan_programs(environment, redis, environ),
        probes=_probes(redis, ports),
        reservations=tuple(ports.values()),
    )


def _reserve(environment: Environment, problems: list[str]) -> dict[str, Reservation]:
    wanted = {
        "scp": ("SCP_PORT", environment.scp.host, environment.scp.port),
        "web": ("WEB_PORT", environment.web.host, environment.web.port),
        "flower": ("FLOWER_PORT", LOOPBACK, environment.flower_port),
    }
    ports: dict[str, Reservation] = {}
    for name, (setting, host, port) in wanted.items():
        try:
            ports[name] = Reservation.make(setting, host=host, port=port)
        except PortUnavailable as error:
            problems.append(str(error))
    return ports


def _find_redis(environment: Environment, problems: list[str]) -> Path | None:
    """None when one is to be used that runs already."""
    if environment.redis_url is not None:
        return None
    try:
        return redis_server.find_program()
    except RedisMissing as error:
        problems.append(str(error))
        return None


def _child_environ(redis_url: str, ports: Mapping[str, Reservation]) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "SCP_PORT": str(ports["scp"].port),
        "WEB_PORT": str(ports["web"].port),
        "FLOWER_PORT": str(ports["flower"].port),
        "PYTHONUNBUFFERED": "1",
    }


def _addresses(environment: Environment, redis_url: str, ports: Mapping[str, Reservation]) -> Addresses:
    return Addresses(
        scp_host=ports["scp"].reachable_host,
        scp_port=ports["scp"].port,
        called_ae_title=environment.scp.ae_title,
        web_url=f"http://{ports['web'].reachable_host}:{ports['web'].port}",
        flower_url=f"http://{ports['flower'].reachable_host}:{ports['flower'].port}",
        redis_url=redis_url,
    )


def _probes(redis: EmbeddedRedis | None, ports: Mapping[str, Reservation]) -> dict[str, Probe]:
    scp, web, flower = ports["scp"], ports["web"], ports["flower"]
    probes = {
        "scp": accepts(scp.reachable_host, scp.port),
        "web": answers_http(web.reachable_host, web.port, "/readyz"),
        "flower": answers_http(flower.reachable_host, flower.port, "/healthcheck"),
    }
    return probes if redis is None else {"redis": answers_redis(redis), **probes}
