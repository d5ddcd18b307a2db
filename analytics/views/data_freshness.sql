-- How fresh each stage is: its newest run, and when that was fetched
--
-- stage varchar: Stage and table
-- newest_run_id varchar: Newest run that the stage holds
-- fetched_at timestamp [UTC]: When its newest page was fetched
-- subjects bigint [subjects]: Subjects of which the stage holds counts; of what is processed, since the newest day that is curated
SELECT
    'curated: subject_history' AS stage,
    max(run_id) AS newest_run_id,
    max(fetched_at) AS fetched_at,
    count(DISTINCT subject_key) AS subjects
FROM subject_history
UNION ALL
SELECT
    'processed: subject_snapshots' AS stage,
    max(run_id) AS newest_run_id,
    max(fetched_at) AS fetched_at,
    count(DISTINCT subject) AS subjects
FROM subject_snapshots
WHERE ingest_date >= (
    SELECT
        coalesce(
            substr(max(run_id), 1, 4) || '-' || substr(max(run_id), 5, 2)
            || '-' || substr(max(run_id), 7, 2),
            ''
        )
    FROM subject_history
)
ORDER BY stage
