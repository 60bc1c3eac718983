"""Mutated streams against the parser and all that stands behind it, in one process."""

import random
from contextlib import suppress
from dataclasses import dataclass

from dicomhub.environment import read_environment
from scp.acceptance import Acceptance, Acceptor
from scp.dimse import CommandMalformed, decode_command
from scp.messages import COMMAND_SET_MAX_BYTES
from scp.upper_layer.events import AssociateRequested, DataFragments, Event, PduInvalid
from scp.upper_layer.request import RequestMalformed
from tests.fuzz.mutator import mutated
from tests.fuzz.seeds import seeds
from tests.scp.pdus import feed, parser

_SHORT_BYTES = 1000  # what is fed byte by byte, which takes its time


@dataclass(slots=True)
class ParserFigures:
    """What the streams came to."""

    streams: int = 0
    events: int = 0
    invalid: int = 0
    requests_accepted: int = 0
    requests_malformed: int = 0
    commands: int = 0
    commands_malformed: int = 0


def _check(stream: bytes, whole: list[Event], pieces: list[Event]) -> None:
    assert whole == pieces, "cut differently, understood differently"
    invalid = [index for index, event in enumerate(whole) if isinstance(event, PduInvalid)]
    assert invalid in ([], [len(whole) - 1]), "something was parsed behind an invalid PDU"
    content = sum(
        len(fragment) for event in whole if isinstance(event, DataFragments) for fragment in event.fragments
    )
    assert content <= len(stream), "more came out than went in"


def fuzz_parser(*, streams: int, seed: int) -> ParserFigures:
    """Raises AssertionError, or whatever a mutated stream made the parser raise."""
    chance, originals, figures = random.Random(seed), seeds(), ParserFigures()
    acceptor = Acceptor(read_environment({}).scp)
    for number in range(streams):
        stream = mutated(chance, originals)
        step = chance.choice((61, 1000, 1 if len(stream) < _SHORT_BYTES else 300))
        try:
            whole = feed(parser(buffer_bytes=4096), stream)
            pieces = feed(parser(buffer_bytes=chance.choice((64, 1000, 65536))), stream, step=step)
            _check(stream, whole, pieces)
            for event in whole:
                _follow(event, acceptor, figures)
        except Exception as error:
            error.add_note(f"stream {number} of seed {seed}: {stream.hex()}")
            raise
        figures.streams += 1
        figures.events += len(whole)
        figures.invalid += any(isinstance(event, PduInvalid) for event in whole)
    return figures


def _follow(event: Event, acceptor: Acceptor, figures: ParserFigures) -> None:
    match event:
        case AssociateRequested(pdu=pdu):
            try:
                figures.requests_accepted += isinstance(acceptor.judge(pdu), Acceptance)
            except RequestMalformed:
                figures.requests_malformed += 1
        case DataFragments(is_command=True, is_last=True, fragments=fragments):
            figures.commands += 1
            figures.commands_malformed += 1
            with suppress(CommandMalformed):
                decode_command(b"".join(fragments)[:COMMAND_SET_MAX_BYTES])
                figures.commands_malformed -= 1
        case _:
            pass
