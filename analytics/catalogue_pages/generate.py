"""Write the data catalogue to ``docs/data``.

``python -m analytics.catalogue_pages.generate [--check]``

A page for each table and view: what a row is, its columns, where it comes from, how fresh it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from analytics.views.definitions import View, views
from analytics.views.reads import tables_read
from schemas.curated_tables import CURATED, CuratedTable
from schemas.derive.columns import Column, ListOf, StructOf
from schemas.derive.glue import glue_type
from schemas.tables import PARTITIONS, TABLES, Table

_MADE: Final = "<!-- Made by python -m analytics.catalogue_pages.generate; do not edit. -->"
DIRECTORY: Final = Path(__file__).parents[2] / "docs/data"

#: What a number or a time of a table is counted in, by the column's name.
UNITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("works", "works_a", "works_b", "source_works", "count"), "works"),
    **dict.fromkeys(("work_count", "work_count_delta", "listed_works"), "works"),
    **dict.fromkeys(("ebook_count", "ebook_count_delta"), "works with a scan"),
    **dict.fromkeys(("edition_count", "editions"), "editions"),
    **dict.fromkeys(("first_publish_year", "last_publish_year", "decade", "year"), "year"),
    "fetched_at": "UTC",
    "lift_thousandths": "thousandths",
    "cover_id": "id",
    "position": "from 0",
    "rank": "from 1",
}
#: One question that each table answers.
EXAMPLES: Final[Mapping[str, str]] = {
    "crawled_works": """SELECT source_subject, count(DISTINCT work_key) AS works
FROM crawled_works
WHERE ingest_date = '2026-11-23'
GROUP BY source_subject
ORDER BY works DESC, source_subject""",
    "subject_snapshots": """SELECT subject, run_id, work_count
FROM subject_snapshots
WHERE kind = 'place'
ORDER BY subject, run_id""",
    "subject_facets": """SELECT name, count
FROM subject_facets
WHERE subject = 'love' AND facet = 'languages'
ORDER BY run_id DESC, count DESC, name
LIMIT 10""",
    "quarantine": """SELECT reason_code, count(*) AS records, min(raw_key) AS example
FROM quarantine
GROUP BY reason_code
ORDER BY records DESC, reason_code""",
    "works": """SELECT title, first_publish_year, edition_count
FROM works
WHERE access_level = 'open'
ORDER BY edition_count DESC, work_key
LIMIT 10""",
    "authors": """SELECT name, works, first_publish_year, last_publish_year
FROM authors
ORDER BY works DESC, author_key
LIMIT 10""",
    "subjects": """SELECT name, kind, works, work_count
FROM subjects
WHERE run_id IS NOT NULL
ORDER BY work_count DESC, subject_key""",
    "work_authors": """SELECT w.title
FROM work_authors AS a
INNER JOIN works AS w ON a.work_key = w.work_key
WHERE a.author_key = '/authors/OL21594A'
ORDER BY w.work_key""",
    "work_subjects": """SELECT w.title
FROM work_subjects AS s
INNER JOIN works AS w ON s.work_key = w.work_key
WHERE s.subject_key = 'place:london'
ORDER BY w.work_key
LIMIT 10""",
    "subject_history": """SELECT run_id, work_count, work_count_delta
FROM subject_history
WHERE subject_key = 'love'
ORDER BY run_id""",
    "subject_pairs": """SELECT subject_key_b, works, lift_thousandths / 1000.0 AS lift
FROM subject_pairs
WHERE subject_key_a = 'love'
ORDER BY works DESC, subject_key_b
LIMIT 10""",
    "publishing_history": """SELECT year, works, source_works
FROM publishing_history
WHERE subject_key = 'love' AND year >= 1900
ORDER BY year""",
    "author_rankings": """SELECT r.rank, a.name, r.works
FROM author_rankings AS r
INNER JOIN authors AS a ON r.author_key = a.author_key
WHERE r.subject_key = '#all'
ORDER BY r.rank
LIMIT 10""",
}
_PROCESSED: Final = (
    "Written by `process`, one file per raw page and table, under `{location}`. `raw_key` names the"
    " raw object of each row, `contract_version` the contract that made it.",
    "Seconds after the page is stored. Only whole runs are announced further, by"
    " `runs/run_id=R/processed.json`.",
)
_CURATED: Final = (
    "Written by `glue_etl` from the processed tables of all runs, under"
    " `curated_data/{folder}/build=B/`.",
    "After each run, as one build: readers go from one whole build to the next. A build that breaks"
    " a data-quality rule is not published, and the one before stays.",
)


def render() -> dict[str, str]:
    """Return the content of every page by its file's name."""
    pages = {f"{table.catalogue_name}.md": _processed_page(table) for table in TABLES.values()}
    pages |= {f"{table.name}.md": _curated_page(table) for table in CURATED.values()}
    pages |= {f"{view.name}.md": _view_page(view) for view in views().values()}
    return pages | {"README.md": _index()}


def stale(directory: Path = DIRECTORY) -> list[str]:
    """Name the pages of a directory that are missing, differ or belong to nothing."""
    expected = render()
    present = {path.name for path in directory.glob("*.md")}
    differing = {
        name
        for name, text in expected.items()
        if name not in present or (directory / name).read_text("utf-8") != text
    }
    return sorted(differing | (present - expected.keys()))


def main(arguments: list[str] | None = None, directory: Path = DIRECTORY) -> int:
    """Write the pages, or with ``--check`` only compare; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m analytics.catalogue_pages.generate", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    options = parser.parse_args(arguments)
    found = stale(directory)
    if options.check:
        for name in found:
            print(
                f"{name} is stale: run python -m analytics.catalogue_pages.generate",
                file=sys.stderr,
            )
        return 1 if found else 0
    directory.mkdir(parents=True, exist_ok=True)
    expected = render()
    for name in found:
        path = directory / name
        if name in expected:
            path.write_text(expected[name], "utf-8")
        else:
            path.unlink()
        print(f"wrote {name}" if name in expected else f"removed {name}")
    return 0


def unit_of(column: Column) -> str:
    """Return what a table's column is counted in; empty for texts, flags, lists and groups."""
    counted = column.type in ("int32", "int64", "timestamp")
    return UNITS[column.name] if counted else ""


def _processed_page(table: Table) -> str:
    written, fresh = _PROCESSED
    columns = [_described(column) for column in (*table.columns, *PARTITIONS)]
    written = written.format(location=table.location)
    name = table.catalogue_name
    return _page(name, table.description, columns, written, fresh, EXAMPLES[name])


def _curated_page(table: CuratedTable) -> str:
    written, fresh = _CURATED
    facts = [f"A row is identified by {_listed(table.key)}."]
    facts += [
        f"`{column}` is a `{name}` of [{other}]({other}.md)."
        for column, (other, name) in table.references.items()
    ]
    written = " ".join([written.format(folder=table.name), *facts])
    columns = [_described(column) for column in table.columns]
    return _page(table.name, table.description, columns, written, fresh, EXAMPLES[table.name])


def _view_page(view: View) -> str:
    read = ", ".join(f"[{name}]({name}.md)" for name in sorted(tables_read(view)))
    columns = [(c.name, c.type, c.unit, c.description) for c in view.columns]
    written = f"A view over {read}: `analytics/views/{view.name}.sql`, which is also how to ask it."
    fresh = "As fresh as the tables that it reads."
    return _page(view.name, view.description, columns, written, fresh, view.sql)


def _page(
    name: str,
    description: str,
    columns: Iterable[tuple[str, str, str, str]],
    written: str,
    fresh: str,
    example: str,
) -> str:
    rows = "\n".join(
        f"| `{column}` | `{kind}` | {unit} | {text.replace('|', '&#124;')} |"
        for column, kind, unit, text in columns
    )
    return (
        f"# {name}\n\n{_MADE}\n\n"
        f"{description}.\n\n"
        f"| column | type | unit | meaning |\n|---|---|---|---|\n{rows}\n\n"
        f"**Where it comes from.** {written}\n\n**How fresh it is.** {fresh}\n\n"
        f"```sql\n{example}\n```\n"
    )


def _described(column: Column) -> tuple[str, str, str, str]:
    kind = column.type
    shown = glue_type(kind)
    if isinstance(kind, ListOf) and isinstance(kind.item, StructOf):
        shown = f"array<struct<{', '.join(field.name for field in kind.item.fields)}>>"
    return column.name, shown, unit_of(column), column.description


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _index() -> str:
    processed = [(table.catalogue_name, table.description) for table in TABLES.values()]
    curated = [(table.name, table.description) for table in CURATED.values()]
    named = [(view.name, view.description) for view in views().values()]
    parts = [
        f"# Data catalogue\n\n{_MADE}\n\n"
        "All of it can be asked by `./lake query`, in Athena's dialect. Times are UTC."
    ]
    for title, entries in (
        ("Views: one per metric", named),
        ("Curated tables: one state of all runs", curated),
        ("Processed tables: what each page brought", processed),
    ):
        lines = "\n".join(f"| [{name}]({name}.md) | {text} |" for name, text in entries)
        parts.append(f"## {title}\n\n| name | rows |\n|---|---|\n{lines}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
