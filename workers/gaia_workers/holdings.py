"""Which datasets a centre holds, and in which files each lies; light, so that an agent can look without the science."""

from collections.abc import Collection, Mapping
from pathlib import Path

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre
from gaia_processes.errors import DataError, DatasetUnsuitable
from gaia_processes.inputs.dataset import CatalogueRef, DatasetReference, JobRef
from gaia_processes.inputs.references import references_in
from gaia_processes.process import Process
from gaia_processes.reading import read_inputs
from gaia_processes.text import Text

type Files = tuple[Path, ...]
"""The files of one dataset, in the order of time."""


class DatasetGone(DataError):
    """The catalogue lists a dataset of which a file is not there."""

    code = "dataset-gone"


class Holdings:
    """The datasets of one centre, as its catalogue says now."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._federation = Federation({centre.id: centre})

    def locate(self, reference: DatasetReference) -> Files:
        """
        Find the files of a dataset.

        Returns
        -------
        tuple of Path
            One, or the files of a series in the order of time.

        Raises
        ------
        DatasetUnsuitable
            If the reference names no dataset of this centre.
        DatasetGone
            If a file is not there.
        """
        dataset = (
            self._federation.find(reference.id, reference.version) if isinstance(reference, CatalogueRef) else None
        )
        replica = dataset.find_replica(self._centre.id) if dataset else None
        if replica is None or self._centre.data is None:
            raise DatasetUnsuitable(
                Text(
                    en=f"{self._centre.id} does not hold the dataset {reference}.",
                    fr=f"{self._centre.id} ne détient pas le jeu de données {reference}.",
                )
            )
        paths = replica.paths(self._centre.data)
        if not all(path.exists() for path in paths):
            raise DatasetGone(
                Text(
                    en=f"The catalogue of {self._centre.id} lists {reference}, but its file is not there.",
                    fr=f"Le catalogue de {self._centre.id} cite {reference}, mais son fichier est absent.",
                )
            )
        return paths

    def locate_all(
        self, process: Process, raw: Mapping[str, object], *, brought: Collection[str] = ()
    ) -> dict[str, Files]:
        """
        Find the files of all datasets that the inputs of a request name; uploads come from elsewhere.

        Parameters
        ----------
        brought : collection of str
            Those that come from other centres too.

        Returns
        -------
        dict of tuple of Path
            By the reference, as text.

        Raises
        ------
        gaia_processes.errors.GaiaError
            If an input is wrong, or a dataset is not here.
        """
        named = [each.reference for each in references_in(read_inputs(process, raw))]
        return {
            str(each): self.locate(each)
            for each in named
            if isinstance(each, CatalogueRef | JobRef) and str(each) not in brought
        }
