"""The page of figures, `docs/performance.md`: each benchmark writes its own section and leaves the others alone."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
HEAD = "# Performance\n\nWritten by the programs in `benchmarks/` with `--write`; ratios of one run count, seconds belong to the machine.\n"
_SECTION = re.compile(r"^## ", re.MULTILINE)


def write_section(title: str, lines: list[str]) -> None:
    """
    Put a section into the page, in the place of the one of that title.

    Parameters
    ----------
    title : str
        Of the section, without the marks.
    lines : list of str
        What stands below its title.
    """
    sections = _SECTION.split(PAGE.read_text())[1:] if PAGE.exists() else []
    told = f"{title}\n\n" + "\n".join(lines).strip() + "\n"
    titles = [section.partition("\n")[0] for section in sections]
    if title in titles:
        sections[titles.index(title)] = told
    else:
        sections.append(told)
    PAGE.write_text("\n".join([HEAD, *(f"## {section.strip()}\n" for section in sections)]))
