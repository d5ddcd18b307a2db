import pytest
from botocore.loaders import create_loader

from lake.endpoints import is_aws, is_http, is_loopback


@pytest.mark.parametrize(
    ("url", "aws", "loopback"),
    [
        ("https://s3.eu-central-1.amazonaws.com", True, False),
        ("https://vpce-1.s3.eu-central-1.vpce.amazonaws.com", True, False),
        ("https://s3.cn-north-1.amazonaws.com.cn", True, False),
        ("https://lambda.eu-central-1.api.aws", True, False),
        ("https://S3.AMAZONAWS.COM.", True, False),
        ("http://amazonaws.com.evil.example", False, False),
        ("http://notamazonaws.com", False, False),
        ("http://127.0.0.1:4566", False, True),
        ("http://[::1]:4566", False, True),
        ("http://localhost:4566", False, True),
        ("http://s3.localhost:4566", False, True),
        ("http://localhost.evil.example", False, False),
        ("http://localstack:4566", False, False),
        ("http://0.0.0.0:4566", False, False),
        ("http://192.168.1.5:4566", False, False),
    ],
)
def test_aws_and_this_machine_are_told_apart(url: str, aws: bool, loopback: bool) -> None:
    assert (is_aws(url), is_loopback(url)) == (aws, loopback)


def test_the_endpoints_of_every_partition_are_those_of_aws() -> None:
    for partition in create_loader().load_data("partitions")["partitions"]:
        outputs = partition["outputs"]
        for domain in (outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]):
            assert is_aws(f"https://s3.{next(iter(partition['regions']))}.{domain}"), domain


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("http://127.0.0.1:4566", True),
        ("https://localhost/", True),
        ("127.0.0.1:4566", False),
        ("ftp://127.0.0.1", False),
        ("http://", False),
        ("http://127.0.0.1:port", False),
        ("http://127.0.0.1:4566/path", False),
        ("http://user:secret@127.0.0.1:4566", False),
    ],
)
def test_an_endpoint_is_the_address_of_a_server(url: str, valid: bool) -> None:
    assert is_http(url) == valid
