-- What each run in the curated tables brought, beside what the source counted and what was rejected
--
-- run_id varchar: Run, such as 20261123T060000Z
-- run_at timestamp [UTC]: Time for which it was scheduled
-- fetched_at timestamp [UTC]: When it fetched its last subject's counts
-- subjects bigint [subjects]: Subjects that gave counts
-- subjects_short bigint [subjects]: Of these, the ones that brought less than the source counted: by a gap, or by a limit on works per subject
-- source_works bigint [works]: Works that the source counted, summed over the subjects
-- works bigint [works]: Works that came, each once per subject
-- quarantined bigint [records]: Records and pages that were rejected
-- quarantine_share double [share]: quarantined by all that came
SELECT
    e.run_id,
    cast(
        substr(e.run_id, 1, 4) || '-' || substr(e.run_id, 5, 2) || '-' || substr(e.run_id, 7, 2)
        || ' ' || substr(e.run_id, 10, 2) || ':' || substr(e.run_id, 12, 2)
        || ':' || substr(e.run_id, 14, 2)
        AS timestamp
    ) AS run_at,
    e.fetched_at,
    e.subjects,
    e.subjects_short,
    e.source_works,
    e.works,
    coalesce(q.quarantined, 0) AS quarantined,
    CASE
        WHEN e.works + coalesce(q.quarantined, 0) > 0
            THEN cast(coalesce(q.quarantined, 0) AS double)
                / (e.works + coalesce(q.quarantined, 0))
        ELSE 0e0
    END AS quarantine_share
FROM (
    SELECT
        run_id,
        max(fetched_at) AS fetched_at,
        count(*) AS subjects,
        count(CASE WHEN listed_works < work_count THEN 1 END) AS subjects_short,
        cast(sum(work_count) AS bigint) AS source_works,
        cast(sum(listed_works) AS bigint) AS works
    FROM subject_history
    GROUP BY run_id
) AS e
LEFT JOIN (
    SELECT
        run_id,
        count(*) AS quarantined
    FROM quarantine
    GROUP BY run_id
) AS q ON e.run_id = q.run_id
ORDER BY e.run_id DESC
