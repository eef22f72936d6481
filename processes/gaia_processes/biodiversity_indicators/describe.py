"""What the world is told about `biodiversity-indicators`."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from gaia_processes.biodiversity_indicators.names import (
    CHECKS,
    DEFAULT,
    KINDS,
    PLACED,
    Abundance,
    By,
    Check,
    PairIndicator,
    Period,
    SpeciesIndicator,
    UnitIndicator,
    WholeIndicator,
    kind_of,
)
from gaia_processes.cube import Cube
from gaia_processes.errors import Fault
from gaia_processes.formats import CSV, CSV_FR, GEOJSON, GEOPACKAGE, GEOPARQUET, PNG, Format
from gaia_processes.inputs.fields import (
    BboxInput,
    CommunityInput,
    DatasetField,
    DatetimeInput,
    EncodingInput,
    IntervalField,
    OccurrencesDatasetInput,
    OccurrencesInput,
    OptionalZonesInput,
    Told,
    ZoneIdInput,
)
from gaia_processes.inputs.number import Number
from gaia_processes.inputs.portion import ALL, Bounds, FindsBounds, Portion
from gaia_processes.inputs.references import NamedReference
from gaia_processes.inputs.sources import ColumnOf, InlineTable
from gaia_processes.process import STRICT, Beside, Estimate, Output, Process
from gaia_processes.text import Text

_SOURCES = ("dataset", "occurrences", "community")
_ROWS_PER_S = 2e6
_BYTES_PER_ROW = 100


class EnvironmentItem(BaseModel):
    """One gridded variable of the environment."""

    model_config = STRICT

    dataset: DatasetField
    variable: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    method: Literal["nearest", "bilinear"] = "nearest"
    datetime: IntervalField | None = None
    bins: Annotated[tuple[Number, ...], Field(min_length=2, max_length=200)] | None = None


class Inputs(BaseModel):
    """Inputs of `biodiversity-indicators`."""

    model_config = STRICT

    dataset: OccurrencesDatasetInput = None
    occurrences: OccurrencesInput = None
    community: CommunityInput = None
    taxa: Annotated[
        Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=1000)]
        | None,
        Told(
            title=Text(en="Taxa", fr="Taxons"),
            description=Text(
                en="Names of species, or of what they belong to; with its rank as `family:Fabaceae` where the name alone is "
                "not enough. Left out: all.",
                fr="Noms d'espèces, ou de ce dont elles font partie ; avec le rang, comme `family:Fabaceae`, si le nom seul ne "
                "suffit pas. Absent : tous.",
            ),
            example=["family:Fabaceae"],
            conditional=True,
        ),
    ] = None
    by: Annotated[
        By | None,
        Told(
            title=Text(en="Unit", fr="Unité"),
            description=Text(
                en="What the records are divided into: `all` together, `zones`, squares of an equal-area `grid`, `h3` hexagons, "
                "`site`, or bins of the `environment`. Left out: the sites of a community table, else all together.",
                fr="Ce en quoi les observations se divisent : `all` ensemble, `zones`, carrés d'une grille équivalente (`grid`), "
                "hexagones `h3`, `site`, ou classes de l'environnement (`environment`). Absent : les sites d'un tableau de "
                "communautés, sinon tout ensemble.",
            ),
            foremost=True,
        ),
    ] = None
    zones: OptionalZonesInput = None
    zone_id: ZoneIdInput = None
    cell_size_km: Annotated[
        Annotated[Number, Field(ge=1, le=10_000)] | None,
        Told(
            title=Text(en="Size of cells", fr="Taille des mailles"),
            description=Text(
                en="With `grid`: side of the squares in km. Left out: 100.",
                fr="Avec `grid` : côté des carrés en km. Absent : 100.",
            ),
            example=50,
            conditional=True,
        ),
    ] = None
    cell_size_degrees: Annotated[
        Annotated[Number, Field(ge=0.01, le=90)] | None,
        Told(
            title=Text(en="Size of cells in degrees", fr="Taille des mailles en degrés"),
            description=Text(
                en="With `grid`: cells of longitude and latitude instead, whose areas differ.",
                fr="Avec `grid` : des mailles de longitude et latitude à la place, dont les aires diffèrent.",
            ),
            example=1,
            conditional=True,
        ),
    ] = None
    grid_crs: Annotated[
        Literal["EPSG:6933", "EPSG:3035"],
        Told(
            title=Text(en="Plane of the grid", fr="Plan de la grille"),
            description=Text(
                en="With `grid`: EPSG:6933 (the world) or EPSG:3035 (Europe), both of equal area.",
                fr="Avec `grid` : EPSG:6933 (le monde) ou EPSG:3035 (l'Europe), tous deux équivalents.",
            ),
            conditional=True,
        ),
    ] = "EPSG:6933"
    h3_resolution: Annotated[
        Annotated[int, Field(ge=0, le=15)],
        Told(
            title=Text(en="Resolution of H3", fr="Résolution de H3"),
            description=Text(
                en="With `h3`: 0 (4 million km² a cell) to 15 (1 m²).",
                fr="Avec `h3` : de 0 (4 millions de km²) à 15 (1 m²).",
            ),
            conditional=True,
        ),
    ] = 4
    site: Annotated[
        Annotated[str, Field(min_length=1, max_length=200)] | None,
        ColumnOf(inputs=("occurrences", "dataset")),
        Told(
            title=Text(en="Column of sites", fr="Colonne des sites"),
            description=Text(
                en="With `by` site: the column that names them. Left out: eventID, else locationID.",
                fr="Avec `by` site : la colonne qui les nomme. Absent : eventID, sinon locationID.",
            ),
            example="eventID",
            conditional=True,
        ),
    ] = None
    environment: Annotated[
        Annotated[tuple[EnvironmentItem, ...], Field(min_length=1, max_length=5)] | None,
        Told(
            title=Text(en="Environment", fr="Environnement"),
            description=Text(
                en="Gridded variables whose value each record gets: objects with `dataset`, `variable`, `method` (nearest, "
                "bilinear), `datetime` (the mean over these steps) and `bins`. With `by` environment the records of one bin "
                "are a unit.",
                fr="Variables sur grille dont chaque observation reçoit la valeur : objets avec `dataset`, `variable`, `method` "
                "(nearest, bilinear), `datetime` (la moyenne de ces pas) et `bins`. Avec `by` environment, les observations "
                "d'une même classe forment une unité.",
            ),
            example=[{"dataset": "sst-monthly", "variable": "sst", "method": "nearest"}],
            conditional=True,
        ),
    ] = None
    bins: Annotated[
        Annotated[tuple[Number, ...], Field(min_length=2, max_length=200)] | None,
        Told(
            title=Text(en="Bins", fr="Classes"),
            description=Text(
                en="Edges of the bins of the environment, ascending, in the unit of the variable; each holds its lower edge, the "
                "last one both. Left out: each value of a variable of whole numbers is a class.",
                fr="Bornes des classes de l'environnement, croissantes, dans l'unité de la variable ; chacune contient sa borne "
                "basse, la dernière les deux. Absent : chaque valeur d'une variable entière est une classe.",
            ),
            example=[270, 280, 290, 300],
            conditional=True,
        ),
    ] = None
    bbox: BboxInput = None
    datetime: DatetimeInput = None
    period: Annotated[
        Period,
        Told(
            title=Text(en="Period", fr="Période"),
            description=Text(
                en="`year` or `month` makes a row for each; records without a year, or a month, are then left out, and counted.",
                fr="`year` ou `month` donne une ligne pour chacune ; les observations sans année, ou sans mois, sont alors écartées, et comptées.",
            ),
        ),
    ] = "all"
    indicators: Annotated[
        Annotated[
            tuple[UnitIndicator | SpeciesIndicator | PairIndicator | WholeIndicator, ...],
            Field(min_length=1, max_length=40),
        ],
        Told(
            title=Text(en="Indicators", fr="Indicateurs"),
            description=Text(
                en="Of units (richness … corrected_weighted_endemism), of species (occupancy, aoo, eoo), or of pairs of units "
                "(jaccard … bray_curtis): one kind a request. gamma, alpha, whittaker and chao2 stand in the report of any.",
                fr="Des unités (richness … corrected_weighted_endemism), des espèces (occupancy, aoo, eoo), ou des paires "
                "d'unités (jaccard … bray_curtis) : un seul genre par requête. gamma, alpha, whittaker et chao2 sont dans le "
                "rapport de chacun.",
            ),
            foremost=True,
        ),
    ] = DEFAULT  # type: ignore[assignment]  # the same words
    sample_size: Annotated[
        Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(min_length=1, max_length=20)],
        Told(
            title=Text(en="Sample size", fr="Taille d'échantillon"),
            description=Text(
                en="n of `es`: how many individuals are drawn. Several give a column each.",
                fr="n de `es` : combien d'individus sont tirés. Plusieurs donnent une colonne chacun.",
            ),
            conditional=True,
        ),
    ] = (50,)
    target_coverage: Annotated[
        Annotated[Number, Field(gt=0, lt=1)],
        Told(
            title=Text(en="Target coverage", fr="Couverture visée"),
            description=Text(
                en="Of `richness_at_coverage`: the coverage at which units are compared.",
                fr="De `richness_at_coverage` : la couverture à laquelle les unités se comparent.",
            ),
            conditional=True,
        ),
    ] = 0.9
    abundance: Annotated[
        Abundance,
        Told(
            title=Text(en="Abundance", fr="Abondance"),
            description=Text(
                en="What is counted: `records`, or the sum of individualCount or organismQuantity where every record has it "
                "(else records, and a warning).",
                fr="Ce que l'on compte : les observations (`records`), ou la somme de individualCount ou organismQuantity si "
                "chaque observation en a (sinon les observations, avec un avertissement).",
            ),
        ),
    ] = "records"
    uncertainty: Annotated[
        bool,
        Told(
            title=Text(en="Uncertainty", fr="Incertitude"),
            description=Text(
                en="Adds standard error and interval of 95 % (`_se`, `_lower`, `_upper`) where the estimator has one: shannon, "
                "gini_simpson, simpson_dominance, es, chao1, goods_coverage.",
                fr="Ajoute l'erreur type et l'intervalle à 95 % (`_se`, `_lower`, `_upper`) quand l'estimateur en a : shannon, "
                "gini_simpson, simpson_dominance, es, chao1, goods_coverage.",
            ),
        ),
    ] = False
    checks: Annotated[
        Annotated[tuple[Check, ...], Field(max_length=10)],
        Told(
            title=Text(en="Cleaning checks", fr="Contrôles de nettoyage"),
            description=Text(
                en="Records that fail one are removed, each counted for the first it fails: coordinates missing, out of range, "
                "zero or equal; a spatial issue; absent; fossil or living specimen; above the rank of species; uncertain; "
                "duplicate.",
                fr="Les observations qui échouent sont retirées, comptées au premier échec : coordonnées manquantes, hors "
                "limites, nulles ou égales ; problème spatial ; absence ; fossile ou spécimen vivant ; au-dessus de l'espèce ; "
                "incertaine ; doublon.",
            ),
        ),
    ] = CHECKS  # type: ignore[assignment]  # the same words
    zeros_radius: Annotated[
        Annotated[Number, Field(ge=0, le=10)],
        Told(
            title=Text(en="Radius around (0, 0)", fr="Rayon autour de (0, 0)"),
            description=Text(
                en="Of the check `zero`, in degrees; 0 means exactly there.",
                fr="Du contrôle `zero`, en degrés ; 0 veut dire exactement là.",
            ),
            foremost=False,
        ),
    ] = 0.0
    max_uncertainty_m: Annotated[
        Annotated[Number, Field(gt=0, le=10_000_000)],
        Told(
            title=Text(en="Greatest uncertainty", fr="Incertitude maximale"),
            description=Text(
                en="Of the check `uncertainty`, in m; records that say none are kept.",
                fr="Du contrôle `uncertainty`, en m ; les observations qui n'en disent rien sont gardées.",
            ),
            foremost=False,
        ),
    ] = 10_000.0
    log_base: Annotated[
        Annotated[Number, Field(gt=1, le=100)] | None,
        Told(
            title=Text(en="Base of the logarithm", fr="Base du logarithme"),
            description=Text(
                en="Of `shannon`: 2 or 10. Left out: natural.", fr="De `shannon` : 2 ou 10. Absent : naturel."
            ),
            example=2,
            conditional=True,
            foremost=False,
        ),
    ] = None
    chao1_form: Annotated[
        Literal["bias_corrected", "classic"],
        Told(
            title=Text(en="Form of Chao1", fr="Forme de Chao1"),
            description=Text(
                en="Bias-corrected (Chao 2005), or the classic one (Chao 1984).",
                fr="Corrigée du biais (Chao 2005), ou classique (Chao 1984).",
            ),
            foremost=False,
        ),
    ] = "bias_corrected"
    beta_family: Annotated[
        Literal["sorensen", "jaccard"],
        Told(
            title=Text(en="Family of turnover", fr="Famille du remplacement"),
            description=Text(
                en="Whose parts `turnover` and `nestedness` are.", fr="Dont `turnover` et `nestedness` sont les parts."
            ),
            foremost=False,
        ),
    ] = "sorensen"
    whittaker_minus_one: Annotated[
        bool,
        Told(
            title=Text(en="Whittaker minus one", fr="Whittaker moins un"),
            description=Text(
                en="Gives gamma / alpha - 1 instead of gamma / alpha.",
                fr="Donne gamma / alpha - 1 au lieu de gamma / alpha.",
            ),
            foremost=False,
        ),
    ] = False
    min_records: Annotated[
        Annotated[int, Field(ge=0, le=10_000_000)],
        Told(
            title=Text(en="Least records", fr="Observations minimales"),
            description=Text(
                en="Of `well_sampled`, beside `completeness`.", fr="De `well_sampled`, à côté de `completeness`."
            ),
            foremost=False,
        ),
    ] = 50
    min_completeness: Annotated[
        Annotated[Number, Field(ge=0, le=1)],
        Told(
            title=Text(en="Least completeness", fr="Complétude minimale"),
            description=Text(
                en="Of `well_sampled`, beside `completeness`.", fr="De `well_sampled`, à côté de `completeness`."
            ),
            foremost=False,
        ),
    ] = 0.8
    encoding: EncodingInput = "utf-8"


def check_alone(inputs: Inputs, cubes: Mapping[str, Cube]) -> tuple[Fault, ...]:
    """Find what is wrong with the inputs, whatever the records hold."""
    return (
        *_check_sources(inputs),
        *_check_units(inputs),
        *_check_kinds(inputs),
        *_check_bins(inputs, cubes),
    )


def _check_sources(inputs: Inputs) -> Iterator[Fault]:
    """Refuse none, or several, of what one is needed of."""
    given = [name for name in _SOURCES if getattr(inputs, name) is not None]
    if not given:
        yield _fault(
            "occurrences",
            f"One of {', '.join(_SOURCES)} is needed, and none is given.",
            f"Il faut l'une des entrées {', '.join(_SOURCES)}, et aucune n'est donnée.",
        )
    for name in given[1:]:
        yield _fault(
            name,
            f"{given[0]} and {name} are both given; one of {', '.join(_SOURCES)} is right.",
            f"{given[0]} et {name} sont tous deux donnés ; il faut l'une des entrées {', '.join(_SOURCES)}.",
        )


def _check_units(inputs: Inputs) -> Iterator[Fault]:
    """Refuse units without what they are made of, and what belongs to other units."""
    by = inputs.by or ("site" if inputs.community is not None else "all")
    for name, owner in (
        ("zones", "zones"), ("cell_size_km", "grid"), ("cell_size_degrees", "grid"), ("site", "site"), ("environment", "environment"),
    ):  # fmt: skip
        if getattr(inputs, name) is not None and by != owner:
            yield _fault(
                name,
                f"{name} means something with by={owner} alone, and by is {by}; set by, or leave it out.",
                f"{name} n'a de sens qu'avec by={owner}, et by vaut {by} ; changez by, ou ne l'indiquez pas.",
            )
    for name in ("zones", "environment"):
        if by == name and getattr(inputs, name) is None:
            yield _fault(name, f"by={name} needs {name}.", f"by={name} demande {name}.")
    if inputs.cell_size_km is not None and inputs.cell_size_degrees is not None:
        yield _fault(
            "cell_size_degrees",
            "cell_size_km and cell_size_degrees are both given; one is right.",
            "cell_size_km et cell_size_degrees sont tous deux donnés ; il faut l'un des deux.",
            given=inputs.cell_size_degrees,
        )
    if inputs.community is not None:
        yield from _check_community(inputs, by)


def _check_community(inputs: Inputs, by: str) -> Iterator[Fault]:
    """Refuse what a table without places and dates cannot be divided by."""
    if by in PLACED:
        yield _fault(
            "by",
            f"A community table has no coordinates, which by={by} needs; site and all are right.",
            f"Un tableau de communautés n'a pas de coordonnées, que by={by} demande ; site et all conviennent.",
            given=by,
            allowed=("site", "all"),
        )
    for name, default in (
        ("period", "all"),
        ("datetime", None),
        ("bbox", None),
        ("taxa", None),
        ("abundance", "records"),
    ):
        if getattr(inputs, name) != default:
            yield _fault(
                name,
                f"{name} means nothing for a community table, which has neither dates nor places nor taxa; leave it out.",
                f"{name} n'a pas de sens pour un tableau de communautés, qui n'a ni dates, ni lieux, ni taxons ; ne l'indiquez pas.",
            )
    wrong = [name for name in ("aoo", "eoo") if name in inputs.indicators]
    if wrong:
        yield _fault(
            "indicators",
            f"{' and '.join(wrong)} need coordinates, which a community table does not have.",
            f"{' et '.join(wrong)} demandent des coordonnées, qu'un tableau de communautés n'a pas.",
            given=list(wrong),
        )


def _check_kinds(inputs: Inputs) -> Iterator[Fault]:
    """Refuse indicators of several kinds: a row cannot be a unit and a species."""
    there = {kind: [each for each in inputs.indicators if each in names] for kind, names in KINDS.items()}
    used = {kind: names for kind, names in there.items() if names}
    if len(used) > 1:
        listed = "; ".join(f"{', '.join(names)} ({kind})" for kind, names in used.items())
        yield _fault(
            "indicators",
            f"The indicators are of several kinds, and a row is one thing: {listed}. Ask for each kind in a request of its own.",
            f"Les indicateurs sont de plusieurs genres, et une ligne est une seule chose : {listed}. Demandez chaque genre dans "
            "sa propre requête.",
            given=list(inputs.indicators),
        )


def _check_bins(inputs: Inputs, cubes: Mapping[str, Cube]) -> Iterator[Fault]:
    """Refuse edges that do not ascend, and variables that are not there."""
    if inputs.bins is not None and not _ascend(inputs.bins):
        yield _edges("bins", "/inputs/bins", inputs.bins)
    if inputs.bins is not None and inputs.environment is None:
        yield _fault("bins", "bins need environment.", "bins demande environment.", given=list(inputs.bins))
    for place, item in enumerate(inputs.environment or ()):
        if item.bins is not None and not _ascend(item.bins):
            yield _edges("environment", f"/inputs/environment/{place}/bins", item.bins)
        cube = cubes.get(f"environment/{place}/dataset")
        known = () if cube is None else cube.data_variables
        if cube is not None and item.variable is not None and item.variable not in known:
            yield Fault(
                input="environment",
                pointer=f"/inputs/environment/{place}/variable",
                given=item.variable,
                allowed=tuple(known),
                problem=Text(
                    en=f"There is no variable {item.variable!r} in {item.dataset}; there are: {', '.join(known)}.",
                    fr=f"Il n'y a pas de variable {item.variable!r} dans {item.dataset} ; il y a : {', '.join(known)}.",
                ),
            )


def _ascend(edges: tuple[float, ...]) -> bool:
    return all(first < second for first, second in pairwise(edges))


def _edges(name: str, pointer: str, edges: tuple[float, ...]) -> Fault:
    return Fault(
        input=name,
        pointer=pointer,
        given=list(edges),
        problem=Text(
            en="The edges of bins must ascend, as [0, 10, 20].",
            fr="Les bornes des classes doivent croître, comme [0, 10, 20].",
        ),
    )


def explain_unfit(inputs: Inputs, file_format: Format) -> Text | None:
    """Say why rows without places cannot be drawn as a map."""
    if file_format is not PNG:
        return None
    by = inputs.by or ("site" if inputs.community is not None else "all")
    if kind_of(inputs.indicators) == "unit" and by in ("zones", "grid", "h3"):
        return None
    return Text(
        en="A map needs units that are places (by zones, grid or h3) and indicators of units; ask for CSV or Parquet.",
        fr="Une carte demande des unités qui sont des lieux (by zones, grid ou h3) et des indicateurs d'unités ; demandez CSV ou Parquet.",
    )


def _fault(name: str, en: str, fr: str, *, given: object = None, allowed: tuple[Any, ...] = ()) -> Fault:
    return Fault(input=name, pointer=f"/inputs/{name}", problem=Text(en=en, fr=fr), given=given, allowed=allowed)


def estimate(inputs: Inputs, cube: Cube | None) -> Estimate:  # noqa: ARG001 - the signature of every estimate
    """Tell what it costs: little is known of tables but those that came along."""
    table = inputs.occurrences if isinstance(inputs.occurrences, InlineTable) else inputs.community
    size_bytes = len(table.text) if isinstance(table, InlineTable) else 0
    return Estimate(
        bytes_read=size_bytes, bytes_written=size_bytes, seconds=1.0 + size_bytes / _BYTES_PER_ROW / _ROWS_PER_S
    )


def portion(inputs: Inputs, named: NamedReference, bounds_of: FindsBounds) -> Portion:
    """Need of the environment what lies where the records are, in its stretch of time."""
    if named.input != "environment" or inputs.environment is None:
        return ALL
    item = inputs.environment[int(named.path[1])]
    return Portion(
        variables=None if item.variable is None else (item.variable,),
        bounds=_bounds_of_records(inputs, bounds_of),
        datetime=item.datetime,
    )


def _bounds_of_records(inputs: Inputs, bounds_of: FindsBounds) -> Bounds | None:
    """Tell where the records that count can lie: in the box that was asked for, else where their dataset lies."""
    if inputs.bbox is not None:
        return inputs.bbox.west, inputs.bbox.south, inputs.bbox.east, inputs.bbox.north
    records = inputs.dataset if inputs.dataset is not None else inputs.occurrences
    if records is None or isinstance(records, InlineTable):
        return None
    return bounds_of(records)


BIODIVERSITY_INDICATORS = Process(
    id="biodiversity-indicators",
    version="1.0.1",
    title=Text(en="Biodiversity indicators", fr="Indicateurs de biodiversité"),
    description=Text(
        en="Diversity of communities, distribution of species, and dissimilarity of communities, from records of species or a "
        "table of sites and species: per zone, cell of an equal-area grid, hexagon, site or climate, and per period. Records "
        "are cleaned, and a report says how many each check removed.",
        fr="Diversité des communautés, répartition des espèces et dissimilarité des communautés, à partir d'observations "
        "d'espèces ou d'un tableau de sites et d'espèces : par zone, maille d'une grille équivalente, hexagone, site ou climat, "
        "et par période. Les observations sont nettoyées, et un rapport dit combien chaque contrôle en a retiré.",
    ),
    keywords=(
        Text(en="biodiversity", fr="biodiversité"),
        Text(en="species", fr="espèces"),
        Text(en="Darwin Core", fr="Darwin Core"),
        Text(en="diversity", fr="diversité"),
        Text(en="occurrences", fr="occurrences"),
    ),
    example={"by": "grid", "cell_size_km": 200},
    beside={
        "zones": Beside("by", ("zones",)),
        "zone_id": Beside("by", ("zones",)),
        "cell_size_km": Beside("by", ("grid",)),
        "cell_size_degrees": Beside("by", ("grid",)),
        "grid_crs": Beside("by", ("grid",)),
        "h3_resolution": Beside("by", ("h3",)),
        "site": Beside("by", ("site",)),
        "environment": Beside("by", ("environment",)),
        "bins": Beside("by", ("environment",)),
        "sample_size": Beside("indicators", ("es",)),
        "target_coverage": Beside("indicators", ("richness_at_coverage",)),
        "log_base": Beside("indicators", ("shannon",)),
        "chao1_form": Beside("indicators", ("chao1",)),
        "beta_family": Beside("indicators", ("turnover", "nestedness")),
    },
    inputs=Inputs,
    outputs={
        "indicators": Output(
            title=Text(en="Indicators", fr="Indicateurs"),
            description=Text(
                en="A row for each unit, species, or pair of units, and period.",
                fr="Une ligne par unité, espèce, ou paire d'unités, et par période.",
            ),
            formats=(CSV, CSV_FR, GEOJSON, GEOPACKAGE, GEOPARQUET, PNG),
        ),
    },
    package="gaia_processes.biodiversity_indicators",
    check_others=check_alone,
    check_format_alone=explain_unfit,
    portion=portion,
    estimate=estimate,
)
