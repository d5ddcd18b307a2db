-- Rejected records and pages by reason, over all runs
--
-- reason_code varchar: Stable code of the reason, such as record.field_type
-- table_name varchar: Table that they were meant for
-- records bigint [records]: Records and pages
-- runs bigint [runs]: Runs in which it happened
-- newest_run_id varchar: Newest of these runs
-- example varchar: One of the messages
SELECT
    reason_code,
    table_name,
    count(*) AS records,
    count(DISTINCT run_id) AS runs,
    max(run_id) AS newest_run_id,
    min(reason_message) AS example
FROM quarantine
GROUP BY reason_code, table_name
ORDER BY count(*) DESC, reason_code, table_name
