"""Starts Spark: as Glue gives it, or small and without a network on one machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession

from glue_etl.errors import JavaMissingError
from glue_etl.settings import SessionArguments
from glue_etl.spark import SMALL

#: What Spark 4.1 runs on (https://spark.apache.org/docs/4.1.1/).
OLDEST_JAVA: Final = 17
#: From 24 on, Java lacks what Hadoop asks for the user by (https://openjdk.org/jeps/486).
NEWEST_JAVA: Final = 23
_ADVICE: Final = (
    "Spark needs Java 17 or 21. Install it ('apt install openjdk-17-jre-headless', 'brew install"
    " openjdk@17') and see that 'java' is on the PATH or JAVA_HOME is set."
)
_MIB: Final = 2**20
#: Half the processor time of a small job: compiled well enough, and no threads for the collector.
_SMALL_JVM: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def start(arguments: SessionArguments, input_bytes: int) -> SparkSession:
    """Start Spark, or take the session that Glue has started.

    Parameters
    ----------
    input_bytes
        Size of the files to be read. Spark on this machine treats a small job lightly: what it
        gives is the same, but it plans, compiles and shuffles for a few rows.

    Raises
    ------
    JavaMissingError
        When Spark is to run on this machine and there is no Java for it.
    """
    builder = SparkSession.builder.appName("glue_etl")
    small = bool(arguments.master) and input_bytes < SMALL
    if arguments.master:
        check_java()
        # Python workers must be this interpreter, with what is installed for it.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        for name, value in _local_settings(arguments, small).items():
            builder = builder.config(name, value)
    session = builder.getOrCreate()
    tune(session, arguments, small=small)
    if arguments.master:
        session.sparkContext.setLogLevel("ERROR")
    return session


def tune(session: SparkSession, arguments: SessionArguments, *, small: bool) -> None:
    """Set what can be set of a running session; nothing of it changes what comes out."""
    for name, value in _settings(arguments, small).items():
        session.conf.set(name, value)


def check_java() -> None:
    """Make sure that there is a Java that Spark can run on.

    Raises
    ------
    JavaMissingError
        Saying what to install.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not Path(java).exists():
        raise JavaMissingError(f"no Java was found. {_ADVICE}")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if not version or not OLDEST_JAVA <= int(version[1]) <= NEWEST_JAVA:
        first = told.splitlines()[0] if told else "of an unknown version"
        raise JavaMissingError(f"{java} is {first}. {_ADVICE}")


def _local_settings(arguments: SessionArguments, small: bool) -> dict[str, str]:
    return {
        "spark.master": arguments.master or "",
        "spark.driver.memory": arguments.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Hadoop would put a checksum file beside each file.
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        "spark.driver.extraJavaOptions": _SMALL_JVM if small else "-XX:+UseParallelGC",
        # Sorting and hashing outside the heap would not be bounded by driver_memory.
        "spark.memory.offHeap.enabled": "false",
    }


def _settings(arguments: SessionArguments, small: bool) -> dict[str, str]:
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1" if small else str(arguments.shuffle_partitions),
        "spark.sql.adaptive.enabled": str(not small).lower(),
        "spark.sql.codegen.wholeStage": str(not small).lower(),
        "spark.sql.codegen.factoryMode": "NO_CODEGEN" if small else "FALLBACK",
        # Partitions are joined up to the size of a file, not only until every core has one.
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": str(arguments.file_mib * _MIB),
        # Lists of a work's subjects are collected by hash; the default gives up after 128 works.
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "100000",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }
