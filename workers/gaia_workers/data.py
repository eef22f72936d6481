"""From a dataset's name to an opened dataset, at the centre that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre
from gaia_processes.errors import DataError, DatasetUnsuitable
from gaia_processes.inputs.dataset import CatalogueRef, DatasetReference
from gaia_processes.text import Text
from gaia_workers.readers.netcdf import open_dataset


class DatasetGone(DataError):
    """The catalogue lists a dataset whose file is not there."""

    code = "dataset-gone"


class DataAccess:
    """The datasets of one centre."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._federation = Federation({centre.id: centre})

    def locate(self, reference: DatasetReference) -> Path:
        """
        Find the file of a dataset.

        Raises
        ------
        DatasetUnsuitable
            If the reference names no dataset of this centre.
        DatasetGone
            If the file is not there.
        """
        dataset = self._federation.find(reference.id, reference.version) if isinstance(reference, CatalogueRef) else None
        replica = next((each for each in dataset.replicas if each.centre == self._centre.id), None) if dataset else None
        if replica is None or self._centre.data is None:
            raise DatasetUnsuitable(
                Text(
                    en=f"{self._centre.id} does not hold the dataset {reference}.",
                    fr=f"{self._centre.id} ne détient pas le jeu de données {reference}.",
                )
            )
        path = replica.path(self._centre.data)
        if not path.is_file():
            raise DatasetGone(
                Text(
                    en=f"The catalogue of {self._centre.id} lists {reference}, but its file is not there.",
                    fr=f"Le catalogue de {self._centre.id} cite {reference}, mais son fichier est absent.",
                )
            )
        return path

    @contextmanager
    def open(self, reference: DatasetReference) -> Iterator[xr.Dataset]:
        """Open a dataset, undecoded and lazy."""
        with open_dataset(self.locate(reference)) as dataset:
            yield dataset
