"""One value after another out of the environment, and what is wrong with them."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlsplit

T = TypeVar("T")

ANY_ORIGIN = "*"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")


class SettingsReader:
    """Reads values one by one and gathers what is wrong with them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str] = []

    def _read(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        text = self._values.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            # An address may hold a password, and this goes to a terminal and to logs.
            shown = f"{text.partition('://')[0]}://..." if "URL" in name else repr(text)
            self.problems.append(f"{name}={shown}: {error}")
            return default

    def text(self, name: str, default: str) -> str:
        return self._read(name, default, str)

    def optional(self, name: str) -> str | None:
        return self._read(name, None, str)

    def path(self, name: str, default: Path) -> Path:
        return self._read(name, default, lambda text: Path(text).expanduser()).absolute()

    def optional_path(self, name: str) -> Path | None:
        return self._read(name, None, lambda text: Path(text).expanduser().absolute())

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**63) -> int:
        def parse(text: str) -> int:
            number = int(text)
            if not least <= number <= most:
                raise ValueError(f"must be from {least} to {most}")
            return number

        return self._read(name, default, parse)

    def port(self, name: str, default: int) -> int:
        return self.integer(name, default, least=0, most=65535)

    def seconds(self, name: str, default: float, *, least: float = 0.0, most: float = float("inf")) -> float:
        def parse(text: str) -> float:
            number = float(text)
            if not 0 < number < float("inf"):
                raise ValueError("must be a number of seconds above 0")
            if number < least:
                raise ValueError(f"must be at least {least:g} seconds")
            if number > most:
                raise ValueError(f"must be at most {most:g} seconds")
            return number

        return self._read(name, default, parse)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        def parse(text: str) -> float:
            number = float(text)
            if not least <= number <= most:
                raise ValueError(f"must be from {least:g} to {most:g}")
            return number

        return self._read(name, default, parse)

    def flag(self, name: str, *, default: bool) -> bool:
        def parse(text: str) -> bool:
            if text.lower() in {"1", "true", "yes", "on"}:
                return True
            if text.lower() in {"0", "false", "no", "off"}:
                return False
            raise ValueError("must be on or off")

        return self._read(name, default, parse)

    def choice(self, name: str, default: T, choices: tuple[T, ...]) -> T:
        def parse(text: str) -> T:
            if text not in choices:
                raise ValueError(f"must be one of {', '.join(map(str, choices))}")
            return cast("T", text)

        return self._read(name, default, parse)

    def several(self, name: str, default: tuple[str, ...], choices: tuple[str, ...]) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            values = tuple(each.strip() for each in text.split(",") if each.strip())
            if not values or not set(values) <= set(choices):
                raise ValueError(f"must be of {', '.join(choices)}, with commas between them")
            return values

        return self._read(name, default, parse)

    def ae_title(self, name: str, default: str) -> str:
        def parse(text: str) -> str:
            if not _AE_TITLE.fullmatch(text) or not text.strip():
                raise ValueError("must be 1 to 16 characters, no backslash, not all spaces (PS3.5 6.2)")
            return text.strip()

        return self._read(name, default, parse)

    def modules(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            names = tuple(each.strip() for each in text.split(",") if each.strip())
            if not all(part.isidentifier() for each in names for part in each.split(".")):
                raise ValueError("must be names of Python modules, with commas between them")
            return names

        return self._read(name, (), parse)

    def origins(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            origins = tuple(each.strip() for each in text.split(",") if each.strip())
            if ANY_ORIGIN in origins and len(origins) > 1:
                raise ValueError("* stands alone")
            if not all(origin == ANY_ORIGIN or _ORIGIN.fullmatch(origin) for origin in origins):
                raise ValueError(
                    "must be scheme://host[:port] without a path, with commas between them, or *"
                )
            return origins

        return self._read(name, (), parse)

    def addresses(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            return tuple(str(ip_address(each.strip())) for each in text.split(",") if each.strip())

        return self._read(name, (), parse)

    def url_path(self, name: str) -> str | None:
        def parse(text: str) -> str:
            if not re.fullmatch(r"/[A-Za-z0-9_./-]+", text):
                raise ValueError("must be the path of a location, as /archive")
            return text.rstrip("/")

        return self._read(name, None, parse)

    def url(self, name: str, default: T, schemes: tuple[str, ...]) -> str | T:
        def parse(text: str) -> str | T:
            if urlsplit(text).scheme not in schemes:
                raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
            return text

        return self._read(name, cast("str | T", default), parse)

    def secure_url(self, name: str) -> str | None:
        """Of what must not be changed on its way here: http:// is for this machine alone."""

        def parse(text: str) -> str:
            if not is_secure_url(text):
                raise ValueError("must start with https://, or with http:// and name this machine")
            return text

        return self._read(name, None, parse)


def is_secure_url(text: str) -> bool:
    """Whether nobody on the way can change what is read from there. Raises ValueError for what is no URL."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on host; of names, only localhost is trusted."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
