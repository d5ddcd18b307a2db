-- How much of a subject has been scanned, as OpenLibrary counts
--
-- subject_key varchar: Canonical key, such as love or place:france
-- subject varchar: Name to show; the kind follows where it is not a plain subject
-- source_works bigint [works]: Works that OpenLibrary counts
-- source_ebooks bigint [works]: Those of them with a scan
-- ebook_share double [share]: source_ebooks by source_works
SELECT
    subject_key,
    coalesce(name, subject_key)
    || CASE WHEN kind = 'subject' THEN '' ELSE ' (' || kind || ')' END AS subject,
    work_count AS source_works,
    ebook_count AS source_ebooks,
    cast(ebook_count AS double) / work_count AS ebook_share
FROM subjects
WHERE work_count > 0 AND ebook_count IS NOT NULL
ORDER BY cast(ebook_count AS double) / work_count DESC, subject_key
