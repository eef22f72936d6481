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
    volume : float
        Bytes of a file for each byte of values, about; what an estimate counts with.
    """

    id: str
    media_type: str
    extension: str
    title: Text
    aliases: tuple[str, ...] = ()
    volume: float = 1.0

    def answers_to(self, media_type: str) -> bool:
        """Tell whether a client that asks for `media_type` means this format (case, blanks and quotes do not count)."""
        asked = _bare(media_type)
        return asked in {_bare(name) for name in (self.media_type, *self.aliases)}


def _bare(media_type: str) -> str:
    return media_type.replace(" ", "").replace('"', "").lower()


NETCDF = Format(
    id="netcdf",
    media_type="application/x-netcdf",
    aliases=("application/netcdf", "application/x-netcdf4", "application/x-hdf5"),
    extension=".nc",
    title=Text(en="NetCDF-4", fr="NetCDF-4"),
)
ZARR = Format(
    id="zarr",
    media_type="application/zarr+zip",
    aliases=("application/vnd.zarr+zip",),
    extension=".zarr.zip",
    title=Text(en="Zarr (zip)", fr="Zarr (zip)"),
)
CSV = Format(
    id="csv",
    media_type="text/csv",
    aliases=("text/csv; charset=utf-8", "text/csv; header=present", "text/csv; locale=en"),
    extension=".csv",
    title=Text(en="CSV", fr="CSV"),
    volume=12.0,
)
CSV_FR = Format(
    id="csv_fr",
    media_type="text/csv; locale=fr",
    aliases=("text/csv; charset=utf-8; locale=fr", "text/csv; locale=fr; charset=utf-8"),
    extension=".csv",
    title=Text(en="CSV for French spreadsheets", fr="CSV pour tableurs français"),
    volume=12.0,
)
GEOTIFF = Format(
    id="geotiff",
    media_type="image/tiff; application=geotiff; profile=cloud-optimized",
    aliases=(
        "image/tiff; profile=cloud-optimized; application=geotiff",
        "image/tiff; application=geotiff",
        "image/tiff",
    ),
    extension=".tif",
    title=Text(en="GeoTIFF (cloud-optimized)", fr="GeoTIFF (optimisé pour le nuage)"),
    volume=1.4,
)
COVERAGE_JSON = Format(
    id="coverage_json",
    media_type="application/prs.coverage+json",
    aliases=("application/vnd.cov+json",),
    extension=".covjson",
    title=Text(en="CoverageJSON", fr="CoverageJSON"),
    volume=3.0,
)
GEOJSON = Format(
    id="geojson",
    media_type="application/geo+json",
    aliases=("application/vnd.geo+json", "application/geo+json; charset=utf-8"),
    extension=".geojson",
    title=Text(en="GeoJSON", fr="GeoJSON"),
    volume=4.0,
)
GEOPACKAGE = Format(
    id="geopackage",
    media_type="application/geopackage+sqlite3",
    aliases=("application/geopackage+vnd.sqlite3", "application/x-gpkg"),
    extension=".gpkg",
    title=Text(en="GeoPackage (with its style)", fr="GeoPackage (avec son style)"),
    volume=1.5,
)
GEOPARQUET = Format(
    id="geoparquet",
    media_type="application/vnd.apache.parquet",
    aliases=("application/x-parquet", "application/parquet"),
    extension=".parquet",
    title=Text(en="GeoParquet", fr="GeoParquet"),
    volume=0.7,
)
PNG = Format(
    id="png",
    media_type="image/png",
    extension=".png",
    title=Text(en="PNG map of the first step", fr="Carte PNG du premier pas de temps"),
    volume=0.1,
)
TEXT = Format(id="text", media_type="text/plain", extension=".txt", title=Text(en="Plain text", fr="Texte brut"))
JSON = Format(id="json", media_type="application/json", extension=".json", title=Text(en="JSON", fr="JSON"))
AS_IS = Format(
    id="as_is",
    media_type="application/octet-stream",
    extension=".data",
    title=Text(en="The file as it is", fr="Le fichier tel quel"),
)
"""What one centre copies for another; offered to nobody."""

GRIDDED = (NETCDF, ZARR, GEOTIFF, CSV, CSV_FR, COVERAGE_JSON, PNG)
"""What data on a grid can be had in; NetCDF where nothing is asked for."""

TABULAR = (CSV, CSV_FR, GEOJSON, GEOPACKAGE, GEOPARQUET, PNG)
"""What rows can be had in; CSV where nothing is asked for. NetCDF too, where a process makes series of them."""

FORMATS = (*GRIDDED, GEOJSON, GEOPACKAGE, GEOPARQUET, TEXT, JSON)


def format_for(media_type: str, offered: tuple[Format, ...] = FORMATS) -> Format | None:
    """Find the offered format that a media type means."""
    return next((each for each in offered if each.answers_to(media_type)), None)


def format_of_name(name: str, offered: tuple[Format, ...] = FORMATS) -> Format | None:
    """Find the offered format by the ending of a file's name."""
    return next((each for each in offered if name.lower().endswith(each.extension)), None)
