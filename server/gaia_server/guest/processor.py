"""
One processor for all processes of ours, for a pygeoapi that is not ours.

It needs no manager of ours: under any other it waits for the job at our workers. With `CeleryManager` the jobs themselves are ours.
"""

from typing import Any

from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError

from gaia_config.errors import ConfigurationError
from gaia_processes.catalogue import all_processes, by_id
from gaia_processes.errors import GaiaError
from gaia_processes.process import Process
from gaia_server.descriptions import description
from gaia_server.errors import ServiceError
from gaia_server.guest.desk import explain, open_desk
from gaia_server.problems import PROBLEMS, code_of, uri_of

OURS = ("links", "outputTransmission")
"""What pygeoapi says of a process itself."""


class GaiaProcessor(BaseProcessor):  # type: ignore[misc]  # pygeoapi has no types
    """
    A process of gaia.

    Parameters
    ----------
    processor_def : dict
        `process` is its id in gaia.

    Raises
    ------
    ConfigurationError
        If there is no such process.
    """

    def __init__(self, processor_def: dict[str, Any]) -> None:
        offered = by_id(all_processes())
        process = offered.get(processor_def.get("process", ""))
        if process is None:
            raise ConfigurationError(
                f"processor.process: there is no process {processor_def.get('process')!r}; there are {', '.join(offered)}"
            )
        super().__init__(processor_def, metadata_of(process))
        self.process_id = process.id
        self.supports_outputs = True

    def execute(self, data: dict[str, Any], outputs: dict[str, Any] | None = None) -> tuple[str, Any]:
        """
        Run the process at the centre that holds the data, and wait for its end.

        Raises
        ------
        ProcessorExecuteError
            What was wrong with the request, or went wrong with the job, with its status.
        """
        body = {"inputs": data} | ({} if outputs is None else {"outputs": outputs})
        try:
            desk = open_desk()
            return desk.result(desk.wait_for_end(desk.submit(self.process_id, body, later=True)))
        except (ServiceError, GaiaError) as error:
            raise refusal_of(error) from error


def metadata_of(process: Process) -> dict[str, Any]:
    """Describe a process as pygeoapi has it: texts in both languages, of which it chooses."""
    english, french = (description(process, language, "") for language in ("en", "fr"))
    both: dict[str, Any] = _in_both(english, french)
    return {name: value for name, value in both.items() if name not in OURS}


def _in_both(english: Any, french: Any) -> Any:
    """Put two renderings of one thing together; where they differ, pygeoapi finds either by its language."""
    if isinstance(english, dict):
        return {name: _in_both(value, french[name]) for name, value in english.items()}
    if isinstance(english, list) and len(english) == len(french):
        return [_in_both(one, other) for one, other in zip(english, french, strict=True)]
    return english if english == french else {"en": english, "fr": french}


def refusal_of(error: ServiceError | GaiaError) -> ProcessorExecuteError:
    """Make what pygeoapi answers with of an error of ours: the same status and type as at a server of ours."""
    code = code_of(error)
    refusal = ProcessorExecuteError(user_msg=explain(error))
    refusal.http_status_code = PROBLEMS[code].status
    refusal.ogc_exception_code = uri_of(code)
    return refusal
