"""
Lays out one centre with its sample data: `python -m gaia_config.demo.seed`, with `GAIA_CENTRE` and the centres file.
The compose file runs it once for each centre before the server starts.
"""

import os
import sys

from gaia_config.centres import read_centres
from gaia_config.demo.federation import seed
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings


def run() -> None:
    """
    Seed the centre that the settings name; what is there already stays.

    Raises
    ------
    ConfigurationError
        The settings name none, or its folders cannot be written.
    """
    settings = Settings()
    if settings.centre is None:
        raise ConfigurationError("GAIA_CENTRE is not set; set it to the id of a centre in the centres file")
    seed(read_centres(settings.centres, only=settings.centre), environment=dict(os.environ))


if __name__ == "__main__":
    try:
        run()
    except ConfigurationError as error:
        sys.exit(f"gaia: {error}")
