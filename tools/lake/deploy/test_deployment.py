from lake.aws import Cloud
from lake.deploy.deployment import release_of, stack_name


def test_a_release_is_identified_by_code_and_configuration() -> None:
    first = release_of("template", {"ArtifactKey": "a", "Env": "dev"})
    assert first == release_of("template", {"Env": "dev", "ArtifactKey": "a"})
    others = {
        release_of("template 2", {"ArtifactKey": "a", "Env": "dev"}),
        release_of("template", {"ArtifactKey": "b", "Env": "dev"}),
        release_of("template", {"ArtifactKey": "a", "Env": "dev", "PageSize": "1"}),
    }
    assert len({first, *others}) == 4


def test_a_release_fits_its_template_parameter() -> None:
    assert len(release_of("template", {})) <= 40


def test_a_stack_is_named_after_environment_and_unit() -> None:
    assert stack_name(Cloud(app="openlake", env="dev"), "ingest") == "openlake-dev-ingest"
