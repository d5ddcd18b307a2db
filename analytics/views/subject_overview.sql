-- Subjects whose listings are crawled: OpenLibrary's counts beside the lake's
--
-- subject_key varchar: Canonical key, such as love or place:france
-- subject varchar: Name to show; the kind follows where it is not a plain subject
-- kind varchar: subject, person, place or time
-- source_works bigint [works]: Works that OpenLibrary counts
-- source_ebooks bigint [works]: Works with a scan that OpenLibrary counts
-- lake_works bigint [works]: Works of the subject in the lake
-- run_id varchar: Newest run that crawled the subject
-- fetched_at timestamp [UTC]: When that run fetched the counts
SELECT
    subject_key,
    coalesce(name, subject_key)
    || CASE WHEN kind = 'subject' THEN '' ELSE ' (' || kind || ')' END AS subject,
    kind,
    work_count AS source_works,
    ebook_count AS source_ebooks,
    works AS lake_works,
    run_id,
    fetched_at
FROM subjects
WHERE run_id IS NOT NULL
ORDER BY work_count DESC, subject_key
