"""`python -m dicomhub.embedded demo`: sample files in over the network, found, out again, compared."""

import contextlib
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from dicomhub.embedded.addresses import Addresses
from dicomhub.embedded.demo.comparing import is_same
from dicomhub.embedded.demo.dicomweb_client import DicomWebClient, UnexpectedAnswer
from dicomhub.embedded.demo.report import Outcome, show
from dicomhub.embedded.demo.samples import Sample, read_samples
from dicomhub.embedded.demo.storing import Answer, store
from dicomhub.embedded.running import NotReady, running_stack

SEARCHABLE_SECONDS = 120.0
POLL_SECONDS = 0.2


def demo() -> int:
    """Exit code 0 when everything that was answered 0000 was found and came back as it was sent."""
    console = Console()
    with contextlib.ExitStack() as opened:
        home = opened.enter_context(tempfile.TemporaryDirectory(prefix="dicomhub-demo-"))
        started = time.monotonic()
        try:
            with console.status("Starting dicomhub"):
                _, stack = opened.enter_context(running_stack(Path(home), settings={}))
        except NotReady as error:
            print(error, file=sys.stderr)  # noqa: T201 - the log's lines as they are
            return 1
        console.print(f"dicomhub was ready after {time.monotonic() - started:.1f} s")
        return 0 if _round_trip(console, stack.addresses) else 1


def _round_trip(console: Console, addresses: Addresses) -> bool:
    warnings.simplefilter("ignore")  # pydicom's, of what is odd in samples that are odd on purpose
    samples, not_sendable = read_samples()
    with Progress(console=console, transient=True) as progress:
        answers, answered_at = _store(samples, addresses, progress)
        kept = {_uid(answer.sample): answer for answer in answers if answer.is_success}
        client = DicomWebClient(addresses.dicom_web_url)
        with contextlib.closing(client):
            found_at = _find([answer.sample for answer in kept.values()], client, progress)
            outcomes = _retrieve(list(kept.values()), answered_at, found_at, client, progress)
    show(
        console,
        outcomes,
        refused=[answer for answer in answers if not answer.is_success],
        not_sendable=not_sendable,
        replaced=sum(answer.is_success for answer in answers) - len(kept),
    )
    return all(outcome.is_whole for outcome in outcomes) and bool(outcomes)


def _uid(sample: Sample) -> str:
    return sample.head.sop_instance_uid


def _store(
    samples: Sequence[Sample], addresses: Addresses, progress: Progress
) -> tuple[list[Answer], dict[str, float]]:
    """Send all; the answers, and when each instance was last answered."""
    answers: list[Answer] = []
    answered_at: dict[str, float] = {}
    for answer in progress.track(store(samples, addresses), total=len(samples), description="Storing"):
        answers.append(answer)
        answered_at[_uid(answer.sample)] = time.monotonic()
    return answers, answered_at


def _find(samples: Sequence[Sample], client: DicomWebClient, progress: Progress) -> dict[str, float]:
    """Search until all are found, or for as long as that may take; when each was."""
    task = progress.add_task("Searching", total=len(samples))
    wanted = {_uid(sample): sample for sample in samples}
    found_at: dict[str, float] = {}
    deadline = time.monotonic() + SEARCHABLE_SECONDS
    while len(found_at) < len(wanted) and time.monotonic() < deadline:
        missing = (sample for uid, sample in wanted.items() if uid not in found_at)
        for study, series in {(s.head.study_instance_uid, s.head.series_instance_uid) for s in missing}:
            for uid in client.instances_of_series(study, series) & wanted.keys():
                found_at.setdefault(uid, time.monotonic())
        progress.update(task, completed=len(found_at))
        if len(found_at) < len(wanted):
            time.sleep(POLL_SECONDS)
    return found_at


def _retrieve(
    answers: Sequence[Answer],
    answered_at: Mapping[str, float],
    found_at: Mapping[str, float],
    client: DicomWebClient,
    progress: Progress,
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for answer in progress.track(answers, description="Retrieving"):
        uid = _uid(answer.sample)
        found_seconds = found_at[uid] - answered_at[uid] if uid in found_at else None
        retrieve_seconds = _retrieve_one(answer.sample, client) if uid in found_at else None
        outcomes.append(Outcome(answer.sample, answer.seconds, found_seconds, retrieve_seconds))
    return outcomes


def _retrieve_one(sample: Sample, client: DicomWebClient) -> float | None:
    """How long it took; None when what came back is not what was sent."""
    started = time.monotonic()
    try:
        retrieved = client.retrieve(sample.instance_path)
    except UnexpectedAnswer:
        return None
    seconds = time.monotonic() - started
    return seconds if is_same(sample, retrieved) else None
