"""A federation of two centres in a temporary folder, and datasets to publish there."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gaia_config.catalogue import Dataset, Replica
from gaia_config.centres import Centre, Queue

KEY = b"k" * 32
SHA256 = "ab" * 32


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep GAIA_… variables of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("GAIA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def centre(tmp_path: Path) -> Callable[..., Centre]:
    def make(id: str = "theia", **changes: Any) -> Centre:
        folder = tmp_path / id
        folder.mkdir(exist_ok=True)
        plain = Centre(
            id=id,
            title=id.title(),
            broker_url="redis://:secret@127.0.0.1:6379/0",
            prefix=f"gaia:{id}:",
            key=KEY,
            queues=(Queue(name="interactive", concurrency=1, executor="process"),),
            delivery="push",
            public_url=None,
            catalogue=folder / "catalogue" / "catalog.json",
            data=folder / "data",
            results=folder / "results",
        )
        return dataclasses.replace(plain, **changes)

    return make


@pytest.fixture
def dataset() -> Callable[..., Dataset]:
    def make(
        id: str = "sst", version: str = "1", centre: str = "theia", sha256: str = SHA256, **changes: Any
    ) -> Dataset:
        replica = Replica(centre=centre, href="sst.nc", media_type="application/x-netcdf", size_bytes=10, sha256=sha256)
        plain = Dataset(
            id=id,
            version=version,
            title="Sea surface temperature",
            description="Monthly.",
            licence="OGL-UK-3.0",
            keywords=("sea", "temperature"),
            bbox=(-180.0, -10.0, 180.0, 10.0),
            interval=("2006-04-01T00:00:00Z", None),
            properties={
                "cube:dimensions": {"time": {"type": "temporal", "extent": [None, None]}},
                "gaia:grid": "regular",
            },
            replicas=(replica,),
        )
        return dataclasses.replace(plain, **changes)

    return make
