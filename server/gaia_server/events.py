"""
What changes about jobs, as server-sent events.

One reader a web process follows all jobs that somebody watches: it hears which of them changed, reads those once for all
who watch, and gives each watcher the newest state. Watchers hold no connection to the store; one that goes away is
forgotten at once.

References
----------
WHATWG HTML, section 9.2 (server-sent events).
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import batched
from typing import Protocol, Self

import structlog

from gaia_processes.text import Language
from gaia_server.errors import StoreDown
from gaia_server.jobs.records import Job
from gaia_server.jobs.store import Store

MEDIA_TYPE = "text/event-stream"
RETRY_S = 3
ROUND_S = 0.2
LOOK_S = 5.0
AT_ONCE = 20

type Render = Callable[[Job, Language], object]

_log = structlog.get_logger()


class Wakes(Protocol):
    """Who is told that a job changed."""

    def set(self) -> None:
        """Take note."""


class Hears(Protocol):
    """Who knows which jobs change."""

    def enter(self, job_id: str, event: Wakes) -> None:
        """Begin to tell an event of a job's changes."""

    def leave(self, job_id: str, event: Wakes) -> None:
        """Stop telling it."""


class News:
    """A job as it was at one moment; each language's text is made once, for all who watch."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._texts: dict[Language, bytes] = {}

    @property
    def number(self) -> str:
        """What `id:` says: the moment of the last change, in microseconds since 1970."""
        return str(int(self.job.updated.timestamp() * 1_000_000))

    def text(self, language: Language, render: Render) -> bytes:
        """Write the event."""
        if language not in self._texts:
            content = json.dumps(render(self.job, language), ensure_ascii=False, allow_nan=False)
            self._texts[language] = f"id: {self.number}\ndata: {content}\n\n".encode()
        return self._texts[language]


class Watcher:
    """One who watches a job; a context, at whose end nothing of it is left."""

    def __init__(self, feeds: "Feeds", job: Job) -> None:
        self._feeds = feeds
        self._told = threading.Event()
        self._news: News | None = News(job)
        self.key = (job.owner, job.id)

    def tell(self, news: News | None) -> None:
        """Give the newest state; what was not taken yet is overtaken by it. None where the job is gone."""
        self._news = news
        self._told.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for news; False where there was none in time."""
        if not self._told.wait(timeout_s):
            return False
        self._told.clear()
        return True

    @property
    def news(self) -> News | None:
        """The newest state; None where the job is gone."""
        return self._news

    def __enter__(self) -> Self:
        self._feeds.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._feeds.leave(self)


class _Note:
    """Puts one job on the list of those that changed."""

    def __init__(self, feeds: "Feeds", key: tuple[str, str]) -> None:
        self._feeds = feeds
        self._key = key

    def set(self) -> None:
        self._feeds.note(self._key)


class _Feed:
    """A job that somebody watches."""

    def __init__(self, note: _Note) -> None:
        self.note = note
        self.watchers: set[Watcher] = set()
        self.last: Job | None = None


class Feeds:
    """
    All jobs that are watched in this web process.

    Parameters
    ----------
    store : Store
        Read once for each job that changed, however many watch it.
    hears : Hears
        Tells which jobs changed; where it hears nothing (the broker is away), all are looked at every `look_s`.
    """

    def __init__(self, store: Store, hears: Hears, *, look_s: float = LOOK_S) -> None:
        self._store = store
        self._hears = hears
        self._look_s = look_s
        self._feeds: dict[tuple[str, str], _Feed] = {}
        self._changed: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._reader: threading.Thread | None = None

    def watch(self, job: Job) -> Watcher:
        """Watch a job; enter what is given."""
        return Watcher(self, job)

    @property
    def watched(self) -> int:
        """How many jobs are watched."""
        return len(self._feeds)

    def enter(self, watcher: Watcher) -> None:
        """Begin to tell a watcher."""
        with self._lock:
            feed = self._feeds.get(watcher.key)
            if feed is None:
                feed = self._feeds[watcher.key] = _Feed(_Note(self, watcher.key))
                self._hears.enter(watcher.key[1], feed.note)
            feed.watchers.add(watcher)
            if self._reader is None:
                self._reader = threading.Thread(target=self._read_for_ever, name="events", daemon=True)
                self._reader.start()
        self.note(watcher.key)  # it may have changed between its reading and now

    def leave(self, watcher: Watcher) -> None:
        """Forget a watcher, and the job with the last one."""
        with self._lock:
            feed = self._feeds.get(watcher.key)
            if feed is None:
                return
            feed.watchers.discard(watcher)
            if not feed.watchers:
                del self._feeds[watcher.key]
                self._hears.leave(watcher.key[1], feed.note)

    def note(self, key: tuple[str, str]) -> None:
        """Take note that a job changed."""
        with self._lock:
            self._changed.add(key)
        self._wake.set()

    def _read_for_ever(self) -> None:
        looked = time.monotonic()
        while True:
            self._wake.wait(self._look_s if self._feeds else None)
            self._wake.clear()
            now = time.monotonic()
            if now - looked >= self._look_s:
                looked = now
                self._note_all()
            try:
                self._read_round()
            except StoreDown as error:
                _log.warning("events wait: the job store does not answer", reason=str(error))
            except Exception:  # noqa: BLE001 - whatever a round meets, those who watch other jobs must hear of them
                _log.exception("a round of events failed")
            time.sleep(ROUND_S)  # what changes meanwhile is read together

    def _note_all(self) -> None:
        with self._lock:
            self._changed.update(self._feeds)

    def _read_round(self) -> None:
        """Read what changed, and tell it."""
        with self._lock:
            watched = {key: self._feeds[key] for key in self._changed if key in self._feeds}
            self._changed.clear()
        for owner in sorted({owner for owner, _ in watched}):
            for ids in batched((id for of, id in watched if of == owner), AT_ONCE):
                found = {job.id: job for job in self._store.find_all(ids, owner=owner)}
                for id in ids:
                    self._tell(watched[owner, id], found.get(id))
                _let_others_go_on()

    def _tell(self, feed: _Feed, job: Job | None) -> None:
        if job is not None and job == feed.last:
            return
        feed.last = job
        news = None if job is None else News(job)
        with self._lock:
            watchers = tuple(feed.watchers)
        for some in batched(watchers, AT_ONCE):
            for watcher in some:
                watcher.tell(news)
            _let_others_go_on()


def _let_others_go_on() -> None:
    """Have what was told sent before more is told: who only polls waits for a few events, not for all of them."""
    time.sleep(0)


class EventStream:
    """
    The body of an answer: an event at once, one for each change, and the end with the final state.

    Parameters
    ----------
    heartbeat_s : float
        A comment is sent when there was no news for so long, so that nobody in between takes the connection for dead,
        and that we notice who has gone. Some are sent up to half of that sooner: else those who heard the same event would
        all be sent one at the same moment, ever again.
    """

    def __init__(self, feeds: Feeds, job: Job, *, render: Render, language: Language, heartbeat_s: float) -> None:
        self._watcher = feeds.watch(job)
        self._render = render
        self._language: Language = language
        self._heartbeat_s = heartbeat_s

    def __iter__(self) -> Iterator[bytes]:
        yield f"retry: {RETRY_S * 1000}\n\n".encode()
        with self._watcher as watcher:
            sent: bytes | None = None
            while (news := watcher.news) is not None:
                text = news.text(self._language, self._render)
                if text != sent:
                    sent = text
                    yield text
                if news.job.state.final:
                    return
                if not watcher.wait(self._heartbeat_s * random.uniform(0.5, 1)):  # noqa: S311 - no secret
                    yield b": nothing new\n\n"

    def close(self) -> None:
        """Forget the watcher, whether the stream was begun or not."""
        self._watcher.__exit__()
