"""Every setting of the server, the workers and the box: one field, its environment variable `GAIA_…`, its default."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gaia_config.errors import ConfigurationError
from gaia_config.sizes import read_size, render_size

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what a wildcard is called from here
IN_A_FILE = "file:"  # as in the centres file
_HOST = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
NOT_SAID = "default_factory_not_called"  # pydantic's word for a default that another wrong setting holds back


_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", re.ASCII)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _web_address(value: str) -> str:
    if not value.startswith(("http://", "https://")) or value.endswith("://"):
        raise ValueError("write a web address as https://gaia.example.org")
    return value.rstrip("/")


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _ORIGIN.fullmatch(value):
            raise ValueError("write origins as https://portal.example.org, with commas between, without paths")
    return tuple(value.lower() for value in values)


def _address(host: str, port: int) -> str:
    seen = ANY_ADDRESS.get(host, host)
    return f"http://[{seen}]:{port}" if ":" in seen else f"http://{seen}:{port}"


def _host_names(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if not _HOST.fullmatch(name):
            raise ValueError(f"{name!r} is no host; write data.example.org, or data.example.org:8443")
    return value


type Folder = Annotated[Path, AfterValidator(_absolute)]
type Size = Annotated[int, BeforeValidator(read_size), PlainSerializer(render_size)]
type WebAddress = Annotated[str, AfterValidator(_web_address)]
type Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_origins)]
type Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_host_names)]
type Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """
    What can be set, by environment variables with the prefix `GAIA_`.

    Raises
    ------
    ConfigurationError
        A value cannot be used; the sentence names the variable, the value and what would be right.
    """

    model_config = SettingsConfigDict(
        env_prefix="GAIA_", env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    home: Folder = Field(
        Path("var"),
        validate_default=True,
        description="Folder that holds everything the server and the box keep: store, results, logs, keys.",
    )
    host: str = Field("127.0.0.1", description="Address on which the server listens; `0.0.0.0` for all.")
    port: int = Field(5000, ge=1, le=65535, description="Port on which the server listens.")
    public_url: WebAddress = Field(
        default_factory=lambda data: _address(data["host"], data["port"]),
        description="Address under which users see the server; links in answers start with it. "
        "Default: `http://<host>:<port>`.",
    )
    broker_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis that carries orders and reports, or `file:PATH` where its address stands. "
        "For `gaia up`: set, it starts none of its own.",
    )
    store_url: SecretStr = Field(
        default_factory=lambda data: SecretStr(f"sqlite:///{data['home'] / 'store' / 'jobs.sqlite'}"),
        description="SQL database of the jobs, as an SQLAlchemy URL: SQLite on a local disk, or "
        "`postgresql+psycopg://user:password@host/database`; or `file:PATH` where that stands. "
        "Default: `<home>/store/jobs.sqlite`.",
    )
    centres: Folder = Field(
        default_factory=lambda data: data["home"] / "centres.yml",
        description="File that names the centres. Default: `<home>/centres.yml`.",
    )
    sync_limit_s: float = Field(
        8, ge=0, le=3600, description="A synchronous run that takes longer goes on as a job (seconds)."
    )
    input_limit: Size = Field(
        10 * 10**12, gt=0, description="A job that would read more, by its estimate, is refused with 422."
    )
    output_limit: Size = Field(
        10**12,
        gt=0,
        description="A job that would write more, by its estimate, is refused with 422; a worker refuses what only an uploaded "
        "file could tell.",
    )
    max_body_bytes: Size = Field(2 * 2**20, gt=0, description="Largest request body.")
    max_json_depth: int = Field(64, ge=1, le=500, description="Deepest nesting of a JSON request body.")
    ignored_inputs: Names = Field(
        ("select_process", "outputData", "outputFormat", "*_outformat"),
        description="Inputs that wrappers send along and that are not read, with commas between; `*` stands for anything.",
    )
    credential_origins: Origins = Field(
        (),
        description="Origins whose pages may read answers with the credentials of their users, as `https://portal.example.org`, "
        "with commas between. Any other page reads without.",
    )
    outbound_hosts: Hosts = Field(
        (),
        description="Hosts whose addresses requests may name, for inputs by reference and for callbacks, with commas between: "
        "`data.example.org` for ports 80 and 443 at addresses of the open internet, `host:port` for exactly that port, wherever "
        "the host leads. None by default.",
    )
    outbound_http: bool = Field(
        False, description="Whether such addresses may also begin with `http://`; without, only `https://`."
    )
    outbound_ca: Folder | None = Field(
        None,
        description="Certificates of authorities (PEM) by which such hosts may be known, beside those that this machine trusts: "
        "for hosts of an institute that signs its own.",
    )
    outbound_limit_s: float = Field(
        10, gt=0, le=60, description="How long such a host has to answer, redirects included (seconds)."
    )
    reference_limit: Size = Field(
        2 * 2**20, gt=0, description="Largest value that is fetched for an input by reference."
    )
    callback_key: SecretStr | None = Field(
        None,
        description="Secret that callbacks are signed with, at least 32 characters, or `file:PATH`. Default: one is made in "
        "`<home>/keys/callbacks`; `gaia callback-key HOST` tells a receiver's own.",
    )
    callback_wait_s: float = Field(
        10,
        ge=0,
        le=3600,
        description="A callback that fails is tried again after so long, then twice as long (seconds).",
    )
    upload_limit: Size = Field(2 * 2**30, gt=0, description="Largest file that a user may upload.")
    upload_quota: Size = Field(
        50 * 2**30,
        gt=0,
        description="What the files of all users may take together; further ones are refused with 507.",
    )
    upload_lifetime_s: float = Field(7 * 86400, ge=60, description="An uploaded file is kept for so long (seconds).")
    memory_limit: Size = Field(
        2 * 2**30, ge=64 * 2**20, description="Resident memory that one task may use before it is ended."
    )
    time_limit_s: float = Field(3600, gt=0, description="Time that one task may take before it is ended (seconds).")
    cpu_limit_s: float = Field(
        6 * 3600,
        gt=0,
        description="For a worker: processor time that one task may use before it is ended (seconds, all its threads together).",
    )
    scratch_limit: Size = Field(
        10**12,
        gt=0,
        description="For a worker: what one task may write, its result and its temporary files, before it is ended.",
    )
    weights_limit: Size = Field(
        2**30,
        ge=0,
        description="For a worker: how much of the weights between curvilinear grids is kept beside the results, for further "
        "tasks; what was not used for longest goes first.",
    )
    queue_limit: int = Field(
        10_000, ge=1, description="With so many jobs waiting, further ones are refused with 503 for the moment."
    )
    max_queued: int | None = Field(
        None,
        ge=1,
        description="With so many jobs of one owner waiting, further ones of theirs are refused with 429 for the moment. "
        "Default: any number.",
    )
    max_running: int | None = Field(
        None,
        ge=1,
        description="So many jobs of one owner run at once, at all centres together; further ones wait. Default: any number.",
    )
    interactive_limit_s: float = Field(
        60,
        gt=0,
        description="A job that takes longer, by its estimate, goes to the batch lane of its centre (seconds).",
    )
    lease_s: float = Field(
        15, ge=1, le=3600, description="A worker that says nothing for so long is taken for lost (seconds)."
    )
    reconcile_period_s: float = Field(
        5, ge=0.1, le=3600, description="How often the reconciler compares store, leases and queues (seconds)."
    )
    job_deadline_s: float = Field(
        86400, gt=0, description="A job that has not ended after so long fails (seconds since it was accepted)."
    )
    result_lifetime_s: float = Field(
        7 * 86400,
        gt=0,
        le=10 * 365 * 86400,
        description="How long results are kept, from the end of the youngest job that has them (seconds).",
    )
    job_lifetime_s: float = Field(
        30 * 86400,
        gt=0,
        le=100 * 365 * 86400,
        description="How long a job is remembered after its end: its status, its log, its `Idempotency-Key` (seconds).",
    )
    sweep_period_s: float = Field(
        60, ge=0.1, le=86400, description="How often what has expired is looked for (seconds)."
    )
    attempts: int = Field(3, ge=1, le=100, description="How often a job is begun before it fails.")
    redirect_above_bytes: Size = Field(
        64 * 2**20,
        ge=0,
        description="A larger result of a centre that serves is answered with 307 to the centre; a smaller one is streamed.",
    )
    heartbeat_s: float = Field(
        10,
        ge=0.1,
        le=15,
        description="An event stream with nothing to say gives a sign of life so often (seconds).",
    )
    link_lifetime_s: float = Field(
        3600, gt=0, le=86400, description="How long a signed link to a result works (seconds, at most a day)."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least weight that is logged.")
    centre: str | None = Field(None, description="For a worker or a depot: the id of its centre in the centres file.")
    server_url: WebAddress | None = Field(
        None,
        description="For a worker: address of the server, which takes the results of a centre that pushes and gives the files of users.",
    )
    web_workers: int = Field(2, ge=1, le=64, description="Processes that answer HTTP.")
    transport: str = Field(
        "celery", description="How orders travel: a name in the entry-point group `gaia.transports`."
    )

    @field_validator("broker_url", "store_url", "callback_key", mode="before")
    @classmethod
    def _fetch(cls, value: object) -> object:
        """Read a secret, or an address that holds one, from the file that is named in its place."""
        if not isinstance(value, str) or not value.startswith(IN_A_FILE):
            return value
        path = value.removeprefix(IN_A_FILE)
        try:
            return Path(path).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"the file {path!r} cannot be read: {error.strerror}; write the value into it") from None

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigurationError(_sentence(error)) from None

    @property
    def near_url(self) -> str:
        """The server's address as its own machine sees it, whatever name the world has for it."""
        return _address(self.host, self.port)


def variable(field: str) -> str:
    """Name the environment variable of a setting."""
    return f"GAIA_{field.upper()}"


def _sentence(error: ValidationError) -> str:
    """Say all that is wrong with the settings, without the values of secrets."""
    faults = [fault for fault in error.errors(include_url=False) if fault["type"] != NOT_SAID]
    return "; ".join(_fault(fault) for fault in faults)


def _fault(fault: ErrorDetails) -> str:
    field = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        return f"there is no setting {field!r}"
    kind = Settings.model_fields[field].annotation
    given = "the given value" if kind is SecretStr else repr(fault["input"])
    problem = fault["msg"].removeprefix("Value error, ")
    return f"{variable(field)}: {given} cannot be used ({problem[0].lower()}{problem[1:]})"
