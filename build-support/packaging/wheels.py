"""Put the wheels that a Glue job installs into one archive, a *zip of wheels*, as Glue takes it.

With it no worker needs a package index when it starts. The wheels come from the index once, when a
lock changes; pip checks them against the hashes in the lock.

Source of the form, a folder `wheels` with a `requirements.txt`, in a file `*.gluewheels.zip`:
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html (appendix A).
"""

import argparse
import json
import subprocess
import tempfile
import venv
import zipfile
from pathlib import Path

# A zip knows no earlier time. Always the same one, so that the same wheels are the same archive.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def platform_options(platform: Path) -> list[str]:
    """Return pip's options for wheels of a platform, whatever machine it runs on."""
    described = json.loads(platform.read_text("utf-8"))
    # Tags are ordered, best first.
    tags = [tag.rsplit("-", 1)[1] for tag in described["compatible_tags"]]
    platforms = [f"--platform={name}" for name in dict.fromkeys(tags) if name != "any"]
    python = described["marker_environment"]["python_version"]
    return [*platforms, f"--python-version={python}", "--implementation=cp"]


def download(python: Path, lock: Path, options: list[str], folder: Path) -> None:
    """Download exactly the wheels that a lock names."""
    command = [str(python), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    only = ["--require-hashes", "--no-deps", "--only-binary=:all:"]
    subprocess.run(
        [*command, *only, *options, f"--dest={folder}", f"--requirement={lock}"], check=True
    )


def write_archive(folder: Path, archive: Path) -> None:
    """Write the wheels of a folder, and what they are, into a zip of wheels."""
    wheels = sorted(folder.glob("*.whl"))
    pins = ["==".join(wheel.name.split("-")[:2]) for wheel in wheels]
    contents = {"requirements.txt": "".join(f"{pin}\n" for pin in pins).encode()}
    contents |= {wheel.name: wheel.read_bytes() for wheel in wheels}
    with zipfile.ZipFile(archive, "w") as writer:
        for name, content in contents.items():
            writer.writestr(zipfile.ZipInfo(f"wheels/{name}", NO_TIME), content)


def main() -> None:
    """Make a zip of wheels of each lock, named after it, in a new directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("platform", type=Path, help="description of the platform, in Pex's form")
    parser.add_argument("locks", type=Path, nargs="+")
    arguments = parser.parse_args()
    arguments.root.mkdir()
    options = platform_options(arguments.platform)
    with tempfile.TemporaryDirectory() as folder:
        # An interpreter need not have pip; each that is supported can make an environment with it.
        venv.create(Path(folder, "venv"), with_pip=True)
        for lock in arguments.locks:
            wheels = Path(folder, lock.stem)
            download(Path(folder, "venv/bin/python"), lock, options, wheels)
            write_archive(wheels, arguments.root / f"{lock.stem}.gluewheels.zip")


if __name__ == "__main__":
    main()
