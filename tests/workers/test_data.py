"""Whose file it was that could not be read."""

from pathlib import Path

import pytest

from gaia_processes.errors import UnreadableData, UnreadableUpload
from gaia_processes.inputs.dataset import CatalogueRef, DatasetReference, UploadRef
from gaia_processes.text import Text
from gaia_workers.data import DataAccess

UPLOAD = UploadRef(uuid="11111111-1111-4111-8111-111111111111")
DATASET = CatalogueRef(id="grid", version=None)
BROKEN = UnreadableData(Text(en="It is truncated.", fr="Il est tronqué."))


class Fetched:
    """Has every upload in one place."""

    bytes_moved = 0

    def __init__(self, path: Path) -> None:
        self._path = path

    def brings(self, name: str) -> bool:
        return False

    def fetch(self, name: str) -> Path:
        return self._path


def access(path: Path, start: bytes) -> DataAccess:
    path.write_bytes(start)
    return DataAccess({"grid": (path,)}, Fetched(path))  # type: ignore[arg-type]  # as much of it as is asked for here


@pytest.mark.parametrize(("reference", "error"), [(UPLOAD, UnreadableUpload), (DATASET, UnreadableData)])
def test_a_file_that_cannot_be_opened_is_its_owners(
    tmp_path: Path, reference: DatasetReference, error: type[Exception]
) -> None:
    with pytest.raises(error), access(tmp_path / "grid", b"CDF\x01").open(reference):
        pass
    rows = access(tmp_path / "rows", b"PAR1" + bytes(40))
    with pytest.raises(error), rows.open_rows(reference, "zones", encoding="utf-8", note=lambda _: None):
        pass


@pytest.mark.parametrize(
    ("references", "error"),
    [
        pytest.param([UPLOAD], UnreadableUpload, id="the upload alone can be it"),
        pytest.param([DATASET], UnreadableData, id="the centre's alone"),
        pytest.param([UPLOAD, DATASET], UnreadableData, id="it may be either"),
        pytest.param([], UnreadableData, id="nothing that is read later"),
    ],
)
def test_a_file_that_breaks_in_the_midst_of_the_work_is_an_uploads_where_nothing_else_is_read(
    tmp_path: Path, references: list[DatasetReference], error: type[Exception]
) -> None:
    data = access(tmp_path / "grid", b"")
    for reference in references:
        data.file(reference)
    with pytest.raises(error, match="truncated"), data.blaming_uploads():
        raise BROKEN
