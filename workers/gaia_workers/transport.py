"""
How orders, reports and signs of life travel: as messages of Celery on Redis (`messages.py`), and by Redis itself.

Keys below a centre's prefix
    `job:<id>`         hash: `sent` and `claimed` (attempts), `dismissal` (a signed envelope)
    `lease:<id>`       the attempt that a worker holds; gone when its heartbeats stop
    `reports`          stream of signed reports, read by the recorder's group
    `dismissals`       stream of signed dismissals, read by the group of the centre's agents
    `server`           version of the contract that the server speaks
    `workers`          set of worker names; `presence:<name>` the signed sign of life of each
"""

import json
import math
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import redis
import structlog

from gaia_config.centres import Centre
from gaia_workers.contract import (
    CONTRACT,
    BadMessage,
    Dismissal,
    Load,
    Order,
    Presence,
    Report,
    Trace,
    TransportDown,
    seal,
    understood,
    unseal,
)
from gaia_workers.exchange import Exchange
from gaia_workers.messages import CONNECT_TIMEOUT_S, LONGEST_JOB_S, queue_name, read_message, write_message

CHANGES = "gaia:changes"
RECORDER = "recorder"
AGENTS = "agents"
PRESENCE_S = 10.0
KEEP_S = 2 * LONGEST_JOB_S
FORGOTTEN_MS = 30_000
LEFT_PERIOD_S = 5.0
_BLOCK_LIMIT_S = 1.0

_CLAIM = """
local claimed = tonumber(redis.call('HGET', KEYS[1], 'claimed') or '0')
if claimed >= tonumber(ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'claimed', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('HGET', KEYS[1], 'dismissal') or ''
"""
_RENEW = """
local claimed = tonumber(redis.call('HGET', KEYS[1], 'claimed') or '0')
if claimed > tonumber(ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'claimed', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('HGET', KEYS[1], 'dismissal') or ''
"""
_TAKE = """
for _, queue in ipairs(KEYS) do
  local message = redis.call('RPOP', queue)
  if message then
    local job, attempt = string.match(message, '^{"order": "([%w-]+)/(%d+)"')
    if job then
      local known = redis.call('HMGET', ARGV[1] .. 'job:' .. job, 'sent', 'claimed', 'dismissal')
      if known[1] == attempt and tonumber(known[2] or '0') < tonumber(attempt) then
        redis.call('HSET', ARGV[1] .. 'job:' .. job, 'claimed', attempt)
        redis.call('EXPIRE', ARGV[1] .. 'job:' .. job, ARGV[3])
        redis.call('SET', ARGV[1] .. 'lease:' .. job, attempt, 'PX', ARGV[2])
        return {message, job, attempt, known[2] or '', known[3] or ''}
      end
    end
    return {message}
  end
end
return false
"""
_UNDO = """
if redis.call('HGET', KEYS[1], 'claimed') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'claimed')
else
  redis.call('HSET', KEYS[1], 'claimed', ARGV[2])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_REPORT = """
for at = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'envelope', ARGV[at]) end
if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return #ARGV - 1
"""

_DIGITS = 10

_log = structlog.get_logger()


@contextmanager
def _as_transport_down(centre: str) -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, OSError) as error:
        raise TransportDown(f"the broker of {centre} does not answer") from error
    except redis.ResponseError as error:  # a right that is missing, or a key that somebody made something else of
        raise TransportDown(f"the broker of {centre} refuses: {str(error)[:80]}") from error


def connect(url: str, *, timeout_s: float = CONNECT_TIMEOUT_S) -> "redis.Redis":
    """Make a Redis client that gives up in time."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="replace",  # bytes that are no text are refused where they are read, and keep nobody from the rest
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=10,
        retry=None,
    )


def _carry_out(pool: redis.ConnectionPool, commands: Iterable[tuple[str, ...]]) -> None:
    """
    Have commands carried out in one exchange, of whose answers nothing is wanted but that all are good.

    For every job the server does this once; a pipeline of the client takes more than twice as long.
    """
    packed = [_pack(command) for command in commands]
    connection: Any = pool.get_connection()  # redis leaves the types of some of its methods out
    try:
        connection.send_packed_command(packed)
        answers = [_answer(connection) for _ in packed]
    except BaseException:
        connection.disconnect()  # what comes next on it would be an answer to this
        raise
    finally:
        pool.release(connection)
    for answer in answers:
        if isinstance(answer, redis.ResponseError):
            raise answer


def _pack(command: tuple[str, ...]) -> bytes:
    """Write a command as Redis reads it (RESP, an array of bulk strings)."""
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        content = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(content), content))
    return b"".join(parts)


def _answer(connection: Any) -> Any:
    """Read an answer; a refusal is one too, and others may follow it."""
    try:
        return connection.read_response()
    except redis.ResponseError as refusal:
        return refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """
    An attempt that was claimed in the step that took its order off the queue.

    Attributes
    ----------
    before : str
        What was claimed of the job until then; empty where nothing was.
    dismissal : str
        The sealed dismissal that lay there; empty without.
    """

    job_id: str
    attempt: int
    before: str
    dismissal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """
    What was taken off a queue.

    Attributes
    ----------
    claim : Claim or None
        What was claimed with it, by its label, which nobody has signed: it holds only if the order says the same.
    """

    message: str
    claim: Claim | None = None

    def envelope(self) -> Any:
        """Give the sealed order in it; BadMessage where there is none."""
        return read_message(self.message)


class Line:
    """The keys of one centre in its broker, from either end."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self._redis = connect(centre.broker_url)
        self._claim = self._redis.register_script(_CLAIM)
        self._renew = self._redis.register_script(_RENEW)
        self._release = self._redis.register_script(_RELEASE)
        self._take = self._redis.register_script(_TAKE)
        self._undo = self._redis.register_script(_UNDO)
        self._report = self._redis.register_script(_REPORT)
        self._exchange = Exchange(self._redis)
        self._spoken = CONTRACT
        self._owed: dict[str, set[str]] = {}
        self._looked: dict[str, float] = {}

    def close(self) -> None:
        """Give the connections back."""
        self._exchange.close()
        self._redis.close()

    def key(self, *parts: str) -> str:
        """Name a key of this centre."""
        return self.centre.prefix + ":".join(parts)

    @property
    def spoken(self) -> int:
        """Version of the contract that the other end understands, as far as is known."""
        return self._spoken

    def _learn(self, contract: int) -> None:
        """Speak as the other end does, where it is one version behind."""
        self._spoken = min(CONTRACT, max(contract, CONTRACT - 1))

    def time_s(self) -> float:
        """Tell the broker's time, seconds since 1970."""
        with _as_transport_down(self.centre.id):
            seconds, micros = self._redis.time()
        return seconds + micros / 1e6

    # --- leases ----------------------------------------------------------------------------------------------------

    def put_order(self, *orders: Order) -> None:
        """
        Put orders on their queues, and remember that these attempts were sent: a broker that forgot one can so be told from
        one that holds it.
        """
        commands: list[tuple[str, ...]] = []
        for order in orders:
            queue, job = queue_name(self.centre, order.queue), self.key("job", order.job_id)
            envelope = seal(order, self.centre.key, contract=self._spoken)
            message = write_message(envelope, queue, label=f"{order.job_id}/{order.attempt}")
            commands += [
                ("HSET", job, "sent", str(order.attempt)),
                ("EXPIRE", job, str(KEEP_S)),
                ("LPUSH", self.key(queue), message),
            ]
        with _as_transport_down(self.centre.id):
            _carry_out(self._redis.connection_pool, commands)

    def take_order(self, queues: Sequence[str], lease_s: float) -> Taken | None:
        """
        Take the next order off the first of some queues that holds one, and claim it in the same step.

        So an order is in its queue or held by a lease, and none can get lost between the two. What the server did not send, was
        taken before, or has no label (as the version before writes it) is taken unclaimed.
        """
        keys = [self.key(queue_name(self.centre, queue)) for queue in queues]
        with _as_transport_down(self.centre.id):
            found = self._exchange.run(self._take, keys, (self.centre.prefix, int(lease_s * 1000), KEEP_S))
        if found is None:
            return None
        message, *claimed = found
        if not claimed:
            return Taken(message=message)
        job_id, attempt, before, dismissal = claimed
        return Taken(
            message=message,
            claim=Claim(job_id=job_id, attempt=int(attempt), before=before, dismissal=dismissal),
        )

    def await_order(self, queues: Sequence[str], *, wait_s: float) -> Taken | None:
        """Wait for an order; it is taken unclaimed, for the broker can wait for nothing but a queue."""
        keys = [self.key(queue_name(self.centre, queue)) for queue in queues]
        with _as_transport_down(self.centre.id):
            found = cast("tuple[str, str] | None", self._redis.brpop(keys, timeout=min(wait_s, _BLOCK_LIMIT_S)))
        return None if found is None else Taken(message=found[1])

    def undo(self, claim: Claim) -> None:
        """Let it be as if a claim had not been made: the order turned out to be another one, or none."""
        keys = [self.key("job", claim.job_id), self.key("lease", claim.job_id)]
        with _as_transport_down(self.centre.id):
            self._exchange.run(self._undo, keys, (claim.attempt, claim.before))

    def confirm(self, claim: Claim) -> bool:
        """Tell whether what was claimed with its order is still wanted; let go of it where it is not."""
        if self._dismisses(claim.dismissal, claim.job_id, claim.attempt):
            self.release(claim.job_id, claim.attempt)
            return False
        return True

    def claim(self, job_id: str, attempt: int, lease_s: float) -> bool:
        """Take an attempt; False where it, or a later one, was taken before, or nobody wants it any more."""
        wanted = self._held(self._claim, job_id, attempt, lease_s)
        if wanted is None:
            self.release(job_id, attempt)
        return bool(wanted)

    def renew(self, job_id: str, attempt: int, lease_s: float) -> bool:
        """Go on holding an attempt; False where a later one was taken, or nobody wants it any more."""
        return bool(self._held(self._renew, job_id, attempt, lease_s))

    def _held(self, script: Any, job_id: str, attempt: int, lease_s: float) -> bool | None:
        """Hold an attempt; False where it cannot be had, None where it is held and was dismissed."""
        keys = [self.key("job", job_id), self.key("lease", job_id)]
        with _as_transport_down(self.centre.id):
            envelope = self._exchange.run(script, keys, (attempt, int(lease_s * 1000), KEEP_S))
        if envelope is None:
            return False
        return None if self._dismisses(envelope, job_id, attempt) else True

    def release(self, job_id: str, attempt: int) -> None:
        """Let go of an attempt."""
        with _as_transport_down(self.centre.id):
            self._exchange.run(self._release, [self.key("lease", job_id)], (attempt,))

    def traces(self, job_ids: tuple[str, ...]) -> dict[str, Trace]:
        """See what the broker knows of jobs."""
        if not job_ids:
            return {}
        with _as_transport_down(self.centre.id), self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hmget(self.key("job", job_id), "sent", "claimed")
                pipe.get(self.key("lease", job_id))
            answers = pipe.execute(raise_on_error=False)
        return {job_id: _trace(*answers[2 * n : 2 * n + 2]) for n, job_id in enumerate(job_ids)}

    # --- dismissals ------------------------------------------------------------------------------------------------

    def put_dismissal(self, dismissal: Dismissal) -> None:
        """Leave a dismissal where the job's holder looks at every heartbeat, and tell the agents."""
        envelope = json.dumps(seal(dismissal, self.centre.key, contract=self._spoken))
        with _as_transport_down(self.centre.id), self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(self.key("job", dismissal.job_id), "dismissal", envelope)
            pipe.expire(self.key("job", dismissal.job_id), KEEP_S)
            pipe.xadd(self.key("dismissals"), {"envelope": envelope})
            pipe.execute()

    def dismissed(self, job_id: str, attempt: int) -> bool:
        """Tell whether an attempt is no longer wanted; a forged dismissal does not count."""
        with _as_transport_down(self.centre.id):
            envelope = self._redis.hget(self.key("job", job_id), "dismissal")
        return self._dismisses(cast("str | None", envelope), job_id, attempt)

    def _dismisses(self, envelope: str | None, job_id: str, attempt: int) -> bool:
        if not envelope:
            return False
        try:
            dismissal = unseal(_parse(envelope), self.centre.key, Dismissal)
        except BadMessage as error:
            _log.warning("dismissal refused", job=job_id, reason=str(error))
            return False
        return dismissal.job_id == job_id and dismissal.attempt >= attempt

    # --- streams ---------------------------------------------------------------------------------------------------

    def put_reports(self, reports: Iterable[Report], *, release: tuple[str, int] | None = None) -> None:
        """
        Hand reports to the recorder: all of them, or none.

        Parameters
        ----------
        release : tuple of str and int, optional
            The attempt, as job and number, that they end: its lease is let go together with them.
        """
        envelopes = [json.dumps(seal(report, self.centre.key, contract=self._spoken)) for report in reports]
        job_id, attempt = release or ("", "")
        keys = [self.key("reports"), self.key("lease", job_id)]
        with _as_transport_down(self.centre.id):
            self._exchange.run(self._report, keys, (attempt, *envelopes))

    def take[M: (Report, Dismissal)](
        self, stream: Literal["reports", "dismissals"], group: str, expect: type[M], *, wait_s: float, limit: int
    ) -> tuple[tuple[str, M | BadMessage], ...]:
        """Take messages of a stream; those that another reader took and never acknowledged come again."""
        key = self.key(stream)
        with _as_transport_down(self.centre.id):
            entries = self._taken(key, group, wait_s, limit)
        return tuple((number, self._open(fields, expect)) for number, fields in entries)

    def _taken(self, key: str, group: str, wait_s: float, limit: int) -> list[tuple[str, dict[str, str]]]:
        try:
            entries = self._left(key, group, limit) or self._fresh(key, group, wait_s, limit)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._redis.xgroup_create(key, group, id="0", mkstream=True)
            return []
        self._owed.setdefault(key, set()).update(number for number, _ in entries)
        return entries

    def _left(self, key: str, group: str, limit: int) -> list[tuple[str, dict[str, str]]]:
        """Look for what nobody dealt with: at first, after a batch that was not acknowledged, and every few seconds."""
        now = time.monotonic()
        if not self._owed.get(key) and now - self._looked.get(key, -math.inf) < LEFT_PERIOD_S:
            return []
        found = self._unfinished(key, group, limit)
        self._owed.pop(key, None)
        if not found:
            self._looked[key] = now
        return found

    def _unfinished(self, key: str, group: str, limit: int) -> list[tuple[str, dict[str, str]]]:
        """Take up what this reader did not finish, then what a reader left that is gone."""
        own = _entries(self._redis.xreadgroup(group, _reader(), {key: "0"}, count=limit))
        if own:
            return own
        left = self._redis.xautoclaim(key, group, _reader(), min_idle_time=FORGOTTEN_MS, count=limit)
        return _entries([[key, left[1]]])

    def _fresh(self, key: str, group: str, wait_s: float, limit: int) -> list[tuple[str, dict[str, str]]]:
        block_ms = max(int(min(wait_s, _BLOCK_LIMIT_S) * 1000), 1)
        return _entries(self._redis.xreadgroup(group, _reader(), {key: ">"}, count=limit, block=block_ms))

    def _open[M: (Report, Dismissal)](self, fields: Mapping[str, str], expect: type[M]) -> M | BadMessage:
        try:
            return unseal(_parse(fields.get("envelope", "")), self.centre.key, expect)
        except BadMessage as error:
            return error

    def idle_s(self, stream: Literal["reports", "dismissals"], group: str) -> float | None:
        """Tell how long ago this host's reader of a stream last asked for messages; None where it never did."""
        with _as_transport_down(self.centre.id):
            readers = self._readers(self.key(stream), group)
        return next((reader["idle"] / 1000 for reader in readers if reader["name"] == _reader()), None)

    def _readers(self, key: str, group: str) -> list[dict[str, Any]]:
        try:
            readers: list[dict[str, Any]] = self._redis.xinfo_consumers(key, group)
        except redis.ResponseError as error:
            if "NOGROUP" in str(error) or "no such key" in str(error):
                return []
            raise
        return readers

    def acknowledge(self, stream: Literal["reports", "dismissals"], group: str, numbers: tuple[str, ...]) -> None:
        """Forget messages that were dealt with."""
        if not numbers:
            return
        with _as_transport_down(self.centre.id), self._redis.pipeline(transaction=False) as pipe:
            pipe.xack(self.key(stream), group, *numbers)
            pipe.xdel(self.key(stream), *numbers)
            pipe.execute()
        self._owed.get(self.key(stream), set()).difference_update(numbers)

    # --- presence --------------------------------------------------------------------------------------------------

    def show_presence(self, presence: Presence) -> None:
        """Give a sign of life."""
        with _as_transport_down(self.centre.id):
            self._learn(_number(self._redis.get(self.key("server"))) or CONTRACT)
        envelope = json.dumps(seal(presence, self.centre.key, contract=self._spoken))
        with _as_transport_down(self.centre.id), self._redis.pipeline(transaction=False) as pipe:
            pipe.sadd(self.key("workers"), presence.worker)
            pipe.set(self.key("presence", presence.worker), envelope, px=int(PRESENCE_S * 1000))
            pipe.execute()

    def leave(self, worker: str) -> None:
        """Say goodbye."""
        with _as_transport_down(self.centre.id), self._redis.pipeline(transaction=False) as pipe:
            pipe.srem(self.key("workers"), worker)
            pipe.delete(self.key("presence", worker))
            pipe.execute()

    def present(self) -> tuple[Presence, ...]:
        """List the signs of life of the workers that gave one just now."""
        with _as_transport_down(self.centre.id):
            workers = sorted(cast("set[str]", self._redis.smembers(self.key("workers"))))
            envelopes = [self._redis.get(self.key("presence", worker)) for worker in workers]
        return tuple(one for one in map(self._presence, cast("list[str | None]", envelopes)) if one)

    def load(self) -> Load:
        """See how the centre is, and leave word which version of the contract is spoken here."""
        queues = [queue.name for queue in self.centre.queues]
        with _as_transport_down(self.centre.id):
            workers = sorted(cast("set[str]", self._redis.smembers(self.key("workers"))))
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.xrange(self.key("reports"), count=1)
                pipe.time()
                pipe.set(self.key("server"), str(CONTRACT))
                for queue in queues:
                    pipe.llen(self.key(queue_name(self.centre, queue)))
                for worker in workers:
                    pipe.get(self.key("presence", worker))
                    pipe.pttl(self.key("presence", worker))
                oldest, now, _, *answers = pipe.execute()
            waiting, signs = answers[: len(queues)], answers[len(queues) :]
            self._forget([worker for worker, sign in zip(workers, signs[::2], strict=True) if sign is None])
        present = [one for one in map(self._presence, signs[::2]) if one]
        contract = min((one.contract for one in present), default=CONTRACT)
        self._learn(contract)
        return Load(
            alive=any(one.trouble is None and understood(one.contract) for one in present),
            waiting=dict(zip(queues, waiting, strict=True)),
            running=sum(len(one.running) for one in present),
            slots=sum(one.slots for one in present),
            trouble=tuple(one.trouble for one in present if one.trouble),
            behind_s=_age_s(oldest, now),
            contract=contract,
            silent_s=PRESENCE_S - max(signs[1::2], default=0) / 1e3,
        )

    def _forget(self, workers: Sequence[str]) -> None:
        """Forget workers that are gone: each has a name of its own, and one that comes back says it again."""
        if workers:
            self._redis.srem(self.key("workers"), *workers)

    def _presence(self, envelope: str | None) -> Presence | None:
        if envelope is None:
            return None
        try:
            return unseal(_parse(envelope), self.centre.key, Presence, any_version=True)
        except BadMessage as error:
            _log.warning("sign of life refused", centre=self.centre.id, reason=str(error))
            return None


class CeleryTransport:
    """The server's end; see `gaia_workers.contract.Transport`."""

    def __init__(self, centres: Mapping[str, Centre], hub_url: str) -> None:
        self._lines = {name: Line(centre) for name, centre in centres.items()}
        self._hub_url = hub_url
        self._hub = connect(hub_url)

    @classmethod
    def open(cls, centres: Mapping[str, Centre], hub_url: str) -> Self:
        """Open the lines to the centres' brokers; nothing is connected before it is used."""
        return cls(centres, hub_url)

    def send(self, *orders: Order) -> None:
        """Put orders on the queues of their centre."""
        if orders:
            self._lines[orders[0].centre].put_order(*orders)

    def dismiss(self, centre: str, dismissal: Dismissal) -> None:
        """Tell a centre to stop a job."""
        self._lines[centre].put_dismissal(dismissal)

    def load(self, centre: str) -> Load:
        """See how a centre is."""
        return self._lines[centre].load()

    def trace(self, centre: str, job_ids: tuple[str, ...]) -> dict[str, Trace]:
        """See what a centre's broker knows of jobs."""
        return self._lines[centre].traces(job_ids)

    def reports(self, centre: str, *, wait_s: float, limit: int) -> tuple[tuple[str, Report | BadMessage], ...]:
        """Take reports of a centre."""
        return self._lines[centre].take("reports", RECORDER, Report, wait_s=wait_s, limit=limit)

    def acknowledge(self, centre: str, numbers: tuple[str, ...]) -> None:
        """Forget reports that are in the store."""
        self._lines[centre].acknowledge("reports", RECORDER, numbers)

    def announce(self, job_ids: tuple[str, ...]) -> None:
        """Tell every web process that these jobs changed."""
        if job_ids:
            with _as_transport_down("the server"):
                self._hub.publish(CHANGES, json.dumps(job_ids))

    def changes(self) -> Iterator[tuple[str, ...]]:
        """Hear which jobs changed."""
        while True:
            try:
                yield from self._heard()
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                _log.warning("changes are not heard for the moment", reason=type(error).__name__)
                time.sleep(1)

    def _heard(self) -> Iterator[tuple[str, ...]]:
        hub = connect(self._hub_url)
        with hub.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]  # redis leaves it out
            subscription.subscribe(CHANGES)
            while True:
                message = subscription.get_message(timeout=1.0)
                if message:
                    yield _job_ids(message["data"])

    def close(self) -> None:
        """Give connections back."""
        for line in self._lines.values():
            line.close()
        self._hub.close()


def _age_s(oldest: list[tuple[str, Any]], now: tuple[int, int]) -> float:
    """Tell the age of a stream's first entry, whose number begins with the broker's time in ms; 0 where there is none."""
    return max(now[0] + now[1] / 1e6 - int(oldest[0][0].partition("-")[0]) / 1e3, 0.0) if oldest else 0.0


def _trace(numbers: Any, lease: Any) -> Trace:
    """Read what the broker says of a job; whatever is no number of ours says nothing."""
    sent, claimed = (_number(each) for each in numbers) if isinstance(numbers, list) else (0, 0)
    return Trace(sent=sent, claimed=claimed, leased=claimed > 0 and _number(lease) == claimed)


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < _DIGITS else 0


def _parse(text: str) -> Any:
    """
    Read JSON that anybody with the broker's password can have written.

    Raises
    ------
    BadMessage
        If it is none, or so deep that nobody of ours wrote it.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMessage("not an envelope: no JSON") from error


def _job_ids(text: str) -> tuple[str, ...]:
    """Read an announcement; anybody with the broker's password can write one, so it is a hint and nothing more."""
    try:
        told = _parse(text)
    except BadMessage:
        _log.warning("announcement refused: not JSON")
        return ()
    return tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else ()


def _entries(answer: Any) -> list[tuple[str, dict[str, str]]]:
    """Read an answer of XREADGROUP, which is a list in RESP2 and a map in RESP3."""
    streams = answer.values() if isinstance(answer, dict) else (stream[1] for stream in answer or ())
    found: list[tuple[str, dict[str, str]]] = []
    for entries in streams:
        flat = entries[0] if entries and isinstance(entries[0], list) else entries
        found.extend((number, fields or {}) for number, fields in flat)
    return found


def _reader() -> str:
    """One name for a host's readers: after a restart it takes up what it left."""
    return socket.gethostname()
