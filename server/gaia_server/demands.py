"""From the body of an execute request to a `Demand`: everything in it is judged here, before anything is queued."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from gaia_config.catalogue import Dataset, Federation
from gaia_processes.cube import Cube
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.formats import Format, format_for
from gaia_processes.inputs.bad_value import shorten, show
from gaia_processes.inputs.dataset import (
    CatalogueRef,
    UnknownDataset,
    UnusableUpload,
    UploadRef,
    explain_absent,
    explain_unfit,
)
from gaia_processes.inputs.references import references_in
from gaia_processes.judging import FindsCube, cube_of_dataset, find_unfit, validate_request
from gaia_processes.kinds import TAKEN, Role, find_kind
from gaia_processes.process import Estimate, Output, Process
from gaia_processes.reading import dump_inputs, pin_versions
from gaia_processes.rows import Rows
from gaia_processes.text import Language, Text
from gaia_server.jobs.records import Demand, RequestedOutput, Response, Subscriber, Transmission
from gaia_server.outbound import Outbound, OutboundRefused, shown
from gaia_server.preference import Returns
from gaia_server.references import Followed, Keeps, References
from gaia_server.uploads.uploads import Upload
from gaia_workers.contract import Uploaded

RESPONSES: tuple[Response, ...] = ("raw", "document")
CALLS = {"successUri": "success", "inProgressUri": "in_progress", "failedUri": "failed"}
"""Members of a request's `subscriber`, and of ours."""
UPLOAD_BYTES_PER_S = 50 * 10**6
"""How quickly a centre fetches and reads an upload, for want of anything better."""
TEXT_BYTES_PER_S = 25 * 10**6
"""How quickly a centre writes numbers as text, beyond what the numbers themselves take."""
TRANSMISSIONS: tuple[Transmission, ...] = ("value", "reference")


type FindsUpload = Callable[[str], Upload | None]


def no_uploads(_id: str) -> None:
    """Find none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """
    What was asked for, understood.

    Attributes
    ----------
    inputs : BaseModel
        Of the process' own type, dataset versions pinned.
    estimate : Estimate
        What it will cost.
    """

    demand: Demand
    inputs: BaseModel
    estimate: Estimate


@dataclass(slots=True)
class _Faults:
    """What is wrong beside the inputs."""

    found: list[Fault] = field(default_factory=list)

    def add(self, pointer: str, en: str, fr: str, *, given: object = None, allowed: tuple[object, ...] = ()) -> None:
        """Note one."""
        member = pointer.split("/")[1]
        shown = None if given is None else shorten(given)
        self.found.append(
            Fault(input=member, pointer=pointer, problem=Text(en=en, fr=fr), given=shown, allowed=allowed)
        )


def read_demand(
    process: Process,
    body: Mapping[str, Any],
    *,
    federation: Federation,
    ignored: tuple[str, ...],
    returns: Returns | None = None,
    accepted: Mapping[str, Format] | None = None,
    references: References | None = None,
    outbound: Outbound | None = None,
    language: Language = "en",
    uploads: FindsUpload = no_uploads,
    keep: Keeps | None = None,
) -> Understood:
    """
    Read an execute request.

    Parameters
    ----------
    body : mapping
        The request; members that are not known are left alone, for real clients send extras.
    ignored : tuple of str
        Names of inputs that are not read.
    returns : str or None
        The preference `return=`; counts only where `response` and an output's `transmissionMode` are absent.
    accepted : mapping of Format, optional
        By output id, the format that `Accept` names; it takes the place of the default where one output is answered raw.
    references : References, optional
        Follows inputs by reference; without, they are refused.
    outbound : Outbound, optional
        Judges the addresses of callbacks; without, they are refused.
    language : str
        That of the request; callbacks come in it.
    uploads : callable, optional
        Finds a file of whoever asks by its id; without, there are none.
    keep : callable, optional
        Keeps files that are named by their address, for inputs that take files; without, these are refused.

    Raises
    ------
    InvalidInputs
        With everything that is wrong with inputs, outputs and response.
    """
    faults = _Faults()
    response = _read_response(body.get("response"), faults)
    transmission = transmission_of(returns) if response is None else None
    defaults = {} if response == "document" or accepted is None else accepted
    outputs = _read_outputs(process, body.get("outputs"), transmission, defaults, faults)
    subscriber = _read_subscriber(body.get("subscriber"), outbound or Outbound(hosts=()), language, faults)
    followed = follow(process, body, references, keep)
    try:
        cubes = Cubes(federation, uploads)
        inputs = validate_request(process, followed.inputs, find_cube=cubes, find_rows=cubes.rows, ignored=ignored)
    except InvalidInputs as invalid:
        rest = followed.missing_aside(invalid.faults)
        raise InvalidInputs((*followed.faults, *rest, *faults.found)) from None
    if followed.faults or faults.found:
        raise InvalidInputs((*followed.faults, *faults.found))
    inputs = pin_versions(inputs, version_of=lambda reference: _dataset(federation, reference).version)
    cube = cube_of_dataset(inputs, _known_cubes(federation))
    unfit = tuple(_check_formats(process, inputs, outputs, cube))
    if unfit:
        raise InvalidInputs(unfit)
    demand = Demand(
        inputs=dump_inputs(inputs),
        outputs=outputs,
        response=response,
        subscriber=subscriber,
        uploads=tuple(_uploads_of(inputs, uploads)),
    )
    cost = _estimate(process, inputs, demand, federation, cube)
    return Understood(demand=demand, inputs=inputs, estimate=cost)


def estimate(process: Process, inputs: BaseModel, demand: Demand, federation: Federation) -> Estimate:
    """Tell what a demand costs in the formats that are asked for; of uploads and tables nothing counts but their size."""
    return _estimate(process, inputs, demand, federation, cube_of_dataset(inputs, _known_cubes(federation)))


def _estimate(
    process: Process, inputs: BaseModel, demand: Demand, federation: Federation, cube: Cube | None
) -> Estimate:
    cost = _weigh(process.estimate(inputs, cube), process, demand)
    fetched_bytes = sum(upload.size_bytes for upload in demand.uploads) + _table_bytes(inputs, federation)
    if not fetched_bytes:
        return cost
    return replace(
        cost,
        bytes_read=cost.bytes_read + fetched_bytes,
        bytes_written=max(cost.bytes_written, fetched_bytes),
        seconds=cost.seconds + fetched_bytes / UPLOAD_BYTES_PER_S,
    )


def _table_bytes(inputs: BaseModel, federation: Federation) -> int:
    """Measure the datasets of features and tables that are named: they are read whole."""
    named = dict.fromkeys(each.reference for each in references_in(inputs))
    found = (federation.find(each.id, each.version) for each in named if isinstance(each, CatalogueRef))
    return sum(each.replicas[0].size_bytes for each in found if each and Rows.from_stac(each.properties) is not None)


def _weigh(cost: Estimate, process: Process, demand: Demand) -> Estimate:
    """Count what is written as large as the largest of the formats makes it, and the time that this takes."""
    offered = {each.id: each for output in process.outputs.values() for each in output.formats}
    volume = max((offered[each.format].volume for each in demand.outputs if each.format in offered), default=1.0)
    written = math.ceil(cost.bytes_written * volume)
    more_s = max(written - cost.bytes_written, 0) / TEXT_BYTES_PER_S
    return replace(cost, bytes_written=written, seconds=cost.seconds + more_s)


def _check_formats(
    process: Process, inputs: BaseModel, outputs: tuple[RequestedOutput, ...], cube: Cube | None
) -> Iterator[Fault]:
    """Find the formats that cannot hold what is asked for, whether the request or `Accept` names them."""
    for output in outputs:
        asked = next((each for each in process.outputs[output.id].formats if each.id == output.format), None)
        if asked is None:  # not one of this output: whoever reads formats says so
            continue
        unfit = find_unfit(process, inputs, asked, cube=cube)
        if unfit is not None:
            pointer = f"/outputs/{output.id}/format/mediaType"
            yield Fault(input="outputs", pointer=pointer, problem=unfit, given=asked.media_type)


def _uploads_of(inputs: BaseModel, uploads: FindsUpload) -> Iterator[Uploaded]:
    named = dict.fromkeys(each.reference for each in references_in(inputs))
    for value in named:
        upload = uploads(str(value.uuid)) if isinstance(value, UploadRef) else None
        if upload is not None:
            yield Uploaded(
                reference=upload.reference,
                sha256=upload.sha256,
                size_bytes=upload.size_bytes,
                media_type=upload.media_type,
            )


def follow(
    process: Process, body: Mapping[str, Any], references: References | None, keep: Keeps | None = None
) -> Followed:
    """Take the inputs of a request, with values, or files that are kept, in the place of references."""
    given = body.get("inputs")
    inputs = {} if given is None else given
    known = process.inputs.model_fields
    return Followed(inputs=inputs) if references is None else references.follow(inputs, known, keep)


def transmission_of(returns: Returns | None) -> Transmission | None:
    """Say what the preference `return=` means for how outputs are given: `minimal` is links."""
    return None if returns is None else "reference" if returns == "minimal" else "value"


class Cubes:
    """Finds the cubes of datasets, and whether an upload can stand in the place of one."""

    def __init__(self, federation: Federation, uploads: FindsUpload = no_uploads) -> None:
        self._federation = federation
        self._uploads = uploads

    def __call__(self, reference: CatalogueRef | UploadRef) -> Cube | None:
        """
        Find one; None for an upload, into which the work alone looks.

        Raises
        ------
        UnknownDataset, UnusableUpload
            If there is none, or the file is of another kind.
        """
        if isinstance(reference, UploadRef):
            self._check(reference, "grid")
            return None
        properties = _dataset(self._federation, reference).properties
        if (rows := Rows.from_stac(properties)) is not None:
            raise UnusableUpload(explain_unfit(reference, found=find_kind(rows.kind) or rows.kind, role="grid"))
        return Cube.from_stac(properties)

    def rows(self, reference: CatalogueRef | UploadRef, role: Role) -> Rows | None:
        """
        Find the columns of features or of a table; None for an upload, into which the work alone looks.

        Raises
        ------
        UnknownDataset, UnusableUpload
            If there is none, or the file is of another kind than an input of that role takes.
        """
        if isinstance(reference, UploadRef):
            self._check(reference, role)
            return None
        dataset = _dataset(self._federation, reference)
        rows = Rows.from_stac(dataset.properties)
        if rows is None or not rows.fits(role):
            found = dataset.replicas[0].media_type if rows is None else find_kind(rows.kind) or rows.kind
            raise UnusableUpload(explain_unfit(reference, found=found, role=role))
        return rows

    def _check(self, reference: UploadRef, role: Role) -> None:
        """Refuse an upload that is not there, or of a kind that an input does not take."""
        upload = self._uploads(str(reference.uuid))
        if upload is None:
            raise UnusableUpload(explain_absent(reference))
        if upload.kind not in {kind.id for kind in TAKEN[role]}:
            raise UnusableUpload(explain_unfit(reference, found=find_kind(upload.kind) or upload.media_type, role=role))


def _dataset(federation: Federation, reference: CatalogueRef) -> Dataset:
    dataset = federation.find(reference.id, reference.version)
    if dataset is None:
        raise UnknownDataset(
            reference,
            known=[each.id for each in federation.datasets()],
            versions=[each.version for each in federation.versions(reference.id)],
        )
    return dataset


def _known_cubes(federation: Federation) -> FindsCube:
    """Look datasets up in the catalogue; into uploads only the work itself looks."""
    return lambda reference: Cubes(federation)(reference) if isinstance(reference, CatalogueRef) else None


def _read_response(value: object, faults: _Faults) -> Response | None:
    if value is None or value in RESPONSES:
        return value
    faults.add(
        "/response",
        "The response is raw or document.",
        "La réponse (response) est raw ou document.",
        given=value,
        allowed=RESPONSES,
    )
    return None


def _read_subscriber(value: object, outbound: Outbound, language: Language, faults: _Faults) -> Subscriber | None:
    """Read whom to call, and judge each address as it is written; it is judged again before each call."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not any(value.get(name) for name in CALLS):
        faults.add(
            "/subscriber",
            f"A subscriber is an object with an address in one of {', '.join(CALLS)}.",
            f"Un abonné (subscriber) est un objet avec une adresse dans l'un de {', '.join(CALLS)}.",
            given=value,
            allowed=tuple(CALLS),
        )
        return None
    addresses = {member: value[name] for name, member in CALLS.items() if value.get(name) is not None}
    for name, member in CALLS.items():
        try:
            if member in addresses:
                outbound.target(addresses[member])
        except OutboundRefused as refused:
            faults.add(f"/subscriber/{name}", refused.text.en, refused.text.fr, given=shown(addresses[member]))
    return None if faults.found else Subscriber(language=language, **addresses)


def _read_outputs(
    process: Process,
    value: object,
    transmission: Transmission | None,
    accepted: Mapping[str, Format],
    faults: _Faults,
) -> tuple[RequestedOutput, ...]:
    """Read what is asked for, in the order of the request; all that is declared where the request says nothing."""
    asked = dict.fromkeys(process.outputs) if value is None else value
    if not isinstance(asked, Mapping):
        faults.add(
            "/outputs",
            'The outputs are an object by output id, such as {"data": {}}.',
            'Les sorties sont un objet par identifiant de sortie, comme {"data": {}}.',
            given=value,
        )
        return ()
    defaults = accepted if len(asked) == 1 else {}
    read = (_read_output(process, id, wish, transmission, defaults, faults) for id, wish in asked.items())
    return tuple(output for output in read if output is not None)


def _read_output(
    process: Process,
    id: str,
    wish: object,
    transmission: Transmission | None,
    defaults: Mapping[str, Format],
    faults: _Faults,
) -> RequestedOutput | None:
    pointer = "/outputs/" + id.replace("~", "~0").replace("/", "~1")
    output = process.outputs.get(id)
    if output is None:
        known = tuple(process.outputs)
        listed = ", ".join(known)
        faults.add(
            pointer,
            f"There is no output {show(id)}; outputs are: {listed}.",
            f"Il n'y a pas de sortie {show(id)} ; les sorties sont : {listed}.",
            given=id,
            allowed=known,
        )
        return None
    if wish is None:
        wish = {}
    if not isinstance(wish, Mapping):
        faults.add(pointer, "An output is asked for by an object.", "Une sortie se demande par un objet.", given=wish)
        return None
    chosen = _read_format(output, wish.get("format"), defaults.get(id, output.formats[0]), pointer, faults)
    mode = _read_transmission(wish.get("transmissionMode"), transmission, pointer, faults)
    return RequestedOutput(id=id, format=chosen.id, transmission=mode)


def _read_format(output: Output, value: object, default: Format, pointer: str, faults: _Faults) -> Format:
    asked = value.get("mediaType") if isinstance(value, Mapping) else value
    if asked is None:
        return default
    found = format_for(asked, output.formats) if isinstance(asked, str) else None
    if found is None:
        known = tuple(each.media_type for each in output.formats)
        listed = ", ".join(known)
        faults.add(
            f"{pointer}/format/mediaType",
            f"The format {show(asked)} is not offered for this output; offered are: {listed}.",
            f"Le format {show(asked)} n'est pas proposé pour cette sortie ; sont proposés : {listed}.",
            given=asked,
            allowed=known,
        )
    return found or default


def _read_transmission(
    value: object, default: Transmission | None, pointer: str, faults: _Faults
) -> Transmission | None:
    if value is None:
        return default
    if value not in TRANSMISSIONS:
        faults.add(
            f"{pointer}/transmissionMode",
            "The transmission mode is value or reference.",
            "Le mode de transmission (transmissionMode) est value ou reference.",
            given=value,
            allowed=TRANSMISSIONS,
        )
        return default
    return value
