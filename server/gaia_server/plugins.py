"""What the server finds by entry point, so that it imports neither Celery nor a third party's process by name."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from gaia_config.centres import Centre
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_workers.contract import Transport

TRANSPORTS = "gaia.transports"


def open_transport(settings: Settings, centres: Mapping[str, Centre]) -> Transport:
    """
    Open the transport that the settings name.

    Raises
    ------
    ConfigurationError
        If there is none of that name.
    """
    found = entry_points(group=TRANSPORTS)
    try:
        entry = found[settings.transport]
    except KeyError:
        names = ", ".join(sorted(found.names))
        raise ConfigurationError(f"GAIA_TRANSPORT: there is no {settings.transport!r}; installed are {names}") from None
    transport: Transport = entry.load().open(centres, settings.broker_url.get_secret_value())
    return transport
