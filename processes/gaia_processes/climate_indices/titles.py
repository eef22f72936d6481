"""What the indices are called where a person chooses among them: short, in both languages."""

from collections.abc import Mapping
from types import MappingProxyType

from gaia_processes.text import Text

TITLES: Mapping[str, Text] = MappingProxyType(
    {
        "FD": Text(en="frost days", fr="jours de gel"),
        "ID": Text(en="ice days", fr="jours sans dégel"),
        "SU": Text(en="summer days", fr="jours d'été"),
        "TR": Text(en="tropical nights", fr="nuits tropicales"),
        "TXx": Text(en="hottest day", fr="jour le plus chaud"),
        "TNx": Text(en="warmest night", fr="nuit la plus chaude"),
        "TXn": Text(en="coldest day", fr="jour le plus froid"),
        "TNn": Text(en="coldest night", fr="nuit la plus froide"),
        "DTR": Text(en="daily temperature range", fr="amplitude diurne"),
        "GSL": Text(en="growing season length", fr="durée de la saison de croissance"),
        "GDD": Text(en="growing degree days", fr="degrés-jours de croissance"),
        "HDD": Text(en="heating degree days", fr="degrés-jours de chauffage"),
        "CDDcool": Text(en="cooling degree days", fr="degrés-jours de climatisation"),
        "RX1day": Text(en="wettest day", fr="jour le plus pluvieux"),
        "RX5day": Text(en="wettest five days", fr="cinq jours les plus pluvieux"),
        "SDII": Text(en="mean of wet days", fr="moyenne des jours de pluie"),
        "PRCPTOT": Text(en="total of wet days", fr="cumul des jours de pluie"),
        "RR1": Text(en="wet days", fr="jours de pluie"),
        "R10mm": Text(en="days of 10 mm", fr="jours de 10 mm"),
        "R20mm": Text(en="days of 20 mm", fr="jours de 20 mm"),
        "Rnnmm": Text(en="days of a threshold of yours", fr="jours d'un seuil à vous"),
        "CDD": Text(en="longest dry spell", fr="plus longue période sèche"),
        "CWD": Text(en="longest wet spell", fr="plus longue période pluvieuse"),
        "TX10p": Text(en="cool days", fr="jours froids"),
        "TX90p": Text(en="warm days", fr="jours chauds"),
        "TN10p": Text(en="cool nights", fr="nuits froides"),
        "TN90p": Text(en="warm nights", fr="nuits chaudes"),
        "WSDI": Text(en="warm spells", fr="vagues de chaleur"),
        "CSDI": Text(en="cold spells", fr="vagues de froid"),
        "R95pTOT": Text(en="total of very wet days", fr="cumul des jours très pluvieux"),
        "R99pTOT": Text(en="total of extremely wet days", fr="cumul des jours extrêmement pluvieux"),
        "SPI": Text(en="standardized precipitation (drought)", fr="précipitations standardisées (sécheresse)"),
    }
)
