"""Superset on this machine, with the dashboard of the lake: set up and served."""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from analytics.dashboard.definition import dashboard
from analytics.renderers.superset.bundle import Source, bundle, colour_scheme
from analytics.renderers.superset.names import SLUG
from lake import web
from lake.aws import Cloud
from lake.errors import PortInUseError, SupersetError
from lake.local.local_aws import port_is_free
from lake.locks import exclusive
from lake.project import Project
from lake.reports.superset.data import SCHEMA, write_lake
from lake.steps import Say

USER = "admin"
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.2
LINES_SHOWN = 5
#: The user's variables that would change what Superset does.
_FOREIGN = ("SUPERSET_", "FLASK_", "GUNICORN_", "PYTHON", "LAKE_")


@dataclass(frozen=True)
class Site:
    """A Superset of one environment of the lake.

    Attributes
    ----------
    folder
        Holds its metadata, secrets and log; readable by the user alone.
    python
        Of the environment that has Superset.
    root
        The clone.
    port
        Of 127.0.0.1, the only address on which it listens.
    on_aws
        Whether it queries Athena, and so needs the user's AWS settings.
    """

    folder: Path
    python: Path
    root: Path
    port: int
    on_aws: bool

    @property
    def url(self) -> str:
        """Address of the dashboard."""
        return f"http://127.0.0.1:{self.port}/superset/dashboard/{SLUG}/"

    @property
    def password_file(self) -> Path:
        """Where the password of the user `admin` is."""
        return self.folder / "password"

    @property
    def log(self) -> Path:
        """The output of Superset."""
        return self.folder / "superset.log"

    def environment(self) -> dict[str, str]:
        """Return the variables of Superset's processes."""
        foreign = _FOREIGN if self.on_aws else (*_FOREIGN, "AWS_")
        kept = {n: value for n, value in os.environ.items() if not n.startswith(foreign)}
        return kept | {
            "PYTHONPATH": str(self.root),
            "SUPERSET_CONFIG_PATH": str(self.root / "analytics/renderers/superset/config.py"),
            "SUPERSET_HOME": str(self.folder),
            "LAKE_SUPERSET": str(self.folder),
            # Superset's page would load a counting pixel.
            "SCARF_ANALYTICS": "false",
        }

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Take the lock of the folder; yields its descriptor.

        Raises
        ------
        SupersetError
            Another Superset of this clone is running.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        taken = SupersetError(
            "Superset of this clone is already running.", "End it by Ctrl-C where it was started."
        )
        with exclusive(self.folder / "lock", taken) as lock_fd:
            if not port_is_free(self.port):
                raise PortInUseError(
                    f"Port {self.port} of 127.0.0.1 is in use by another program.",
                    "Choose another with --port, or end that program.",
                )
            yield lock_fd


def site_of(cloud: Cloud, project: Project, python: Path, port: int) -> Site:
    """Return the Superset of an environment of the lake."""
    folder = project.state / "superset" / cloud.env
    return Site(folder, python, project.root, port, not cloud.is_local)


def set_up(site: Site, cloud: Cloud, on_step: Say) -> None:
    """Connect Superset to the lake as it is now, and bring the dashboard up to date.

    Raises
    ------
    SupersetError
        There is nothing to show yet, or Superset failed; the message has its last lines.
    """
    for name in ("secret-key", "password"):
        keep_secret(site.folder / name)
    (site.folder / "colours.json").write_text(json.dumps(colour_scheme()))
    source = source_of(site, cloud, on_step)
    on_step("dashboard")
    file = site.folder / "bundle.json"
    file.write_text(json.dumps(bundle(dashboard(), source)), "utf-8")
    with site.log.open("wb") as log:
        done = subprocess.run(
            [str(site.python), "-P", "-m", "analytics.renderers.superset.setup", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=site.environment(),
            check=False,
        )
    if done.returncode != 0:
        raise SupersetError(
            f"Superset could not be set up:\n{_last_lines(site.log)}",
            f"Its output is in {site.log}.",
        )


def source_of(site: Site, cloud: Cloud, on_step: Say) -> Source:
    """Return where Superset finds the views: a file that is made here, or Athena."""
    if cloud.is_local:
        file = site.folder / "lake.duckdb"
        write_lake(cloud, file, on_step)
        # Whoever writes SQL in Superset reads the lake, and not the files of this machine.
        settings = urlencode({"access_mode": "read_only", "enable_external_access": "false"})
        uri = f"duckdb:///{quote(str(file))}?{settings}"
        return Source("Lake (local)", uri, SCHEMA)
    workgroup = cloud.parameter("foundation/athena-workgroup")
    database = cloud.parameter("foundation/glue-database")
    # Credentials are boto3's; the workgroup sets where results go.
    settings = urlencode({"work_group": workgroup, "catalog_name": "AwsDataCatalog"})
    uri = f"awsathena+rest://@athena.{cloud.region}.amazonaws.com:443/{database}?{settings}"
    return Source(f"Lake ({cloud.env})", uri, database)


def keep_secret(path: Path) -> bool:
    """Make a secret for this user alone unless it is there; return whether it was made."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(24))
    return True


@contextmanager
def serving(site: Site, lock_fd: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Start Superset and wait until it answers; it ends with the context.

    Parameters
    ----------
    lock_fd
        Descriptor of a lock that Superset keeps held, should this process be killed.

    Raises
    ------
    SupersetError
        It ended, or did not answer in time.
    """
    command = ["-P", "-m", "gunicorn", "--workers", "1", "--threads", "8"]
    command += ["--bind", f"127.0.0.1:{site.port}", "--timeout", "120", "superset.app:create_app()"]
    with site.log.open("ab") as log:
        process = subprocess.Popen(
            [str(site.python), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=site.environment(),
            cwd=site.folder,
            pass_fds=(lock_fd,),
            start_new_session=True,
        )
    try:
        _wait_until_ready(site, process)
        yield process
    finally:
        _end(process)


def _wait_until_ready(site: Site, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if web.answers(f"http://127.0.0.1:{site.port}/health"):
            return
        time.sleep(POLL_SECONDS)
    raise SupersetError(
        f"Superset did not start:\n{_last_lines(site.log)}",
        f"Its output is in {site.log}.",
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_TIMEOUT_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").strip().splitlines()[-LINES_SHOWN:])
