-- Works by decade of first publication and by what a reader can do with them
--
-- decade integer [year]: First year of the decade, such as 1990
-- access_level varchar: open, borrowable, print_disabled, restricted, none, or unknown
-- works bigint [works]: Works, each once
SELECT
    first_publish_year - first_publish_year % 10 AS decade,
    coalesce(access_level, 'unknown') AS access_level,
    count(*) AS works
FROM works
WHERE first_publish_year IS NOT NULL
GROUP BY first_publish_year - first_publish_year % 10, coalesce(access_level, 'unknown')
ORDER BY 1, 2
