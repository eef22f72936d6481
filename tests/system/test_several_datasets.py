"""Several datasets in one request, and a dataset of several files, over HTTP."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

CANESM = "{}_day_CanESM2_rcp85_r1i1p1_na10kgrid_qm-moving-50bins-detrend_2095.nc"
IDS = {name: f"{name}-day-2095" for name in ("tasmax", "tasmin", "pr")}


@pytest.fixture(scope="module")
def daily(box, shared_data: Path) -> list[str]:
    """Publish the daily extremes and the precipitation of one year, a dataset each."""
    for name, dataset_id in IDS.items():
        source = shared_data / "climate" / CANESM.format(name)
        done = box.run("catalogue", "add", str(source), "--centre", "climeri", "--id", dataset_id)
        assert done.returncode == 0, done.stderr
    box.wait_until(lambda: box.get(f"/collections/{IDS['pr']}?f=json")["id"] == IDS["pr"], limit_s=20)
    return list(IDS.values())


def test_indices_of_three_datasets_come_in_one_file_and_the_provenance_names_all(client, daily):
    body = {"inputs": {"dataset": daily, "indices": ["FD", "SU", "RX5day", "GSL"], "thresholds": {"SU": 30}}}
    job = client.job("climate-indices", body)
    assert client.end_of(job)["status"] == "successful"
    answer = client.get(f"{job}/results/data")
    with netCDF4.Dataset("indices.nc", memory=answer.content) as file:
        assert {name: file[name].units for name in ("FD", "SU", "RX5day", "GSL")} == {
            "FD": "1", "SU": "1", "RX5day": "mm", "GSL": "days",
        }  # fmt: skip
        assert file["SU"].threshold == "30 degC"
        assert 0 < float(np.ma.mean(file["FD"][:])) < 365
    definition = client.get(f"{job}/definition").json
    assert all("@" in named for named in definition["inputs"]["dataset"])
    used = client.get(f"{job}/provenance").json["@graph"]
    named = {str(each.get("identifier")) for each in used}
    assert set(definition["inputs"]["dataset"]) <= named


def test_what_the_data_lack_is_said_before_anything_is_queued(client, daily):
    answer = client.execute("climate-indices", {"inputs": {"dataset": [IDS["tasmax"], "nowhere"], "indices": ["FD"]}})
    assert answer.status == 400
    assert {error["pointer"] for error in answer.json["errors"]} == {"/inputs/dataset/1"}
    answer = client.execute("climate-indices", {"inputs": {"dataset": IDS["tasmax"], "indices": ["SU", "FD"]}})
    assert answer.status == 400
    assert [error["pointer"] for error in answer.json["errors"]] == ["/inputs/indices/1"]


def test_datasets_on_different_grids_are_refused_by_their_place_wherever_they_lie(client, daily):
    body = {"inputs": {"dataset": [IDS["tasmax"], "sst-nemo-2015"], "indices": ["SU"]}}
    answer = client.execute("climate-indices", body)
    assert answer.status == 400
    assert {error["pointer"] for error in answer.json["errors"]} == {"/inputs/dataset/1"}


def test_months_in_three_files_are_one_dataset(client):
    axis = client.get("/collections/sst-nemo-2015?f=json").json["cube:dimensions"]["time_counter"]
    assert axis["extent"] == ["2015-01-16T00:00:00", "2015-03-16T00:00:00"]
    answer = client.execute("subset", {"inputs": {"dataset": "sst-nemo-2015", "datetime": "2015-02/2015-03"}})
    assert answer.status == 200
    with netCDF4.Dataset("sst.nc", memory=answer.content) as file:
        assert file["tos"].shape == (2, 330, 360)
    answer = client.execute("aggregate", {"inputs": {"dataset": "sst-nemo-2015"}})
    with netCDF4.Dataset("mean.nc", memory=answer.content) as file:
        assert file["tos"].shape == (1, 330, 360)
