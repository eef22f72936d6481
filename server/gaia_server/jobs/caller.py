"""Makes the calls to subscribers that wait in the store: signed, apart from everything else, a few times and no more."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog

from gaia_processes.text import Language, Text
from gaia_server.answers import results_document
from gaia_server.errors import Busy, JobFailed, NothingThere, StoreDown
from gaia_server.jobs.callbacks import Call, Callbacks
from gaia_server.jobs.records import Event, Job
from gaia_server.outbound import Outbound, OutboundFailed, OutboundRefused, shown
from gaia_server.problems import known_code, problem_members
from gaia_server.results import ResultFiles
from gaia_server.signatures import HEADER, key_of, sign
from gaia_server.status import job_url, render_status
from gaia_workers.contract import Words, utc_now

MOST_TRIES = 5
AT_ONCE = 200
HOSTS_AT_ONCE = 8
CLAIM_MARGIN_S = 5.0

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a call went: None is well, words say what was wrong; `hopeless` is not worth another try."""

    problem: Text | None = None
    hopeless: bool = False


class Caller:
    """
    Makes calls.

    Parameters
    ----------
    callbacks : Callbacks
        The calls that wait.
    find_job : callable
        Id -> job, or None.
    files : ResultFiles
        Opens the outputs of jobs.
    key : str
        The service's key.
    base_url : str
        Address of the landing page.
    wait_s : float
        Before the second try; twice as long before each further one.
    """

    def __init__(
        self,
        *,
        callbacks: Callbacks,
        find_job: Callable[[str], Job | None],
        files: ResultFiles,
        outbound: Outbound,
        key: str,
        base_url: str,
        wait_s: float,
    ) -> None:
        self._callbacks = callbacks
        self._find_job = find_job
        self._files = files
        self._outbound = outbound
        self._key = key
        self._base_url = base_url
        self._wait_s = wait_s
        self._called: set[str] = set()
        self._lock = threading.Lock()

    def turn(self) -> None:
        """
        Begin to make the calls that are due: those to one host one after the other, by a thread of its own.

        A host that hangs holds nobody else up; it is left out of the next turns until its calls have ended.
        """
        with self._lock:
            called = frozenset(self._called)
        by_host: defaultdict[str, list[Call]] = defaultdict(list)
        for call in self._callbacks.due(utc_now(), limit=AT_ONCE, without=called):
            by_host[call.host].append(call)
        for host, calls in by_host.items():
            if self._begin(host):
                threading.Thread(target=self._call_all, args=(host, calls), name=f"calls {host}", daemon=True).start()

    def idle(self) -> bool:
        """Tell whether no call is being made."""
        with self._lock:
            return not self._called

    def _begin(self, host: str) -> bool:
        with self._lock:
            if host in self._called or len(self._called) >= HOSTS_AT_ONCE:
                return False
            self._called.add(host)
            return True

    def _call_all(self, host: str, calls: Sequence[Call]) -> None:
        try:
            for call in calls:
                self._call(call)
        except StoreDown:
            _log.warning("callbacks wait: the job store does not answer", host=host)
        except Exception:  # noqa: BLE001 - whatever a call meets, the others go on
            _log.exception("callbacks to a host failed", host=host)
        finally:
            with self._lock:
                self._called.discard(host)

    def _call(self, call: Call) -> None:
        held_s = self._outbound.time_limit_s + CLAIM_MARGIN_S
        if not self._callbacks.claim(call, until=utc_now() + timedelta(seconds=held_s)):
            return
        job, tries = self._find_job(call.job_id), call.tries + 1
        address = _address(job, call.event)
        outcome = Outcome() if job is None or address is None else self._try(call, job, address)
        if outcome.problem is None:
            self._callbacks.done(call)
        elif outcome.hopeless or tries >= MOST_TRIES:
            _log.warning("callback given up", job=call.job_id, about=call.event, tries=tries, reason=outcome.problem.en)
            self._callbacks.give_up(call, _given_up(address or "", tries, outcome.problem))
        else:
            self._callbacks.later(call, due=utc_now() + timedelta(seconds=self._wait_s * 2 ** (tries - 1)))

    def _try(self, call: Call, job: Job, address: str) -> Outcome:
        language = job.demand.subscriber.language if job.demand.subscriber else "en"
        try:
            target = self._outbound.target(address)
            message = self._message(job, call.event, language)
            body = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
            headers = {
                "Content-Type": "application/json",
                "Content-Language": language,
                HEADER: sign(body, time_s=int(time.time()), key=key_of(target.host, self._key)),
                "Gaia-Event": call.event,
                "Gaia-Delivery": f"{call.number}-{job.id}",
                "Gaia-Job": job_url(self._base_url, job.id),
            }
            status = self._outbound.post(address, body, headers)
        except OutboundFailed as failed:
            return Outcome(problem=failed.text)
        except OutboundRefused as refused:
            return Outcome(problem=refused.text, hopeless=True)
        except (NothingThere, JobFailed):
            return Outcome()  # the results were removed meanwhile: there is nothing to tell
        except Busy as busy:
            return Outcome(problem=busy.text)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Outcome()
        where = shown(address)
        return Outcome(problem=Text(en=f"{where} answered with status {status}.", fr=f"{where} a répondu {status}."))

    def _message(self, job: Job, event: Event, language: Language) -> dict[str, Any]:
        """Write what a subscriber is told: the results, the status, or what went wrong."""
        if event == "success":
            return results_document(job, self._files, self._base_url)
        if event == "failed" and job.failure is not None:
            words, url = job.failure.words, job_url(self._base_url, job.id)
            detail, code = Text(en=words.en, fr=words.fr), known_code(job.failure.code)
            problem = problem_members(code, detail, language=language, instance=f"{url}/results")
            return problem | {"gaia:jobID": job.id, "gaia:centre": job.centre, "gaia:attempt": job.attempt}
        return render_status(job, base_url=self._base_url, language=language)


def _address(job: Job | None, event: Event) -> str | None:
    subscriber = job.demand.subscriber if job else None
    return subscriber.address(event) if subscriber else None


def _given_up(address: str, tries: int, problem: Text) -> Words:
    where = shown(address)
    return Words(
        en=f"The callback to {where} was given up after {tries} tries: {problem.en}",
        fr=f"L'appel à {where} a été abandonné après {tries} essais : {problem.fr}",
    )
