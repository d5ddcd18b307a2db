-- The twenty works with the most editions, of all works and of each crawled subject
--
-- subject_key varchar: Canonical key, or #all for all works
-- subject varchar: Name to show; the kind follows where it is not a plain subject
-- place integer [place]: Place from 1, by editions
-- work_key varchar: OpenLibrary key, such as /works/OL1W
-- title varchar: Title; the work's key where the title is null
-- author varchar: Name of an author, the first by key; null where none is known
-- first_publish_year integer [year]: Year of first publication
-- editions bigint [editions]: Editions that OpenLibrary knows
-- access_level varchar: open, borrowable, print_disabled, restricted, none, or unknown
SELECT
    t.subject_key,
    t.subject,
    cast(t.place AS integer) AS place,
    t.work_key,
    t.title,
    t.author,
    t.first_publish_year,
    t.editions,
    t.access_level
FROM (
    SELECT
        l.subject_key,
        l.subject,
        row_number() OVER (
            PARTITION BY l.subject_key ORDER BY coalesce(w.edition_count, 0) DESC, w.work_key
        ) AS place,
        w.work_key,
        coalesce(w.title, w.work_key) AS title,
        n.name AS author,
        w.first_publish_year,
        cast(w.edition_count AS bigint) AS editions,
        coalesce(w.access_level, 'unknown') AS access_level
    FROM works AS w
    INNER JOIN (
        SELECT
            '#all' AS subject_key,
            'All works' AS subject,
            a.work_key
        FROM works AS a
        UNION ALL
        SELECT
            s.subject_key,
            coalesce(s.name, s.subject_key)
            || CASE WHEN s.kind = 'subject' THEN '' ELSE ' (' || s.kind || ')' END AS subject,
            b.work_key
        FROM work_subjects AS b
        INNER JOIN subjects AS s ON b.subject_key = s.subject_key
        WHERE s.run_id IS NOT NULL
    ) AS l ON w.work_key = l.work_key
    LEFT JOIN (
        SELECT
            c.work_key,
            min(c.author_key) AS author_key
        FROM work_authors AS c
        GROUP BY c.work_key
    ) AS f ON w.work_key = f.work_key
    LEFT JOIN authors AS n ON f.author_key = n.author_key
) AS t
WHERE t.place <= 20
ORDER BY t.subject_key, t.place
