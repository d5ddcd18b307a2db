-- OpenLibrary's counts per subject and run, with the growth since the run before
--
-- subject_key varchar: Canonical key, such as love or place:france
-- subject varchar: Name to show; the kind follows where it is not a plain subject
-- run_id varchar: Run that crawled the subject
-- run_at timestamp [UTC]: Time for which the run was scheduled
-- source_works bigint [works]: Works that OpenLibrary counted
-- works_added bigint [works]: Works more than in the run before; null for the first
-- ebooks_added bigint [works]: Works with a scan more than in the run before
-- growth double [share]: works_added by the count of the run before
SELECT
    h.subject_key,
    coalesce(s.name, h.subject_key)
    || CASE WHEN s.kind = 'subject' THEN '' ELSE ' (' || s.kind || ')' END AS subject,
    h.run_id,
    cast(
        substr(h.run_id, 1, 4) || '-' || substr(h.run_id, 5, 2) || '-' || substr(h.run_id, 7, 2)
        || ' ' || substr(h.run_id, 10, 2) || ':' || substr(h.run_id, 12, 2)
        || ':' || substr(h.run_id, 14, 2)
        AS timestamp
    ) AS run_at,
    h.work_count AS source_works,
    h.work_count_delta AS works_added,
    h.ebook_count_delta AS ebooks_added,
    CASE
        WHEN h.work_count - h.work_count_delta > 0
            THEN cast(h.work_count_delta AS double) / (h.work_count - h.work_count_delta)
    END AS growth
FROM subject_history AS h
INNER JOIN subjects AS s ON h.subject_key = s.subject_key
ORDER BY h.run_id, h.subject_key
