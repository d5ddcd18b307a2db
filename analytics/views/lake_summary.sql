-- The lake in one row: what it holds and how fresh that is
--
-- works bigint [works]: Works in the lake, each once
-- readable_works bigint [works]: Works that can be read online: open or borrowable
-- dump_works bigint [works]: Works of which only a monthly dump tells: no editions, no access
-- authors bigint [authors]: Authors of these works
-- subjects bigint [subjects]: Subjects that these works have, or that were crawled
-- crawled_subjects bigint [subjects]: Subjects whose listings are crawled
-- runs bigint [runs]: Runs that the curated tables hold
-- newest_run_id varchar: Newest of these runs, such as 20261123T060000Z
-- newest_fetched_at timestamp [UTC]: When that run fetched its last counts
SELECT
    w.works,
    w.readable_works,
    w.dump_works,
    a.authors,
    s.subjects,
    s.crawled_subjects,
    h.runs,
    h.newest_run_id,
    h.newest_fetched_at
FROM (
    SELECT
        count(*) AS works,
        count(CASE WHEN access_level IN ('open', 'borrowable') THEN 1 END) AS readable_works,
        count(CASE WHEN source_subject IS NULL THEN 1 END) AS dump_works
    FROM works
) AS w
CROSS JOIN (SELECT count(*) AS authors FROM authors) AS a
CROSS JOIN (SELECT count(*) AS subjects, count(run_id) AS crawled_subjects FROM subjects) AS s
CROSS JOIN (
    SELECT
        count(DISTINCT run_id) AS runs,
        max(run_id) AS newest_run_id,
        max(fetched_at) AS newest_fetched_at
    FROM subject_history
) AS h
