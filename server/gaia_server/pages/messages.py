"""The words of the pages as gettext catalogues, which is where pygeoapi's template system looks for them."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from gaia_config.files import write_whole
from gaia_server.pages.words import FRENCH, bind


def write_messages(folder: Path) -> None:
    """Write the words where pygeoapi looks for those of its templates: a folder of gettext catalogues."""
    path = folder / "fr" / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _french())


@cache
def _french() -> bytes:
    catalogue = Catalog(locale="fr")
    for message, french in FRENCH.items():
        catalogue.add(message, bind(french))
    with BytesIO() as written:
        write_mo(written, catalogue)
        return written.getvalue()
