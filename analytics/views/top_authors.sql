-- The ten authors with the most works, of all works and of each crawled subject
--
-- subject_key varchar: Canonical key, or #all for all works
-- subject varchar: Name to show; the kind follows where it is not a plain subject
-- rank integer [place]: Place from 1, by works, then editions
-- author_key varchar: OpenLibrary key, such as /authors/OL1A
-- author varchar: Name, or the key where no name is known
-- works bigint [works]: Works of the author in the subject
-- editions bigint [editions]: Editions of these works
SELECT
    r.subject_key,
    CASE
        WHEN r.subject_key = '#all' THEN 'All works'
        ELSE coalesce(s.name, r.subject_key)
            || CASE WHEN s.kind = 'subject' THEN '' ELSE ' (' || s.kind || ')' END
    END AS subject,
    r.rank,
    r.author_key,
    coalesce(a.name, r.author_key) AS author,
    r.works,
    r.editions
FROM author_rankings AS r
LEFT JOIN authors AS a ON r.author_key = a.author_key
LEFT JOIN subjects AS s ON r.subject_key = s.subject_key
WHERE r.rank <= 10 AND (r.subject_key = '#all' OR s.run_id IS NOT NULL)
ORDER BY r.subject_key, r.rank
