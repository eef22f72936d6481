"""The box itself: it starts, refuses, heals, ends, and leaves nothing behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from gaia_config.demo.broker import make_broker

pytestmark = pytest.mark.system

STOP_LIMIT_S = 5.0


def refusal(box) -> str:
    """Wait for a box that refuses to start; give what it says."""
    assert box.process.wait(30) == 2
    said = str(box.printed())
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
    return said


def test_a_box_has_a_worker_for_each_centre_and_a_depot_for_each_that_serves(box):
    names = {
        "broker",
        "server",
        "recorder",
        "worker climeri",
        "worker theia",
        "worker pndb",
        "depot theia",
        "depot pndb",
    }
    assert set(box.processes()) == names


def test_the_sample_data_are_offered(box):
    done = box.run("catalogue", "list")
    assert done.returncode == 0, done.stderr
    assert "[theia, pndb]  Sea surface temperature" in done.stdout


def test_the_configuration_that_the_box_wrote_is_good(box):
    done = box.run("check")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_worker_cannot_read_the_folders_of_other_centres(box, tmp_path):
    folder = box.centre_folder("theia")
    for centre, trespass in (("climeri", True), ("theia", False)):
        home = tmp_path / centre
        (home / "centres" / "theia").mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-c", "import os; os.listdir(os.environ['GAIA_HOME'] + '/centres/theia')"],
            env={**box.env, "GAIA_HOME": str(home), "GAIA_CENTRE": centre}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ("PermissionError" in done.stderr) is trespass
    assert folder.is_dir()


def test_a_port_in_use_is_refused_with_a_sentence(box, other_box):
    port = str(urlsplit(box.base_url).port)
    said = refusal(other_box(more={"GAIA_PORT": port}))
    assert f"port {port} of 127.0.0.1 is in use" in said
    assert f"GAIA_PORT={int(port) + 1}" in said


def test_a_second_box_in_the_same_home_is_refused(box, other_box):
    assert f"another box runs in {box.home}" in refusal(other_box(home=box.home))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("centres:\n  - id: a\n    colour: red\n", "centres.yml, line 3, centres[0].colour: there is no key 'colour'"),
        ("centres: [\n", "centres.yml, line 2: this is not YAML"),
    ],
)
def test_a_broken_centres_file_is_refused_with_its_line(other_box, tmp_path, text, sentence):
    home = tmp_path / "home"
    home.mkdir()
    (home / "centres.yml").write_text(text)
    assert sentence in refusal(other_box())


def test_a_home_that_cannot_be_is_refused(other_box, tmp_path):
    (tmp_path / "file").touch()
    assert "choose another with GAIA_HOME" in refusal(other_box(home=tmp_path / "file" / "home"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"GAIA_BROKER_URL": "redis://:secret@127.0.0.1:1/0"}, "no Redis answers at redis://127.0.0.1:1/0"),
        ({"GAIA_STORE_URL": "postgresql+psycopg://u:secret@127.0.0.1:1/d"}, "127.0.0.1:1/d does not answer"),
        ({"GAIA_TRANSPORT": "nope"}, "GAIA_TRANSPORT: there is no 'nope'; installed are celery"),
        ({"GAIA_HOST": "nohost.invalid"}, "the host name 'nohost.invalid' is not known"),
    ],
)
def test_what_does_not_answer_is_told_within_seconds_and_without_its_password(other_box, more, sentence):
    began = time.monotonic()
    said = refusal(other_box(more=more))
    assert sentence in said
    assert "secret" not in said
    assert time.monotonic() - began < 10


def test_a_missing_centres_file_is_refused(other_box, tmp_path):
    assert "elsewhere.yml" in refusal(other_box(more={"GAIA_CENTRES": str(tmp_path / "elsewhere.yml")}))


@pytest.fixture
def copied_home(box, tmp_path) -> Path:
    """Copy what a box has prepared, without its jobs: a first start without the time it takes."""
    unwanted = shutil.ignore_patterns("store", "logs", "results", "broker", "box.*")
    return Path(shutil.copytree(box.home, tmp_path / "home", ignore=unwanted))


def test_boxes_run_side_by_side_and_a_killed_one_leaves_nothing(box, other_box, copied_home):
    second = other_box(home=copied_home)
    second.wait_until(second.is_up, limit_s=90)
    assert box.is_up()
    ports = [urlsplit(url).port for url in (box.base_url, second.base_url, *depots(box), *depots(second))]
    assert len(set(ports)) == len(ports)

    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    second.wait_until(lambda: second.leftovers() == [], limit_s=5)
    assert box.is_up()


def test_a_box_shows_its_first_job_and_uses_the_broker_that_is_there(other_box, copied_home, tmp_path):
    broker = make_broker(tmp_path)
    with subprocess.Popen(broker.command, stdout=subprocess.DEVNULL) as process:
        try:
            broker.wait()
            mine = other_box("--demo-job", home=copied_home, more={"GAIA_BROKER_URL": broker.url})
            mine.wait_until(lambda: "Ctrl-C ends the box" in mine.printed(), limit_s=90)
            assert "broker" not in mine.processes()
            assert re.search(rf"computed at climeri in .*\n  {mine.base_url}/jobs/\S+/results/\S+", mine.printed())
            assert mine.stop(signal.SIGINT) < STOP_LIMIT_S
            assert mine.process.returncode == 0
        finally:
            process.terminate()


@pytest.mark.parametrize("name", ["depot pndb", "worker pndb"])
def test_a_program_that_dies_is_started_again_and_said(box, name):
    pid = box.processes()[name]
    os.kill(pid, signal.SIGKILL)
    box.wait_until(lambda: f"{name} was ended by SIGKILL" in box.printed(), limit_s=5)
    box.wait_until(lambda: f"{name} is started again" in box.printed(), limit_s=10)
    assert box.processes()[name] != pid
    box.wait_until(box.is_up, limit_s=60)


def depots(box) -> list[str]:
    centres = yaml.safe_load((box.home / "centres.yml").read_text())["centres"]
    return [centre["public_url"] for centre in centres if "public_url" in centre]
