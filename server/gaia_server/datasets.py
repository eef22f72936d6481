"""A dataset of the federated catalogue as a collection: OGC API - Common, with the members of STAC that describe its cube."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from gaia_config.datasets import Dataset
from gaia_processes.process import Process
from gaia_processes.rows import KIND_MEMBER
from gaia_processes.text import Language, Text
from gaia_server.fitting import inputs_for
from gaia_server.negotiation import HTML
from gaia_server.rendering import link_page, make_link, without_none

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_FORM = Text(en="{process} of this dataset: the form", fr="{process} de ce jeu de données : le formulaire")
_CENTRE = Text(en="{centre}, which holds it", fr="{centre}, qui le détient")


def render_collection(
    dataset: Dataset,
    *,
    base_url: str,
    language: Language,
    processes: Iterable[Process],
    versions: Iterable[Dataset] = (),
) -> dict[str, Any]:
    """
    Write a dataset as a collection.

    Parameters
    ----------
    dataset : Dataset
        Its newest version.
    processes : iterable of Process
        What is on offer; a link leads to the form of each that takes a dataset.
    versions : iterable of Dataset
        All its versions, newest first.

    Returns
    -------
    dict
        Nothing in it says where the data lie within a centre.
    """
    url = f"{base_url}/collections/{dataset.id}"
    return without_none(
        {
            "id": dataset.id,
            "title": dataset.title,
            "description": dataset.description,
            "license": dataset.licence,
            "keywords": list(dataset.keywords) or None,
            "extent": _extent(dataset),
            "crs": [CRS84],
            **{name: dataset.properties.get(name) for name in _DESCRIBED},
            "gaia:version": dataset.version,
            "gaia:versions": [each.version for each in versions] or None,
            "gaia:centres": [replica.centre for replica in dataset.replicas],
            "gaia:sizeBytes": dataset.replicas[0].size_bytes,
            "links": [
                make_link(url, "self"),
                link_page(url, language),
                *(
                    _form_link(process, dataset, base_url, language)
                    for process in processes
                    if inputs_for(process, dataset)
                ),
                *(_centre_link(replica.centre, base_url, language) for replica in dataset.replicas),
            ],
        }
    )


_DESCRIBED = (
    "cube:dimensions", "cube:variables", "table:columns", "table:row_count", KIND_MEMBER, "gaia:geometryTypes", "gaia:crs",
)  # fmt: skip


def words_of(dataset: Dataset) -> tuple[str, ...]:
    """Give what a search looks at: names, texts, keywords, variables with their long and standard names."""
    variables = dataset.properties.get("cube:variables", {})
    told = (str(text) for each in variables.values() for text in each.values() if isinstance(text, str))
    columns = dataset.properties.get("table:columns", ())
    named = (str(each[name]) for each in columns for name in ("name", "description") if each.get(name))
    return (dataset.id, dataset.title, dataset.description, *dataset.keywords, *variables, *told, *named)


def _extent(dataset: Dataset) -> dict[str, Any]:
    spatial = {"bbox": [list(dataset.bbox)], "crs": CRS84} if dataset.bbox else None
    temporal = {"interval": [list(dataset.interval)], "trs": GREGORIAN} if any(dataset.interval) else None
    return without_none({"spatial": spatial, "temporal": temporal})


def _form_link(process: Process, dataset: Dataset, base_url: str, language: Language) -> dict[str, str]:
    title = _FORM.into(language).format(process=process.title.into(language))
    query = urlencode({inputs_for(process, dataset)[0]: dataset.id, "f": "html"})
    return make_link(f"{base_url}/processes/{process.id}?{query}", "related", HTML, title)


def _centre_link(centre: str, base_url: str, language: Language) -> dict[str, str]:
    return make_link(f"{base_url}/centres/{centre}", "related", title=_CENTRE.into(language).format(centre=centre))
