import json
import os
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.intake.door import Intake
from dicomhub.intake.journal import CUT, PUBLISHED
from dicomhub.intake.segments import cut_segments, published_segments
from dicomhub.storage.layout import JOURNAL
from tasks.messages import batch_from_message
from tasks.route import STAGES
from tests.support.receiving import receive
from tests.support.redis_process import running_redis
from tests.support.samples import sample

CT, MR = sample("CT_small.dcm"), sample("MR_small.dcm")


@pytest.fixture
def broker(tmp_path):
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def dispatcher(environment, broker):
    environment = replace(environment, redis_url=broker.url)
    return Dispatcher.open(replace(environment, intake=replace(environment.intake, republish_seconds=30)))


@pytest.fixture
def journal(store):
    return store.absolute(JOURNAL)


def messages(broker):
    """Headers and body of what is in the index queue, the one that was published last first."""
    with redis.Redis.from_url(broker.url) as client:
        published = [json.loads(message) for message in client.lrange("dicomhub:index", 0, -1)]
    return [(message["headers"], json.loads(b64decode(message["body"]))) for message in published]


def queued(broker):
    """The batches of these."""
    return [batch_from_message(body[0][0]) for _, body in messages(broker)]


def a_cut_batch(environment):
    intake = Intake.open(environment, owner="test")
    for path in (CT, MR):
        receive(intake, path)
    intake.cut()


def make_older(path, *, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_cut_batch_is_published_once_with_all_its_instances(environment, dispatcher, broker, journal):
    a_cut_batch(environment)
    assert dispatcher.publish_pending() == 1
    assert dispatcher.publish_pending() == 0
    [batch] = queued(broker)
    assert [instance.patient_id for instance in batch.instances] == ["1CT1", "4MR1"]
    assert [path.stem for path in published_segments(journal)] == [batch.batch_id]


def test_every_stage_shows_an_operator_its_batch_and_no_manifest(environment, dispatcher, broker):
    a_cut_batch(environment)
    dispatcher.publish_pending()
    [(headers, (_, _, embedded))] = messages(broker)
    [batch] = queued(broker)
    shown = [stage["options"]["argsrepr"] for stage in embedded["chain"]]
    assert [headers["argsrepr"], *shown] == [f"({batch.batch_id}, 2 instances)"] * len(STAGES)


def test_while_the_broker_is_away_batches_wait_and_nothing_is_lost(environment, dispatcher, broker, journal):
    broker.kill()
    a_cut_batch(environment)
    a_cut_batch(environment)
    assert dispatcher.publish_pending() == 0
    assert len(cut_segments(journal)) == 2
    broker.start()
    assert dispatcher.publish_pending() == 2
    assert len(queued(broker)) == 2


def test_without_any_broker_batches_wait(environment, journal):
    a_cut_batch(environment)
    assert Dispatcher.open(environment).publish_pending() == 0
    assert len(cut_segments(journal)) == 1


def test_a_batch_that_the_broker_forgot_is_published_again(environment, dispatcher, broker, journal):
    a_cut_batch(environment)
    dispatcher.publish_pending()
    [published] = published_segments(journal)
    broker.forget_everything()
    fresh = Dispatcher.open(replace(environment, redis_url=broker.url))
    assert fresh.publish_pending() == 0, "it is too early to say"
    make_older(published, seconds=3600)
    Dispatcher.open(replace(environment, redis_url=broker.url)).publish_pending()
    assert [batch.batch_id for batch in queued(broker)] == [published.stem]


def test_a_batch_that_still_waits_in_its_queue_is_not_published_again(
    environment, dispatcher, broker, journal
):
    a_cut_batch(environment)
    dispatcher.publish_pending()
    make_older(published_segments(journal)[0], seconds=3600)
    Dispatcher.open(replace(environment, redis_url=broker.url)).publish_pending()
    assert len(queued(broker)) == 1


def test_a_damaged_segment_is_put_aside_and_the_others_go_on(environment, dispatcher, broker, journal):
    a_cut_batch(environment)
    (journal / f"00000000T000000-0{CUT}").write_bytes(b"no header\n")
    assert dispatcher.publish_pending() == 1
    assert [path.suffix for path in journal.glob("0000*")] == [".damaged"]


def test_of_a_segment_with_a_damaged_line_the_rest_goes_on_and_the_whole_is_kept(
    environment, dispatcher, broker, journal
):
    a_cut_batch(environment)
    [segment] = cut_segments(journal)
    header, first, _ = segment.read_bytes().splitlines()
    damaged = b"\n".join([header, first, b"{}", b""])
    segment.write_bytes(damaged)
    assert dispatcher.publish_pending() == 1
    assert [len(batch.instances) for batch in queued(broker)] == [1]
    assert segment.with_suffix(".damaged").read_bytes() == damaged


def test_two_dispatchers_take_an_orphan_once(environment, dispatcher, broker, journal):
    intake = Intake.open(environment, owner="test")
    receive(intake, CT)
    [segment] = journal.glob("*.open")
    copy = segment.read_bytes()
    intake.cut()
    cut_segments(journal)[0].unlink()
    segment.write_bytes(copy)
    others = [Dispatcher.open(replace(environment, redis_url=broker.url)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(Dispatcher.publish_pending, others)) == 1
    assert len(queued(broker)) == 1


def test_the_dispatcher_wakes_when_poked_and_publishes_what_is_left_when_told_to_stop(
    environment, dispatcher, broker
):
    readable, writable = os.pipe()
    rounds = []

    def should_stop():
        if not rounds:
            a_cut_batch(environment)
            os.write(writable, b".")
        elif len(rounds) == 1:
            a_cut_batch(environment)
        rounds.append(len(queued(broker)))
        return len(rounds) > 1

    dispatcher.run(should_stop, readable, lambda: None)
    os.close(readable)
    os.close(writable)
    assert rounds == [0, 1]
    assert len(queued(broker)) == 2


def test_a_segment_whose_name_cannot_be_changed_holds_up_no_other_and_is_published_once(
    environment, dispatcher, broker, journal
):
    a_cut_batch(environment)
    a_cut_batch(environment)
    first, _ = cut_segments(journal)
    in_the_way = first.with_suffix(PUBLISHED)
    (in_the_way / "file").mkdir(parents=True)
    assert dispatcher.publish_pending() == 2
    assert dispatcher.publish_pending() == 0
    assert len(queued(broker)) == 2
    assert cut_segments(journal) == [first]
    (in_the_way / "file").rmdir()
    in_the_way.rmdir()
    assert dispatcher.publish_pending() == 0
    assert len(published_segments(journal)) == len(queued(broker)) == 2
