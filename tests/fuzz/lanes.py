"""The same stream served with the express lane and without: whatever it is, the same comes of it."""

import random
import tempfile
from pathlib import Path

from tests.fuzz.mutator import damaged
from tests.scp.conversations import BEGINNING, CONTEXTS, CONVERSATIONS
from tests.scp.in_process import lane_of, serve
from tests.scp.pdus import associate_rq, user_information

_LONGEST_BYTES = 40_000


def served(home, stream, *, has_express, step=None, peer_max_pdu_bytes=16384, **settings):
    """Serve a stream behind its request, in a home of its own."""
    lane = lane_of(home, has_express=has_express, **settings)
    information = user_information(max_pdu_bytes=peer_max_pdu_bytes)
    return serve(lane, associate_rq(*CONTEXTS, information=information) + stream, step=step)


def in_both_lanes(folder, stream, step=None, **how):
    """What comes of it with the express lane, and without."""
    return [
        served(
            folder / ("express" if has_express else "receive"),
            stream,
            has_express=has_express,
            step=step,
            **how,
        )
        for has_express in (True, False)
    ]


def mutated_conversation(seed):
    """A conversation with one to four changes behind its beginning, and how many bytes of it to send at a time."""
    chance = random.Random(seed)
    originals = list(CONVERSATIONS.values())
    spoilt = damaged(chance, chance.choice(originals)[: _LONGEST_BYTES // 2], originals)
    return (BEGINNING + spoilt)[:_LONGEST_BYTES], chance.choice((None, None, 1000, 333))


def fuzz_lanes(*, streams: int, seed: int) -> dict[str, int]:
    """Raises AssertionError when a stream is understood differently."""
    chance, figures = random.Random(seed), {"streams": 0, "instances": 0, "express": 0}
    for _ in range(streams):
        own_seed = chance.randrange(2**32)
        with tempfile.TemporaryDirectory(prefix="dicomhub-fuzz-") as folder:
            express, receive = in_both_lanes(Path(folder), *mutated_conversation(own_seed))
        for what in ("answers", "files", "lines"):
            assert getattr(express, what) == getattr(receive, what), f"{what} differ: seed {own_seed}"
        figures["streams"] += 1
        figures["instances"] += len(express.lines)
        figures["express"] += express.express
    return figures
