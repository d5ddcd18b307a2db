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


def glue_archive(service, version):
    """The deployable zip of a Glue job, made of its package/ directory.

    Glue gets it by --extra-py-files, and with it the two things in it that Glue wants as objects of
    their own: the scripts, which are modules of the package, and the wheels that Glue is to
    install: those of glue.lock, or of glue_iceberg.lock where Iceberg tables are written.
    """
    archive(
        name="package",
        format="zip",
        files=["./package:sources", "//3rdparty/python:glue_wheels"],
        output_path=f"services/{service}/{service}-{version}.zip",
        tags=["deploy", f"service:{service}"],
    )


def glue_content(*modules):
    """What a Glue job's zip holds: the sources of modules, and those that they import."""
    pex_binary(
        name="sources_pex",
        dependencies=[f"//services/{module.replace('.', '/')}.py" for module in modules],
        resolve="spark",
        include_requirements=False,
        output_path="sources.pex",
    )
    adhoc_tool(
        name="sources",
        runnable="//build-support/packaging:slim",
        execution_dependencies=[":sources_pex"],
        workdir="/",
        # A zip's bytecode is not looked for in it.
        args=["sources.pex", "sources", "--no-bytecode"],
        output_directories=["sources"],
        root_output_directory="/sources",
    )


def template_function():
    """A Lambda function whose code stands in a template, and its tests.

    boto3, which Lambda has, is in no requirement of the templates' tests.
    """
    python_sources(resolve="default")
    python_tests(name="tests", resolve="default", interpreter_constraints=["==3.13.*"])
    # For the test that compares it with the template.
    files(name="text", sources=["function.py"])
