import json
import time

import pytest

from gaia_server.events import EventStream, Feeds
from gaia_workers.contract import Kind, Report, Words


class Counting:
    """A store that counts how often it is read."""

    def __init__(self, store):
        self.store, self.reads = store, 0

    def find_all(self, ids, *, owner):
        self.reads += 1
        return self.store.find_all(ids, owner=owner)


@pytest.fixture
def counting(store) -> Counting:
    return Counting(store)


@pytest.fixture
def feeds(counting, ears) -> Feeds:
    return Feeds(counting, ears, look_s=60)


def open_stream(feeds, job, heartbeat_s=5.0):
    stream = EventStream(
        feeds, job, render=lambda job, language: {"progress": job.progress}, language="en", heartbeat_s=heartbeat_s
    )
    return stream, iter(stream)


def progress(desk, job, percent):
    return desk.report(
        job, Report(job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.PROGRESS, progress=percent)
    )


def told(event: bytes):
    return json.loads(event.partition(b"data: ")[2])


def wait_until(holds, limit_s=5):
    give_up = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_a_watcher_hears_the_state_at_once_and_then_each_change_until_the_end(feeds, ears, desk):
    job = desk.accept("message")
    stream, events = open_stream(feeds, job)
    assert next(events) == b"retry: 3000\n\n"
    assert told(next(events)) == {"progress": 0}
    progress(desk, job, 40)
    ears.announce(job.id)
    assert told(next(events)) == {"progress": 40}
    desk.finish(job)
    ears.announce(job.id)
    assert told(next(events)) == {"progress": 100}
    assert list(events) == []
    stream.close()
    assert feeds.watched == 0


def test_a_hundred_watchers_cost_one_reading_a_change(feeds, counting, ears, desk):
    job = desk.accept("message")
    streams = [open_stream(feeds, job) for _ in range(100)]
    for _, events in streams:
        next(events), next(events)
    wait_until(lambda: counting.reads > 0)
    progress(desk, job, 40)
    before = counting.reads
    ears.announce(job.id)
    assert {told(next(events))["progress"] for _, events in streams} == {40}
    assert counting.reads == before + 1
    for stream, _ in streams:
        stream.close()
    assert ears.waiting[job.id] == []


def test_what_says_nothing_new_is_not_sent(feeds, ears, desk):
    job = desk.accept("message")
    stream, events = open_stream(feeds, job, heartbeat_s=0.5)
    next(events), next(events)
    ears.announce(job.id)
    assert next(events) == b": nothing new\n\n"
    stream.close()


def test_a_change_that_nobody_announced_is_seen_all_the_same(store, ears, desk):
    feeds = Feeds(store, ears, look_s=0.1)
    job = desk.accept("message")
    stream, events = open_stream(feeds, job)
    next(events), next(events)
    progress(desk, job, 40)
    assert told(next(events)) == {"progress": 40}
    stream.close()


def test_a_watcher_that_goes_away_leaves_nothing(feeds, ears, desk):
    job = desk.accept("message")
    stream, events = open_stream(feeds, job)
    never_begun, _ = open_stream(feeds, job)
    next(events), next(events)
    events.close()
    stream.close()
    never_begun.close()
    assert feeds.watched == 0
    assert ears.waiting[job.id] == []


def test_a_failed_job_is_told_to_its_end(feeds, ears, desk):
    job = desk.accept("message")
    stream, events = open_stream(feeds, job)
    next(events), next(events)
    desk.fail(job, "timeout")
    ears.announce(job.id)
    assert b"id: " in next(events)
    assert list(events) == []
    stream.close()


def test_words_go_out_as_they_are(feeds, desk):
    job = desk.report(
        job := desk.accept("message"),
        Report(
            job_id=job.id,
            part=0,
            attempt=1,
            centre=job.centre,
            kind=Kind.STARTED,
            words=Words(en="a\nb", fr="é"),
        ),
    )
    stream = EventStream(
        feeds, job, render=lambda job, language: {"message": job.message.fr}, language="fr", heartbeat_s=1
    )
    events = iter(stream)
    next(events)
    assert 'data: {"message": "é"}'.encode() in next(events)
    stream.close()
