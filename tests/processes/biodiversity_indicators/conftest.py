import polars as pl
import pytest

from gaia_processes.biodiversity_indicators.compute import compute


@pytest.fixture
def run():
    """Compute, and give the rows as dictionaries with the report."""

    def run(*rows, **inputs):
        said = []
        if rows:
            inputs["occurrences"] = pl.DataFrame(rows, infer_schema_length=None).lazy()
        table = compute(**inputs, warn=said.append, note=lambda _: None)
        frame = next(iter(table.frames()))
        run.warnings = [text.en for text in said]
        run.table = table
        run.frame = frame
        return frame.drop(columns="geometry", errors="ignore").to_dict("records"), table.report

    return run


@pytest.fixture
def community():
    """A table of sites and species, of counts by species."""

    def community(**sites):
        species = max((len(each) for each in sites.values()), default=0)
        return pl.DataFrame(
            {"site": list(sites)}
            | {f"s{at}": [each[at] if at < len(each) else 0 for each in sites.values()] for at in range(species)}
        )

    return community
