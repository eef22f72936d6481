"""What the requirements are tested with: an echo that answers at once, and the official schemas."""

import pytest

BASE = "https://gaia.test/api"


@pytest.fixture(autouse=True)
def echo_at_once(submission, desk):
    """Do the work of a synchronous request at once, as a worker does."""

    def work(job):
        sent = job.demand.inputs
        made = {
            "message": str(sent.get("message", "")).encode(),
            "values": b"[1, 2]",
            "area": b'{"bbox": [1, 2, 3, 4]}',
            "data": b"CDF",
        }
        desk.finish(job, **{wish.id: made[wish.id] for wish in job.demand.outputs if wish.id in {*sent, "data"}})

    submission.work = work


@pytest.fixture
def execute(client):
    """Give a function that posts an execute request."""

    def execute(inputs, *, process="echo", prefer=None, accept=None, **members):
        headers = {name: value for name, value in (("Prefer", prefer), ("Accept", accept)) if value}
        return client.post(f"/processes/{process}/execution", json={"inputs": inputs, **members}, headers=headers)

    return execute


@pytest.fixture
def links_of():
    """Give a function that finds the addresses of a document's links by their relation."""

    def links_of(document):
        found = {}
        for link in document["links"]:
            found.setdefault(link["rel"], []).append(link["href"].removeprefix(BASE))
        return found

    return links_of


@pytest.fixture
def parts_of():
    """Give a function that takes a `multipart/related` message apart (RFC 2387)."""
    import email
    import email.policy

    def parts_of(answer):
        head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + answer.data, policy=email.policy.HTTP)
        return {part["Content-ID"]: part for part in message.iter_parts()}

    return parts_of
