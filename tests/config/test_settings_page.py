from pathlib import Path

from gaia_config.settings import Settings, variable
from gaia_config.settings_page import render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_every_setting_is_on_the_page():
    page = render()
    assert all(f"| `{variable(field)}` |" in page for field in Settings.model_fields)


def test_the_page_is_fresh():
    refresh = "render it again: python -m gaia_config.settings_page > docs/reference/settings.md"
    assert PAGE.read_text(encoding="utf-8") == render(), refresh
