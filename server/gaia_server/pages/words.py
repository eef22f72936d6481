"""
The words of the pages in French, by the English ones that stand in the templates.

A test holds it complete: every message of every template, and of every script's `data-words`, is here, and nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gaia_processes.text import Language, Text

FRENCH: Mapping[str, str] = MappingProxyType(
    {
        # every page
        "Skip to the content": "Aller au contenu",
        "Main": "Principal",
        "You are here": "Vous êtes ici",
        "Language": "Langue",
        "Home": "Accueil",
        "Processes": "Traitements",
        "Jobs": "Tâches",
        "Centres": "Centres",
        "Collections": "Collections",
        "Health": "État du service",
        "Conformance": "Conformité",
        "API": "API",
        "This page as JSON": "Cette page en JSON",
        "Processing where the data are": "Le calcul là où sont les données",
        "Links of this page": "Liens de cette page",
        # pages of pygeoapi
        "Document": "Document",
        "Items": "Éléments",
        "Links": "Liens",
        "Tile matrix sets": "Ensembles de matrices de tuiles",
        "The AsyncAPI document": "Le document AsyncAPI",
        "The OpenAPI document": "Le document OpenAPI",
        "The API": "L'API",
        "Parameters": "Paramètres",
        "Body": "Corps",
        "Answers": "Réponses",
        "The parts of standards that this service keeps to.": "Les parties de normes que ce service respecte.",
        "No collections are published here yet.": "Aucune collection n'est encore publiée ici.",
        "The centres list the datasets that they hold.": "Les centres listent les jeux de données qu'ils détiennent.",
        "Where the data lie on the earth": "Où sont les données sur la terre",
        # landing page
        "You name a dataset and a process; the work is done at the centre that holds the data, and only the result travels.": "Vous nommez un jeu de données et un traitement ; le calcul se fait dans le centre qui détient les données, et seul le résultat voyage.",
        "Also here": "Aussi ici",
        "Your jobs": "Vos tâches",
        "The API, operation by operation": "L'API, opération par opération",
        "How they are just now": "Leur état en ce moment",
        "Try it from a shell": "À essayer dans un terminal",
        "Every page is an address of the OGC API too: ask for JSON and you get it.": "Chaque page est aussi une adresse de l'API OGC : demandez du JSON et vous l'aurez.",
        # list of processes
        "Each runs beside the data, at the centre that holds them. Choose one, fill in its form, and look at the result.": "Chacun s'exécute à côté des données, dans le centre qui les détient. Choisissez-en un, remplissez son formulaire et regardez le résultat.",
        "Search": "Chercher",
        "Search the processes": "Chercher parmi les traitements",
        "for example: grid, mean, NetCDF": "par exemple : grille, moyenne, NetCDF",
        "%(number)s process": "%(number)s traitement",
        "%(number)s processes": "%(number)s traitements",
        "for “%(q)s”": "pour « %(q)s »",
        "show all": "tout montrer",
        "Nothing was found. Try another word, or look at all the processes.": "Rien n'a été trouvé. Essayez un autre mot, ou regardez tous les traitements.",
        "Keywords": "Mots-clés",
        "version": "version",
        # a process and its form
        "Fill in": "Remplir",
        "More on this": "En savoir plus",
        "Finer choices": "Réglages fins",
        "required": "obligatoire",
        "optional": "facultatif",
        "choose…": "choisir…",
        "(as it comes)": "(tel quel)",
        "open": "ouvert",
        "Yes": "Oui",
        "No": "Non",
        "West": "Ouest",
        "South": "Sud",
        "East": "Est",
        "North": "Nord",
        "From": "De",
        "Until, this included": "Jusqu'à, inclus",
        "Choose a day from a calendar": "Choisir un jour dans un calendrier",
        "The chosen dataset has nothing to choose here; leave it empty.": "Le jeu de données choisi n'offre rien ici ; laissez vide.",
        "Extent of the data": "Étendue des données",
        "The data run": "Les données vont",
        "calendar %(calendar)s": "calendrier %(calendar)s",
        "step %(step)s": "pas %(step)s",
        "There are": "Il y a",
        "For example": "Par exemple",
        "Map: draw a box": "Carte : dessiner une boîte",
        "Map: draw an area": "Carte : dessiner une zone",
        "Drag to draw a box. With the keyboard: arrow keys move the box, with Shift they make it larger or smaller, Delete takes it away.": "Glissez pour dessiner une boîte. Au clavier : les flèches la déplacent, avec Maj elles l'agrandissent ou la réduisent, Suppr l'enlève.",
        "Click to set the corners of an area, and click the first corner to close it. With the keyboard: arrow keys move the cross, Enter sets a corner, c closes the area, Delete takes the last corner away.": "Cliquez pour placer les coins d'une zone, et cliquez sur le premier pour la fermer. Au clavier : les flèches déplacent la croix, Entrée place un coin, c ferme la zone, Suppr enlève le dernier coin.",
        "Zoom in": "Zoom avant",
        "Zoom out": "Zoom arrière",
        "Move the map west": "Déplacer la carte vers l'ouest",
        "Move the map east": "Déplacer la carte vers l'est",
        "Show the data": "Montrer les données",
        "Show the whole world": "Montrer le monde entier",
        "Take the box away": "Enlever la boîte",
        "Close the area": "Fermer la zone",
        "Start again": "Recommencer",
        "Open a GeoJSON file": "Ouvrir un fichier GeoJSON",
        "Outputs": "Sorties",
        "Format of %(title)s": "Format de %(title)s",
        "Formats": "Formats",
        "Run": "Exécuter",
        "Run as a job": "Lancer une tâche",
        "Run now": "Exécuter maintenant",
        "Check": "Vérifier",
        "to read": "à lire",
        "to write, at most": "à écrire, au plus",
        "expected time": "durée prévue",
        "Fill in what is required; then you see here what a run would cost.": "Remplissez ce qui est obligatoire ; vous verrez ici ce qu'une exécution coûterait.",
        "A job gets a page of its own with its progress, log and result. “Run now” waits and gives the file at once.": "Une tâche a sa propre page avec sa progression, son journal et son résultat. « Exécuter maintenant » attend et donne le fichier aussitôt.",
        "The same request": "La même requête",
        "Link to this filled form": "Lien vers ce formulaire rempli",
        "the address bar holds it too": "la barre d'adresse le contient aussi",
        "What comes out": "Ce qui en sort",
        "All inputs": "Toutes les entrées",
        "Name": "Nom",
        "Meaning": "Sens",
        "Default": "Par défaut",
        "Example": "Exemple",
        "Schema": "Schéma",
        # centres and health
        "A centre holds data and computes beside them. A job goes to one that has the data and is in service.": "Un centre détient des données et calcule à côté d'elles. Une tâche va à un centre qui a les données et qui est en service.",
        "in service": "en service",
        "not in service": "hors service",
        "running": "en cours",
        "waiting": "en attente",
        "waiting in %(queue)s": "en attente dans %(queue)s",
        "datasets": "jeux de données",
        "Datasets": "Jeux de données",
        "its broker answers": "son courtier répond",
        "results leave by": "les résultats sortent par",
        "%(process)s of %(id)s": "%(process)s de %(id)s",
        "This centre holds no dataset yet.": "Ce centre ne détient encore aucun jeu de données.",
        "The service works": "Le service fonctionne",
        "The service cannot work at the moment": "Le service ne peut pas fonctionner en ce moment",
        "What is not as it should be": "Ce qui n'est pas comme il faudrait",
        "job store": "registre des tâches",
        # problems
        "Error %(status)s": "Erreur %(status)s",
        "What is wrong": "Ce qui ne va pas",
        "given": "donné",
        "right would be": "serait juste",
        "Back to the home page": "Retour à l'accueil",
        "What the service answered, word for word": "Ce que le service a répondu, mot pour mot",
    }
)


def translate(message: str, language: Language) -> str:
    """Give a message of the templates in a language; one that has no French stays as it is."""
    return FRENCH.get(message, message) if language == "fr" else message


def translate_number(one: str, many: str, number: int, language: Language) -> str:
    """Give the message for a number of things; in French none is one too."""
    single = number <= 1 if language == "fr" else number == 1
    return translate(one if single else many, language)


def text_of(message: str) -> Text:
    """Give a message in both languages."""
    return Text(en=message, fr=FRENCH[message])
