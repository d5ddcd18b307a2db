"""Where a setting's value comes from, and what is refused."""

import re
from pathlib import Path

import pytest

from lake.errors import ConfigError
from lake.project import Project
from lake.settings import OPTIONS, VARIABLES, LakeSettings, resolve


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def write(project: Project, text: str) -> None:
    (project.root / "lake.toml").write_text(text)


def test_without_anything_the_defaults_hold(project: Project) -> None:
    found = resolve(project, environment={})

    assert (found.values.app, found.values.environment, found.values.port) == (
        "openlake",
        "local",
        4566,
    )
    assert {str(source) for source in found.sources.values()} == {"default"}
    assert not found.is_set("subjects")


def test_an_option_counts_before_a_variable_before_the_file(project: Project) -> None:
    write(project, 'app = "atlas"\nport = 5000\ncontact = "a@example.org"\n')
    variables = {"LAKE_PORT": "5001", "LAKE_CONTACT": "b@example.org", "LAKE_APP": ""}

    found = resolve(project, {"contact": "c@example.org", "port": None}, variables)

    assert (found.values.app, str(found.sources["app"])) == ("atlas", "lake.toml")
    assert (found.values.port, str(found.sources["port"])) == (5001, "variable LAKE_PORT")
    assert found.values.contact == "c@example.org"
    assert str(found.sources["contact"]) == "option --contact"


@pytest.mark.parametrize(
    "region", ["eu-central-1", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1"]
)
def test_regions_of_every_partition_are_taken(project: Project, region: str) -> None:
    assert resolve(project, environment={"AWS_REGION": region}).values.region == region


@pytest.mark.parametrize("region", ["eu", "eu-central", "Frankfurt", "eu-central-1a"])
def test_what_is_no_region_is_refused(project: Project, region: str) -> None:
    with pytest.raises(ConfigError, match="AWS_REGION: region is wrong"):
        resolve(project, environment={"AWS_REGION": region})


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "eu-central-1"),
    ],
)
def test_the_region_of_the_environment_counts_before_that_of_the_file(
    project: Project, variables: dict[str, str], region: str
) -> None:
    write(project, 'region = "eu-central-1"')

    assert resolve(project, environment=variables).values.region == region


def test_subjects_are_names_or_tables_and_each_counts_once(project: Project) -> None:
    write(
        project,
        'subjects = ["Dogs", "dogs", "Person: Jane Austen", {subject = "dogs", max_works = 5,'
        ' published_in = "1990"}]',
    )

    found = resolve(project, environment={}).values.subjects

    assert [one.key for one in found] == ["dogs", "person:jane_austen", "dogs?published_in=1990"]
    assert found[2].max_works == 5


@pytest.mark.parametrize("text", ["dogs,place:paris", '["dogs", "place:paris"]'])
def test_a_variable_holds_a_list_of_subjects(project: Project, text: str) -> None:
    found = resolve(project, environment={"LAKE_SUBJECTS": text})

    assert [one.subject for one in found.values.subjects] == ["dogs", "place:paris"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("subject = []", "has an unknown setting 'subject'", "Did you mean subjects?"),
        ("app: atlas", "is not TOML", 'contact = "me@there.org"'),
        ("port = 80", "port is wrong: Input should be greater than or equal to 1024", "config"),
        ('port = "many"', "port is wrong", "#settings"),
        ("subjects = []", "subjects is wrong", ""),
        ('subjects = ["a", "#"]', r"subjects[1] is wrong: nothing is left", ""),
        ('subjects = [{subject = "x", ebooks = true}]', "subjects[0] is wrong: Extra", ""),
        ('contact = "nobody"', "contact is wrong: not an e-mail address or URL", ""),
        # Which ingest would refuse once it is deployed.
        ('contact = "me@localhost"', "contact is wrong: not an e-mail address or URL", ""),
        ('environment = "Production"', "environment is wrong", ""),
    ],
)
def test_what_is_wrong_in_the_file_is_named(
    project: Project, text: str, message: str, hint: str
) -> None:
    write(project, text)

    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        resolve(project, environment={})

    assert str(project.root / "lake.toml") in caught.value.message
    assert hint in caught.value.hint


def test_a_wrong_variable_or_option_is_named(project: Project) -> None:
    with pytest.raises(ConfigError, match="^LAKE_SUBJECTS: subjects is wrong: not a JSON list"):
        resolve(project, environment={"LAKE_SUBJECTS": "[dogs"})
    with pytest.raises(ConfigError, match=r"^--subject: subjects\[0\] is wrong"):
        resolve(project, {"subjects": ["?"]}, {})


def test_what_is_set_is_given_to_ingest_and_nothing_else(project: Project) -> None:
    assert resolve(project, environment={}).ingest_parameters == {}
    write(project, 'subjects = ["dogs", {subject = "愛", max_works = 5}]\ncontact = "a@b.org"\n')

    assert resolve(project, environment={}).ingest_parameters == {
        "Contact": "a@b.org",
        "Subjects": '["dogs", {"subject": "愛", "max_works": 5}]',
    }


def test_every_setting_has_a_variable() -> None:
    assert VARIABLES.keys() == LakeSettings.model_fields.keys()
    assert OPTIONS.keys() < LakeSettings.model_fields.keys()
