def lambda_archive(service, version):
    """The deployable zip of a service: its lambda/ directory builds the content, this names it."""
    archive(
        name="lambda",
        format="zip",
        files=["./lambda:requirements", "./lambda:sources"],
        output_path=f"services/{service}/{service}-{version}.zip",
        tags=["deploy", f"service:{service}"],
    )


def lambda_content(module):
    """What a service's zip holds: its sources and what they import, less what the runtime has.

    In two parts, because the requirements seldom change and take most of the time.
    """
    _lambda_part("requirements", module, [], include_sources=False)
    _lambda_part("sources", module, ["--handler", module], include_requirements=False)


def _lambda_part(part, module, args, **contents):
    pex_binary(
        name=f"{part}_pex",
        dependencies=[f"//services/{module.replace('.', '/')}.py"],
        complete_platforms=["//3rdparty/platforms:" + env("LAKE_PLATFORM", "linux_x86_64")],
        output_path=f"{part}.pex",
        **contents,
    )
    adhoc_tool(
        name=part,
        runnable="//build-support/packaging:slim",
        execution_dependencies=[f":{part}_pex"],
        workdir="/",
        args=[f"{part}.pex", "slim", *args],
        output_directories=["slim"],
        root_output_directory="/slim",
    )
