"""The lake takes no more calls and bytes than was measured, so that its cost does not creep up."""

from benchmarks.cost.suite import shares
from benchmarks.cost.suite.counts import count
from benchmarks.cost.suite.figures import measured
from benchmarks.cost.suite.lake import lake
from benchmarks.process.suite.aws import endpoint

MOST_GROWTH = 1.1


def test_a_run_takes_hardly_more_than_was_measured() -> None:
    """When it does with good reason, measure anew: ``./pants run benchmarks/cost``."""
    known = measured()
    subjects, pages = shares.FEW

    with endpoint() as aws, lake(aws) as made:
        made.run(1, 1)  # which makes the tables
        taken = count(made.run(*shares.FEW))

    for (name, unit), figure in taken.items():
        page, subject, run = (known[f"{what}: {name}, {unit}"] for what in shares.PARTS)
        expected = run + subjects * (subject + pages * page)
        assert figure <= MOST_GROWTH * expected, f"{name}: {figure} {unit}, measured {expected}"
