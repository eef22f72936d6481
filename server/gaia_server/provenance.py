"""
Where a result comes from: W3C PROV as JSON-LD, which is at once the metadata of an RO-Crate 1.1.

One graph: the job as an activity (`CreateAction`) with what it used, what it generated, by which software, where, when and for whom.
Packagers put it beside the files as `ro-crate-metadata.json`; the addresses in it are those of this server.

The document is written as plain JSON: the libraries for RO-Crates pack folders of files, and a server has none.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre
from gaia_config.datasets import Dataset
from gaia_processes.inputs.dataset import CatalogueRef
from gaia_processes.inputs.references import references_in
from gaia_processes.process import Process
from gaia_processes.reading import read_inputs
from gaia_processes.text import Language, Text
from gaia_server.jobs.records import Job, Work
from gaia_server.jobs.states import State
from gaia_server.rendering import render_time, without_none
from gaia_server.status import job_url
from gaia_workers.contract import OutputFile, utc_now

MEDIA_TYPE = 'application/ld+json; profile="https://w3id.org/ro/crate"'
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"prov": "http://www.w3.org/ns/prov#"}]

type Entity = dict[str, Any]

_STATUS = {
    State.ACCEPTED: "PotentialActionStatus",
    State.RUNNING: "ActiveActionStatus",
    State.SUCCESSFUL: "CompletedActionStatus",
    State.FAILED: "FailedActionStatus",
    State.DISMISSED: "FailedActionStatus",
}
_TITLE = Text(en="Result of {process}, job {job}", fr="Résultat de {process}, tâche {job}")
_DESCRIPTION = Text(
    en="What the process {process} {version} made at {centre}, and of what.",
    fr="Ce que le traitement {process} {version} a produit à {centre}, et à partir de quoi.",
)
_NO_LICENCE = Text(en="not stated by the source of the data", fr="non indiquée par la source des données")
_DOI = ("sci:doi", "doi")
"""Members of a catalogue's entry that may hold a DOI; the first is that of the STAC extension `scientific`."""


def write_provenance(
    job: Job,
    process: Process | None,
    *,
    parts: Sequence[Work] = (),
    federation: Federation,
    centres: Mapping[str, Centre],
    base_url: str,
    language: Language,
) -> dict[str, Any]:
    """
    Write down where the result of a job comes from, or what a job that made none would have used.

    Parameters
    ----------
    process : Process or None
        None where this server no longer offers it; the inputs are then given as they are.
    parts : sequence of Work
        What was done at other centres for it.

    Returns
    -------
    dict
        `@context` and `@graph`.
    """
    url = job_url(base_url, job.id)
    lay = {part.brings: part.centre for part in parts}
    used = [*_sources(job, process, federation, lay, base_url), *_own_files(job), *_settings(job)]
    made = [_file(file, url) for file in job.result.outputs] if job.result and job.has_results(utc_now()) else []
    software = list(_software(job))
    places = dict.fromkeys((job.centre, *(part.centre for part in parts)))
    agents = [_owner(job), *(_centre(centres.get(each), each, base_url) for each in places)]
    return {
        "@context": CONTEXT,
        "@graph": [
            _descriptor(),
            _root(job, url, used, made, language),
            _activity(job, url, used, made, agents, base_url, language),
            *used,
            *made,
            _program(job, process, software, base_url, language),
            *software,
            *agents,
        ],
    }


def _descriptor() -> Entity:
    return {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }


def _root(job: Job, url: str, used: list[Entity], made: list[Entity], language: Language) -> Entity:
    facts = {"process": job.process_id, "version": job.process_version, "centre": job.centre, "job": job.id}
    licences = [each["license"] for each in used if "license" in each]
    return without_none(
        {
            "@id": "./",
            "@type": "Dataset",
            "identifier": url,
            "name": _TITLE.into(language).format(**facts),
            "description": _DESCRIPTION.into(language).format(**facts),
            "datePublished": render_time(job.finished or job.updated),
            "license": licences or _NO_LICENCE.into(language),
            "hasPart": _ids(made),
            "mentions": {"@id": url},
        }
    )


def _activity(
    job: Job, url: str, used: list[Entity], made: list[Entity], agents: list[Entity], base_url: str, language: Language
) -> Entity:
    return without_none(
        {
            "@id": url,
            "@type": ["CreateAction", "prov:Activity"],
            "name": f"{job.process_id} {job.process_version}",
            "instrument": {"@id": _process_url(job, base_url)},
            "object": _ids(used),
            "result": _ids(made),
            "agent": {"@id": agents[0]["@id"]},
            "startTime": render_time(job.started),
            "endTime": render_time(job.finished),
            "actionStatus": {"@id": f"http://schema.org/{_STATUS[job.state]}"},
            "error": _error(job, language),
            "prov:used": _ids(used),
            "prov:generated": _ids(made),
            "prov:wasAssociatedWith": _ids(agents),
        }
    )


def _error(job: Job, language: Language) -> str | None:
    words = job.failure.words if job.failure else job.message if job.state is State.DISMISSED else None
    return words.into(language) if words else None


def _sources(
    job: Job, process: Process | None, federation: Federation, lay: Mapping[str | None, str], base_url: str
) -> Iterator[Entity]:
    """
    Name the datasets that were used, each with its version, licence, digest and DOI as the catalogue has them, and its centre.

    Parameters
    ----------
    lay : mapping of str
        By dataset, the centre from which it was brought; the others lay where the job ran.
    """
    for reference in _references(job, process):
        dataset = federation.find(reference.id, reference.version)
        centre = lay.get(str(reference), job.centre)
        yield without_none(
            {
                "@id": f"{base_url}/collections/{quote(reference.id)}",
                "@type": ["Dataset", "prov:Entity"],
                "identifier": _identifiers(reference, dataset),
                "name": dataset.title if dataset else reference.id,
                "description": dataset.description if dataset else None,
                "version": reference.version,
                "license": _licence(dataset),
                "sha256": _digest(dataset, centre),
                "provider": {"@id": f"{base_url}/centres/{quote(centre)}"},
            }
        )


def _own_files(job: Job) -> Iterator[Entity]:
    """Name the user's own files that were used, each with its digest: whoever has the file can tell that it is this one."""
    for upload in job.demand.uploads:
        yield {
            "@id": f"#{upload.reference}",
            "@type": ["File", "prov:Entity"],
            "identifier": upload.reference,
            "encodingFormat": upload.media_type,
            "contentSize": str(upload.size_bytes),
            "sha256": upload.sha256,
        }


def _references(job: Job, process: Process | None) -> Iterator[CatalogueRef]:
    if process is None:
        return
    named = dict.fromkeys(each.reference for each in references_in(read_inputs(process, job.demand.inputs)))
    yield from (each for each in named if isinstance(each, CatalogueRef))


def _identifiers(reference: CatalogueRef, dataset: Dataset | None) -> str | list[str]:
    name = f"{reference.id}@{reference.version}"
    doi = next((dataset.properties[each] for each in _DOI if dataset.properties.get(each)), None) if dataset else None
    return name if doi is None else [name, f"https://doi.org/{doi}"]


def _licence(dataset: Dataset | None) -> str | None:
    """Give an SPDX id by its address, any other text as it is."""
    if dataset is None or dataset.licence == "other":
        return None
    named = dataset.licence.replace("-", "").replace(".", "").replace("+", "").isalnum()
    return f"https://spdx.org/licenses/{dataset.licence}" if named else dataset.licence


def _digest(dataset: Dataset | None, centre: str) -> str | list[str] | None:
    """Give the digest of the file that was read, or of each where there are several."""
    replica = dataset.find_replica(centre) if dataset else None
    if replica is None:
        return None
    return [part.sha256 for part in replica.parts] if replica.parts else replica.sha256


def _settings(job: Job) -> Iterator[Entity]:
    for name, value in job.demand.inputs.items():
        yield {
            "@id": f"#input-{quote(name)}",
            "@type": ["PropertyValue", "prov:Entity"],
            "name": name,
            "value": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        }


def _file(file: OutputFile, url: str) -> Entity:
    return {
        "@id": f"{url}/results/{quote(file.output, safe='')}",
        "@type": ["File", "prov:Entity"],
        "name": file.name,
        "encodingFormat": file.media_type,
        "contentSize": str(file.size_bytes),
        "sha256": file.sha256,
        "prov:wasGeneratedBy": {"@id": url},
    }


def _program(job: Job, process: Process | None, software: list[Entity], base_url: str, language: Language) -> Entity:
    return without_none(
        {
            "@id": _process_url(job, base_url),
            "@type": ["SoftwareApplication", "prov:Plan"],
            "name": process.title.into(language) if process else job.process_id,
            "softwareVersion": job.process_version,
            "softwareRequirements": _ids(software) or None,
        }
    )


def _software(job: Job) -> Iterator[Entity]:
    for name, version in (job.result.software if job.result else {}).items():
        yield {
            "@id": f"#software-{quote(name)}",
            "@type": "SoftwareApplication",
            "name": name,
            "softwareVersion": version,
        }


def _owner(job: Job) -> Entity:
    return {"@id": f"#{quote(job.owner)}", "@type": ["Person", "prov:Agent"], "name": job.owner}


def _centre(centre: Centre | None, id: str, base_url: str) -> Entity:
    return {
        "@id": f"{base_url}/centres/{quote(id)}",
        "@type": ["Organization", "prov:Agent"],
        "name": centre.title if centre else id,
    }


def _process_url(job: Job, base_url: str) -> str:
    return f"{base_url}/processes/{quote(job.process_id)}"


def _ids(entities: list[Entity]) -> list[Entity]:
    return [{"@id": each["@id"]} for each in entities]
