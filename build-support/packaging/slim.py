"""Unpack a PEX as AWS wants it: flat, without what is never used there, and for a Lambda compiled.

Run for the requirements and for the sources of every service (see build-support/macros.py).

- boto3 and its parts are in the runtime already (AWS Lambda, python3.13).
- Tests, headers, type stubs and the native libraries of engines that the lake does not use are
  never loaded. Without this step awswrangler, pandas and pyarrow exceed Lambda's limit of 250 MB.
- The file system of a Lambda is read-only, so bytecode that is not shipped is compiled again at
  every cold start. It is shipped as *unchecked-hash* files (PEP 552): ones checked by time go stale
  in a zip.
"""

import argparse
import compileall
import py_compile
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

# What makes a PEX run by itself.
PEX_OWN = ("__main__.py", "__pex__", "PEX-INFO")

RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "jmespath")

NEVER_LOADED = (
    "bin",
    ".layout.json",
    ".prefix",
    "*.pex-info",
    "**/tests",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.h",
    "**/*.hpp",
    "**/*.dist-info/RECORD",
    # Installers pull these in; nothing imports them at run time.
    "setuptools",
    "setuptools-*.dist-info",
    "_distutils_hack",
    "distutils-precedence.pth",
    # Arrow's RPC layer, its C++ headers and sources, and file systems of other clouds.
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/*flight*",
    "pyarrow/_azurefs*",
    "pyarrow/_gcsfs*",
    "pyarrow/_hdfs*",
    "pyarrow/_pyarrow_cpp_tests*",
    # The loader uses lib*.so.<major>; a wheel holds no links, so these are further copies of it.
    "pyarrow/libarrow_python*.so",
    "pyarrow/libarrow_python*.so.*.*.*",
    # numpy's Fortran compiler and its own test extensions
    "numpy/f2py",
    "numpy/_core/_*_tests*.so",
)


def patterns() -> Iterable[str]:
    """Glob patterns, from the root of the package, of all that is dropped."""
    for name in RUNTIME_HAS:
        yield name
        yield f"{name}-*.dist-info"
    yield from NEVER_LOADED


def drop(root: Path) -> None:
    """Remove everything that `patterns` names from the tree at `root`."""
    for pattern in patterns():
        for path in sorted(root.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def compile_modules(root: Path) -> None:
    """Compile every module below `root`, with paths as they are seen in the Lambda."""
    compileall.compile_dir(
        root,
        quiet=2,
        workers=0,
        stripdir=str(root),
        prependdir="/var/task",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def unpack(pex: Path, root: Path) -> None:
    """Unpack the distributions and the sources of a PEX into one directory."""
    with zipfile.ZipFile(pex) as archive:
        for entry in archive.infolist():
            top, _, rest = entry.filename.partition("/")
            if top == ".deps":  # .deps/<wheel>/<path>
                entry.filename = rest.partition("/")[2]
            elif top in PEX_OWN or top.startswith("."):
                continue
            if entry.filename and not entry.is_dir():
                archive.extract(entry, root)


def main() -> None:
    """Slim a PEX into a new directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pex", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--handler", help="module with the function `handler`")
    parser.add_argument("--no-bytecode", action="store_true", help="compile nothing")
    arguments = parser.parse_args()
    arguments.root.mkdir()
    unpack(arguments.pex, arguments.root)
    if arguments.handler:
        entry = f"from {arguments.handler} import handler as handler\n"
        (arguments.root / "lambda_function.py").write_text(entry)
    drop(arguments.root)
    if not arguments.no_bytecode:
        compile_modules(arguments.root)


if __name__ == "__main__":
    main()
