import pytest

from gaia_config.catalogue import read_catalogue
from gaia_config.centres import read_centres
from gaia_config.demo import seed
from gaia_config.demo.federation import prepare
from gaia_config.errors import ConfigurationError


def test_the_named_centre_alone_is_laid_out(tmp_path, monkeypatch):
    prepare(tmp_path)
    (tmp_path / "keys" / "broker").write_text("redis://127.0.0.1:6379/0")
    (tmp_path / "keys" / "theia").unlink()
    monkeypatch.setenv("GAIA_HOME", str(tmp_path))
    monkeypatch.setenv("GAIA_CENTRE", "pndb")
    monkeypatch.setattr("gaia_config.demo.federation._unpublished", lambda _: [])
    seed.run()
    pndb = read_centres(tmp_path / "centres.yml", only="pndb")["pndb"]
    assert read_catalogue(pndb.catalogue, "pndb") == ()
    assert sorted(path.name for path in (tmp_path / "centres" / "pndb" / "data").iterdir()) == [
        "atlantic-profiles.nc", "countries-110m.zip", "occurrences-demo.csv", "sst-ostia-monthly.nc", "tree-cover-demo.tif",
    ]  # fmt: skip
    assert not (tmp_path / "centres" / "theia").exists()


def test_without_a_centre_it_says_which_variable():
    with pytest.raises(ConfigurationError, match="GAIA_CENTRE"):
        seed.run()
