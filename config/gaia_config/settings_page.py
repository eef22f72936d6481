"""
Renders the settings as a page of the reference: `python -m gaia_config.settings_page > docs/reference/settings.md`.
A test holds the page to the model.
"""

import sys
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gaia_config.settings import Settings, Size, variable
from gaia_config.sizes import render_size

HEAD = """# Settings

Every setting is an environment variable. `gaia check` says what is wrong with them, and which `GAIA_…` variable is none.
Sizes are written as `2GiB`, `500MB` or a whole number of bytes. This page is rendered from `gaia_config/settings.py`.

| variable | default | meaning |
| --- | --- | --- |
"""


def render() -> str:
    """Render the page as Markdown."""
    rows = (
        f"| `{variable(name)}` | {_default(name, field)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return HEAD + "".join(rows)


def _default(name: str, field: FieldInfo) -> str:
    value = field.default
    if field.default_factory is not None or value is None or value == ():
        return ""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = f"./{value}"
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"`{render_size(value) if _is_size(name) else value}`"


def _is_size(name: str) -> bool:
    return Settings.__annotations__[name] is Size


if __name__ == "__main__":
    sys.stdout.write(render())
