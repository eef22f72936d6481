"""Which file system a path lies on: SQLite's WAL needs shared memory, which no network file system gives."""

import re
from pathlib import Path

from gaia_config.errors import ConfigurationError

MOUNTS = Path("/proc/mounts")

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.cephfs", "fuse.glusterfs", "fuse.juicefs", "fuse.mfs",
    "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4",
    "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs", "wekafs",
})  # fmt: skip

_OCTAL = re.compile(r"\\([0-7]{3})")


def find_type(path: Path, *, mounts: str | None = None) -> str | None:
    """
    Find the type of the file system on which a path lies, or will lie.

    Parameters
    ----------
    path : Path
        It need not exist: the nearest parent that does counts.
    mounts : str, optional
        Text in the form of /proc/mounts, which is read without.

    Returns
    -------
    str or None
        As `ext4` or `nfs4`; None where the machine does not say.
    """
    text = _read_mounts() if mounts is None else mounts
    place = _nearest(path)
    above = {str(each): len(each.parts) for each in (place, *place.parents)}
    best: tuple[int, str] | None = None
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        depth = above.get(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[1]))
        if depth is not None and (best is None or depth >= best[0]):
            best = (depth, fields[2])
    return best[1] if best else None


def refuse_network(path: Path, *, mounts: str | None = None) -> None:
    """
    Refuse to keep a SQLite store on a network file system.

    Parameters
    ----------
    path : Path
        The database file or its folder; need not exist.
    mounts : str, optional
        Text in the form of /proc/mounts, for tests.

    Raises
    ------
    ConfigurationError
        It would lie on one; the sentence names PostgreSQL.
    """
    kind = find_type(path, mounts=mounts)
    if kind is not None and kind.lower() in NETWORK:
        raise ConfigurationError(
            f"the job store {path} would lie on a network file system ({kind}), where SQLite loses data; "
            "set GAIA_STORE_URL to a PostgreSQL database (postgresql+psycopg://…), or to a file on a local disk"
        )


def _nearest(path: Path) -> Path:
    whole = path.expanduser().absolute()
    return next(place for place in (whole, *whole.parents) if place.exists()).resolve()


def _read_mounts() -> str:
    return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if MOUNTS.exists() else ""
