def lambda_archive(service, version):
    """The deployable zip of a service: its lambda/ directory builds the content, this names it."""
    archive(
        name="lambda",
        format="zip",
        files=[f"./lambda:slim"],
        output_path=f"services/{service}/{service}-{version}.zip",
        tags=["deploy", f"service:{service}"],
    )


def lambda_content(handler, slim_args=()):
    """What a service's zip holds: its sources and what they import, less what the runtime has."""
    python_awslambda(
        name="full",
        handler=handler,
        complete_platforms=["//3rdparty/platforms:" + env("LAKE_PLATFORM", "linux_x86_64")],
        output_path="full.zip",
    )
    adhoc_tool(
        name="slim",
        runnable="//build-support/packaging:slim",
        execution_dependencies=[":full"],
        workdir="/",
        args=["full.zip", "slim", *slim_args],
        output_directories=["slim"],
        root_output_directory="/slim",
    )
