"""Golden pairs: what a peer sends (NAME.pdus, hexadecimal, # comments) and what is in it (NAME.events).

`python -m tests.scp.corpus` writes the .events files anew from what the parser says, to be reviewed as a
difference. In peers/ are whole associations, recorded from DCMTK 3.6.7, pynetdicom 3.0.4 and dcmjs-dimse 0.3.3;
test_corpus_by_pynetdicom.py has their events from another decoder.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from scp.upper_layer.events import Aborted, AssociateRequested, DataFragments, Event, PduInvalid
from tests.scp.pdus import feed, parser

ROOT = Path(__file__).parent / "corpus"
_SHOWN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    stream: bytes
    events: list[str]


def pairs(kind: str) -> list[Pair]:
    """The pairs of a kind: valid, invalid or peers."""
    return [
        Pair(file.stem, stream_of(file), file.with_suffix(".events").read_text("utf-8").splitlines())
        for file in sorted((ROOT / kind).glob("*.pdus"))
    ]


def stream_of(file: Path) -> bytes:
    return bytes.fromhex(re.sub(r"#.*", "", file.read_text("utf-8")))


def described(event: Event) -> str:
    """One line that tells this event from every other."""
    match event:
        case AssociateRequested(pdu=pdu):
            return f"AssociateRequested: {_content(pdu)}"
        case DataFragments(context_id=context_id, is_command=is_command, is_last=is_last):
            what = "command set" if is_command else "data set"
            end = "" if is_last else ", to be continued"
            return f"{what} on context {context_id}{end}: {_content(b''.join(event.fragments))}"
        case Aborted(source=source, reason=reason):
            return f"Aborted: source {source}, reason {reason}"
        case PduInvalid(reason=reason, problem=problem):
            return f"PduInvalid: {reason.name}, {problem}"
        case _:
            return type(event).__name__


def _content(data: bytes) -> str:
    if len(data) <= _SHOWN_BYTES:
        return data.hex() or "nothing"
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def main() -> None:
    for file in ROOT.glob("*/*.pdus"):
        events = [described(event) for event in feed(parser(), stream_of(file))]
        file.with_suffix(".events").write_text("".join(f"{line}\n" for line in events), "utf-8")


if __name__ == "__main__":
    main()
