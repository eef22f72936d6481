"""The page of a process: what it is, its form, and what the filled form means and would cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, current_app, request
from werkzeug.datastructures import MultiDict

from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.inputs.constraints import Allowed
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import role_of
from gaia_processes.process import Estimate, Process
from gaia_server.constraints import allowed_inputs
from gaia_server.demands import Understood, read_demand
from gaia_server.descriptions import description
from gaia_server.fitting import ids_by_role
from gaia_server.identity import identify
from gaia_server.negotiation import language_of
from gaia_server.pages.examples import DATASET, find_example
from gaia_server.pages.figures import say_size, say_time
from gaia_server.pages.form import Values, make_form, read_form
from gaia_server.pages.here import Step
from gaia_server.pages.page import render_page
from gaia_server.pages.snippets import write_link, write_snippets
from gaia_server.pages.words import translate
from gaia_server.services import Services

EXAMPLES = "gaia-examples"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """
    A filled form, judged.

    Attributes
    ----------
    body : dict
        Of the execute request that it means.
    understood : Understood or None
        None where something is wrong.
    faults : tuple of Fault
        Everything that is wrong.
    """

    body: dict[str, Any]
    understood: Understood | None
    faults: tuple[Fault, ...]

    @property
    def begun(self) -> tuple[Fault, ...]:
        """What is wrong with what was filled in; what is still missing is no mistake while somebody fills in."""
        given = {*self.body["inputs"], *(name for name in self.body if name != "inputs")}
        return tuple(fault for fault in self.faults if fault.input in given)


def fill(services: Services, process: Process, values: Values) -> Filled:
    """Judge a filled form as any other request is judged; forms have no references to fetch."""
    body = read_form(process, input_schemas(process.inputs), values)
    try:
        understood = read_demand(
            process,
            body,
            federation=services.federation,
            ignored=services.settings.ignored_inputs,
            outbound=services.outbound,
            language=language_of(request),
            uploads=services.uploads.of(identify(request)),
        )
    except InvalidInputs as invalid:
        return Filled(body=body, understood=None, faults=invalid.faults)
    return Filled(body=body, understood=understood, faults=())


def render_process(services: Services, process: Process, values: Values, *, strict: bool = False) -> Response:
    """
    Show a process with its form.

    Parameters
    ----------
    values : MultiDict
        What is filled in.
    strict : bool
        Whether somebody wanted to run it: then what is missing is wrong too, and the status says so.
    """
    language, base_url = language_of(request), services.settings.public_url
    described = _describe(services, process)
    filled = fill(services, process, values)
    form = make_form(
        process,
        described,
        values,
        language=language,
        allowed=_allowed(services, process, filled.body),
        faults=filled.faults if strict else filled.begun,
    )
    example = {} if filled.body["inputs"] else _example_of(services, process)
    data = described | {
        "form": form,
        "run": process.control,
        "cost": _say_cost(filled.understood.estimate) if filled.understood else None,
        "datasets": {each.id: each.title for each in services.federation.datasets()},
        "snippets": write_snippets(process.id, filled.body, base_url),
        "link": write_link(process.id, filled.body, base_url),
        "body": filled.body,
        "faulty": bool(filled.begun),
        "example": example,
    }
    return render_page(
        "processes/process.html",
        data,
        title=described["title"],
        trail=[Step(title=translate("Processes", language), path="/processes")],
        status=HTTPStatus.BAD_REQUEST if strict else HTTPStatus.OK,
        headers={"Cache-Control": "no-cache"},
    )


def example_body(services: Services, process: Process) -> dict[str, Any] | None:
    """Give the body of a request that is right on data that are here, the same as the page begins with; None without such data."""
    example = _example_of(services, process)
    return None if example is None else read_form(process, input_schemas(process.inputs), MultiDict(example))


def _example_of(services: Services, process: Process) -> Mapping[str, str] | None:
    """Find a filled form to begin with, once for each state of the catalogue: several datasets may have to be tried."""
    kept: dict[str, tuple[str, Mapping[str, str] | None]] = current_app.extensions.setdefault(EXAMPLES, {})
    etag = services.federation.etag
    if kept.get(process.id, ("",))[0] != etag:
        kept[process.id] = (etag, _find_example(services, process))
    return kept[process.id][1]


def _find_example(services: Services, process: Process) -> Mapping[str, str] | None:
    schemas = input_schemas(process.inputs)
    fitting = ids_by_role(services.federation)[role_of(process.inputs, DATASET)] if DATASET in schemas else ()
    return find_example(
        process,
        fitting,
        is_right=lambda filled: fill(services, process, MultiDict(filled)).understood is not None,
        allows=lambda inputs: _allowed(services, process, {"inputs": inputs}),
    )


def _describe(services: Services, process: Process) -> dict[str, Any]:
    return description(process, language_of(request), services.settings.public_url, ids_by_role(services.federation))


def _allowed(services: Services, process: Process, body: Mapping[str, Any]) -> dict[str, Allowed]:
    """Say what each input may still be; inputs that are wrong say nothing about the others."""
    federation, ignored = services.federation, services.settings.ignored_inputs
    inputs = body["inputs"]
    while True:
        try:
            return allowed_inputs(process, {"inputs": inputs}, federation=federation, ignored=ignored)
        except InvalidInputs as invalid:
            wrong = {fault.input for fault in invalid.faults}
            if wrong.isdisjoint(inputs):
                return {}
            inputs = {name: value for name, value in inputs.items() if name not in wrong}


def _say_cost(cost: Estimate) -> dict[str, str]:
    language = language_of(request)
    return {
        "read": say_size(cost.bytes_read, language),
        "written": say_size(cost.bytes_written, language),
        "time": say_time(cost.seconds, language),
    }
