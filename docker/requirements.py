"""
Chooses from `constraints.txt` what one image needs: `python docker/requirements.py server`, or `worker`, or `build`.

Each pin names who asked for it (`# via`), so this works where nothing is installed yet, and the hashes stay with the pins.
It needs a Python and nothing else.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

LEFT_OUT = {"server": {"rasterio"}}
"""pygeoapi asks for it for coverages, which this server does not offer and never loads (`tests/test_house.py`)."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def normalise(requirement: str) -> str:
    """Give the name of a requirement as pins write it: without extras and version."""
    match = NAME.match(requirement)
    if match is None:
        raise ValueError(f"{requirement!r} is no requirement")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def wanted(project: dict[str, Any], part: str) -> set[str]:
    """Name what `pyproject.toml` itself asks for: the extra of that name with what all need, or the tools of the build."""
    if part == "build":
        return {normalise(each) for each in project["build-system"]["requires"]}
    extras = project["project"]["optional-dependencies"]
    return {normalise(each) for each in [*project["project"]["dependencies"], *extras[part]]}


def split(pins: str) -> dict[str, str]:
    """Split the pins, each with its hashes and comments, by name."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", pins, flags=re.MULTILINE)[1:]
    return {normalise(block): block for block in blocks}


def askers(pin: str) -> set[str]:
    """Name who asked for a pin."""
    _, _, comment = pin.partition("# via")
    return {normalise(line.strip("# ")) for line in comment.splitlines() if line.strip("# ")}


def choose(pins: str, roots: set[str], *, without: set[str]) -> str:
    """Choose the pins of some packages and of all that these ask for, but for those that are left out."""
    blocks = {name: block for name, block in split(pins).items() if name not in without}
    chosen, found = set[str](), roots & set(blocks)
    while found:
        chosen |= found
        found = {name for name, block in blocks.items() if askers(block) & chosen} - chosen
    return "".join(block for name, block in blocks.items() if name in chosen)


def main() -> None:
    """Write the requirements of the part that is named on the command line."""
    part = sys.argv[1]
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    pins = Path("constraints.txt").read_text(encoding="utf-8")
    sys.stdout.write(choose(pins, wanted(project, part), without=LEFT_OUT.get(part, set())))


if __name__ == "__main__":
    main()
