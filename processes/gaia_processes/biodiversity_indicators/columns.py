"""The columns of the result: what each is, its unit and where its formula comes from."""

from gaia_processes.shared.table import Column
from gaia_processes.text import Text

_KM2 = "km2"
_ONE = "1"
_TEXTS: dict[str, tuple[str, str, str, str, str]] = {
    "n_records": ("Records", "Observations", _ONE, "Number of records after cleaning: the effort, no measure of diversity.", "Nombre d'observations après nettoyage : l'effort, non une mesure de diversité."),
    "n_species": ("Species", "Espèces", _ONE, "Number of species with a record.", "Nombre d'espèces observées."),
    "richness": ("Richness", "Richesse", _ONE, "S: number of species; 0 where there are none.", "S : nombre d'espèces ; 0 s'il n'y en a pas."),
    "shannon": ("Shannon index", "Indice de Shannon", _ONE, "H = -Σ p ln p (Shannon 1948).", "H = -Σ p ln p (Shannon 1948)."),
    "simpson_dominance": ("Simpson's dominance", "Dominance de Simpson", _ONE, "D = Σ p² (Simpson 1949).", "D = Σ p² (Simpson 1949)."),
    "gini_simpson": ("Gini-Simpson index", "Indice de Gini-Simpson", _ONE, "1 - D.", "1 - D."),
    "inverse_simpson": ("Inverse Simpson index", "Inverse de Simpson", _ONE, "1 / D.", "1 / D."),
    "simpson_unbiased": ("Simpson index, unbiased", "Indice de Simpson sans biais", _ONE, "1 - Σ x (x - 1) / (N (N - 1)) (Simpson 1949).", "1 - Σ x (x - 1) / (N (N - 1)) (Simpson 1949)."),
    "hill_0": ("Hill number of order 0", "Nombre de Hill d'ordre 0", _ONE, "S (Hill 1973).", "S (Hill 1973)."),
    "hill_1": ("Hill number of order 1", "Nombre de Hill d'ordre 1", _ONE, "exp H (Hill 1973).", "exp H (Hill 1973)."),
    "hill_2": ("Hill number of order 2", "Nombre de Hill d'ordre 2", _ONE, "1 / D (Hill 1973).", "1 / D (Hill 1973)."),
    "pielou": ("Pielou's evenness", "Équitabilité de Pielou", _ONE, "H / ln S (Pielou 1966); missing where S is 0 or 1.", "H / ln S (Pielou 1966) ; manquant si S vaut 0 ou 1."),
    "es": ("Expected species", "Espèces attendues", _ONE, "ES(n) = Σ 1 - C(N - x, n) / C(N, n) (Hurlbert 1971); missing where N < n.", "ES(n) = Σ 1 - C(N - x, n) / C(N, n) (Hurlbert 1971) ; manquant si N < n."),
    "chao1": ("Chao1", "Chao1", _ONE, "S + f1 (f1 - 1) / (2 (f2 + 1)), bias-corrected (Chao 2005).", "S + f1 (f1 - 1) / (2 (f2 + 1)), corrigé du biais (Chao 2005)."),
    "ace": ("ACE", "ACE", _ONE, "Abundance-based coverage estimator (Chao and Lee 1992), rare: 10 at most.", "Estimateur par couverture d'abondance (Chao et Lee 1992), rare : 10 au plus."),
    "goods_coverage": ("Good's coverage", "Couverture de Good", _ONE, "1 - f1 / N (Good 1953).", "1 - f1 / N (Good 1953)."),
    "chao_jost_coverage": ("Sample coverage", "Couverture d'échantillonnage", _ONE, "Sample coverage (Chao and Jost 2012, eq. 4a).", "Couverture d'échantillonnage (Chao et Jost 2012, éq. 4a)."),
    "completeness": ("Completeness", "Complétude", _ONE, "S / Chao1.", "S / Chao1."),
    "well_sampled": ("Well sampled", "Bien échantillonné", _ONE, "Whether there are enough records and completeness is high enough.", "Si les observations sont assez nombreuses et la complétude assez haute."),
    "richness_at_coverage": ("Richness at equal coverage", "Richesse à couverture égale", _ONE, "Species expected in the smallest sample whose expected coverage reaches the target (Chao and Jost 2012).", "Espèces attendues dans le plus petit échantillon dont la couverture attendue atteint la cible (Chao et Jost 2012)."),
    "weighted_endemism": ("Weighted endemism", "Endémisme pondéré", _ONE, "Σ 1 / range over the species; range: occupied units of the whole input (Crisp et al. 2001).", "Σ 1 / aire sur les espèces ; aire : unités occupées de toute l'entrée (Crisp et al. 2001)."),
    "corrected_weighted_endemism": ("Corrected weighted endemism", "Endémisme pondéré corrigé", _ONE, "Weighted endemism / S (Crisp et al. 2001).", "Endémisme pondéré / S (Crisp et al. 2001)."),
    "occupancy": ("Occupancy", "Taux d'occupation", _ONE, "Units with the species / units with any record.", "Unités avec l'espèce / unités avec une observation."),
    "aoo": ("Area of occupancy", "Zone d'occupation", _KM2, "4 km² x occupied 2 km cells of EPSG:6933 (IUCN).", "4 km² x mailles de 2 km occupées de EPSG:6933 (UICN)."),
    "aoo_min": ("Least area of occupancy", "Zone d'occupation minimale", _KM2, "Least area over 10 x 10 origins of the grid, 200 m apart.", "Plus petite zone sur 10 x 10 origines de la grille, espacées de 200 m."),
    "eoo": ("Extent of occurrence", "Zone d'occurrence", _KM2, "Area of the convex hull on WGS 84, at least the area of occupancy (IUCN).", "Aire de l'enveloppe convexe sur WGS 84, au moins la zone d'occupation (UICN)."),
    "eoo_hull": ("Convex hull", "Enveloppe convexe", _KM2, "Area of the convex hull alone; 0 for fewer than three points, or a line.", "Aire de la seule enveloppe convexe ; 0 pour moins de trois points, ou une ligne."),
    "jaccard": ("Jaccard dissimilarity", "Dissimilarité de Jaccard", _ONE, "(b + c) / (a + b + c).", "(b + c) / (a + b + c)."),
    "sorensen": ("Sørensen dissimilarity", "Dissimilarité de Sørensen", _ONE, "(b + c) / (2a + b + c).", "(b + c) / (2a + b + c)."),
    "turnover": ("Turnover", "Remplacement", _ONE, "Turnover part of the dissimilarity (Baselga 2010, 2012).", "Part de remplacement de la dissimilarité (Baselga 2010, 2012)."),
    "nestedness": ("Nestedness", "Emboîtement", _ONE, "Rest of the dissimilarity without turnover (Baselga 2010, 2012).", "Reste de la dissimilarité sans remplacement (Baselga 2010, 2012)."),
    "bray_curtis": ("Bray-Curtis dissimilarity", "Dissimilarité de Bray-Curtis", _ONE, "Σ |x - y| / Σ (x + y) (Bray and Curtis 1957).", "Σ |x - y| / Σ (x + y) (Bray et Curtis 1957)."),
    "unit": ("Unit", "Unité", "", "Zone, cell, site or bin.", "Zone, maille, site ou classe."),
    "unit_a": ("First unit", "Première unité", "", "Zone, cell, site or bin.", "Zone, maille, site ou classe."),
    "unit_b": ("Second unit", "Seconde unité", "", "Zone, cell, site or bin.", "Zone, maille, site ou classe."),
    "period": ("Period", "Période", "", "Year, or year and month, of the records.", "Année, ou année et mois, des observations."),
    "species": ("Species", "Espèce", "", "Accepted name where there is one.", "Nom accepté s'il existe."),
}  # fmt: skip
_SPREADS = {
    "_se": ("standard error", "erreur type"),
    "_lower": ("lower end of the interval of 95 %", "borne basse de l'intervalle à 95 %"),
    "_upper": ("upper end of the interval of 95 %", "borne haute de l'intervalle à 95 %"),
}


def column(name: str) -> Column:
    """
    Say what a column is.

    Parameters
    ----------
    name : str
        As in the rows: `shannon`, `es_50`, `chao1_lower`.
    """
    for ending, (english, french) in _SPREADS.items():
        if name.endswith(ending):
            base = column(name.removesuffix(ending))
            return Column(
                name=name,
                title=Text(en=f"{base.title.en}, {english}", fr=f"{base.title.fr}, {french}"),
                unit=base.unit,
                definition=Text(en=f"{english} of: {base.definition.en}", fr=f"{french} de : {base.definition.fr}"),
            )
    bare, _, size = name.partition("_") if name.startswith("es_") else (name, "", "")
    title_en, title_fr, unit, english, french = _TEXTS[bare]
    of = f" ({size})" if size else ""
    return Column(
        name=name,
        title=Text(en=title_en + of, fr=title_fr + of),
        unit=unit or None,
        definition=Text(
            en=english.replace("(n)", of.strip() or "(n)", 1), fr=french.replace("(n)", of.strip() or "(n)", 1)
        ),
    )
