-- Works by year of first publication, of all works and of each crawled subject
--
-- subject_key varchar: Canonical key, or #all for all works
-- subject varchar: Name to show; the kind follows where it is not a plain subject
-- year integer [year]: Year of first publication
-- lake_works bigint [works]: Works of the lake
-- source_works bigint [works]: Works that OpenLibrary counts; null where it gives none
SELECT
    h.subject_key,
    CASE
        WHEN h.subject_key = '#all' THEN 'All works'
        ELSE coalesce(s.name, h.subject_key)
            || CASE WHEN s.kind = 'subject' THEN '' ELSE ' (' || s.kind || ')' END
    END AS subject,
    h.year,
    h.works AS lake_works,
    h.source_works
FROM publishing_history AS h
LEFT JOIN subjects AS s ON h.subject_key = s.subject_key
WHERE h.subject_key = '#all' OR s.run_id IS NOT NULL
ORDER BY h.subject_key, h.year
