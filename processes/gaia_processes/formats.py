"""The one table of formats: how they are named on the wire and on disk. Writers lie in `gaia_workers.writers`."""

from dataclasses import dataclass

from gaia_processes.text import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """
    A file format that a result can have.

    Attributes
    ----------
    id : str
        Short name; the writer is the module `gaia_workers.writers.<id>`.
    media_type : str
        What goes into `Content-Type`.
    aliases : tuple of str
        Other media types by which clients ask for it.
    extension : str
        Ending of the file's name, with the dot.
    title : Text
        What a person calls it.
    """

    id: str
    media_type: str
    extension: str
    title: Text
    aliases: tuple[str, ...] = ()

    def answers_to(self, media_type: str) -> bool:
        """Tell whether a client that asks for `media_type` means this format (case and blanks do not count)."""
        asked = media_type.replace(" ", "").lower()
        return asked in {name.replace(" ", "") for name in (self.media_type, *self.aliases)}


NETCDF = Format(
    id="netcdf",
    media_type="application/x-netcdf",
    aliases=("application/netcdf", "application/x-netcdf4", "application/x-hdf5"),
    extension=".nc",
    title=Text(en="NetCDF-4", fr="NetCDF-4"),
)
TEXT = Format(id="text", media_type="text/plain", extension=".txt", title=Text(en="Plain text", fr="Texte brut"))
JSON = Format(id="json", media_type="application/json", extension=".json", title=Text(en="JSON", fr="JSON"))

FORMATS = (NETCDF, TEXT, JSON)


def format_for(media_type: str, offered: tuple[Format, ...] = FORMATS) -> Format | None:
    """Find the offered format that a media type means."""
    return next((each for each in offered if each.answers_to(media_type)), None)


def format_of_name(name: str, offered: tuple[Format, ...] = FORMATS) -> Format | None:
    """Find the offered format by the ending of a file's name."""
    return next((each for each in offered if name.lower().endswith(each.extension)), None)
