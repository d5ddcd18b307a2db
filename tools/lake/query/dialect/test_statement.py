import pytest

from lake.errors import QueryError
from lake.query.dialect.statement import TableReference, parse


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select title from works;",
        "WITH w AS (SELECT * FROM works) SELECT count(*) FROM w",
        "SELECT 1 UNION ALL SELECT 2",
        "VALUES (1, 'a')",
        "(SELECT 1)",
        "TABLE works",
        "SELECT * FROM works CROSS JOIN UNNEST(authors) AS a (key, name)",
        "SELECT * FROM works, LATERAL (SELECT 1)",
        "SELECT 'DROP TABLE works; --' FROM works -- a comment; with a semicolon",
    ],
)
def test_one_query_is_accepted(sql: str) -> None:
    assert parse(sql).sql == sql


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'a'; -- done",
        "SELECT 'a' -- done;",
        "SELECT 'a'; /* done */ ;",
        " SELECT 'a' ;; -- one\n-- two",
        "SELECT 'a' -- done",
        "SELECT 'a';",
    ],
)
def test_a_comment_after_the_query_is_no_second_one(sql: str) -> None:
    assert parse(sql).limited(5).sql == "SELECT 'a'\nLIMIT 5"


def test_nothing_is_sent_after_a_semicolon() -> None:
    assert parse('SELECT 1 AS "a;b" LIMIT 2; -- done').sql == 'SELECT 1 AS "a;b" LIMIT 2'


@pytest.mark.parametrize("sql", ["", " \n", ";", "; -- nothing", "-- nothing", "/* nothing */"])
def test_an_empty_statement_is_refused(sql: str) -> None:
    with pytest.raises(QueryError, match="empty"):
        parse(sql)


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE works;"])
def test_several_statements_are_refused(sql: str) -> None:
    with pytest.raises(QueryError, match="There are 2 statements"):
        parse(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO works SELECT * FROM works",
        "UPDATE works SET title = ''",
        "DELETE FROM works",
        "MERGE INTO a USING b ON 1 = 1 WHEN MATCHED THEN DELETE",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "DROP TABLE works",
        "ALTER TABLE works ADD COLUMNS (x int)",
        "TRUNCATE TABLE works",
        "MSCK REPAIR TABLE works",
        "UNLOAD (SELECT 1) TO 's3://elsewhere/'",
        "COPY works TO '/tmp/x'",
        "PRAGMA database_list",
        "SET lock_configuration = false",
        "ATTACH '/tmp/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL x()",
        "USE x",
        "BEGIN",
        "EXECUTE x",
        "PREPARE x FROM SELECT 1",
        "EXPLAIN ANALYZE INSERT INTO works SELECT 1",
        "SHOW TABLES",
        "DESCRIBE works",
        "1",
        "works",
    ],
)
def test_a_statement_that_is_not_a_query_is_refused(sql: str) -> None:
    with pytest.raises(QueryError, match="is not a query|Syntax error"):
        parse(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x AS (DELETE FROM works RETURNING *) SELECT * FROM x",
        "SELECT 1 INTO x",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('s3://elsewhere/x') AS t (a)",
        "SELECT title FROM works WHERE title IN (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT (SELECT max(file) FROM glob('/*') AS g (file))",
        "SELECT * FROM works, LATERAL read_blob('/etc/passwd')",
        "SELECT * FROM TABLE(sequence(1, 2))",
        "SELECT * FROM range(3)",
        "SELECT * FROM duckdb_settings()",
        "SELECT getenv('HOME')",
        "SELECT CURRENT_SETTING('home_directory')",
        "SELECT title FROM works ORDER BY getenv('HOME')",
    ],
)
def test_a_query_reaches_tables_only(sql: str) -> None:
    with pytest.raises(QueryError, match="cannot contain|table function|no function|Syntax error"):
        parse(sql)


def test_a_syntax_error_says_where() -> None:
    with pytest.raises(QueryError, match="line 2, column 5, near 'works'") as caught:
        parse("SELECT title\nFRM works")
    assert "SELECT" in caught.value.hint


@pytest.mark.parametrize(
    "sql", ["SELECT 'a", 'SELECT "a', "SELECT '\udcff'", "SELECT " + "(" * 5000 + "1" + ")" * 5000]
)
def test_an_unreadable_statement_is_a_query_error(sql: str) -> None:
    with pytest.raises(QueryError, match="cannot be read|too deeply"):
        parse(sql)


@pytest.mark.parametrize("sql", ["SELECT 1 /* x", "SELECT 1 /*", "/* a */ SELECT 1 /* 'b'"])
def test_a_comment_that_is_not_closed_is_named(sql: str) -> None:
    with pytest.raises(QueryError, match="A comment is not closed"):
        parse(sql)


def test_references_know_their_own_names() -> None:
    statement = parse(
        "WITH w AS (SELECT * FROM Works) "
        "SELECT * FROM w JOIN lake.quarantine USING (run_id) JOIN awsdatacatalog.other.t ON true"
    )
    found, maybe_own = statement.references()
    assert {str(table) for table in found} == {
        "w",
        "works",
        "lake.quarantine",
        "awsdatacatalog.other.t",
    }
    assert maybe_own == {TableReference("", "", "w")}
