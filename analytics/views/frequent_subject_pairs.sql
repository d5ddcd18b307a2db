-- The fifty pairs of topics that most works share, of those that meet twice as often as by chance
--
-- pair varchar: Both names, as they are shown
-- subject_key_a varchar: The subject whose key sorts first
-- subject_key_b varchar: The other subject
-- works bigint [works]: Works that have both
-- lift double [times]: How many times more often than if subjects were given by chance
SELECT
    t.pair,
    t.subject_key_a,
    t.subject_key_b,
    t.works,
    t.lift
FROM (
    SELECT
        n.pair,
        n.subject_key_a,
        n.subject_key_b,
        n.works,
        n.lift,
        -- London the subject and London the place are one topic: of pairs of the same topics, the first.
        row_number() OVER (
            PARTITION BY least(n.topic_a, n.topic_b), greatest(n.topic_a, n.topic_b)
            ORDER BY n.works DESC, n.subject_key_a, n.subject_key_b
        ) AS place
    FROM (
        SELECT
            coalesce(a.name, p.subject_key_a)
            || CASE WHEN a.kind = 'subject' THEN '' ELSE ' (' || a.kind || ')' END
            || ' + '
            || coalesce(b.name, p.subject_key_b)
            || CASE WHEN b.kind = 'subject' THEN '' ELSE ' (' || b.kind || ')' END AS pair,
            p.subject_key_a,
            p.subject_key_b,
            replace(replace(replace(p.subject_key_a, 'person:', ''), 'place:', ''), 'time:', '')
                AS topic_a,
            replace(replace(replace(p.subject_key_b, 'person:', ''), 'place:', ''), 'time:', '')
                AS topic_b,
            p.works,
            cast(p.lift_thousandths AS double) / 1000 AS lift
        FROM subject_pairs AS p
        INNER JOIN subjects AS a ON p.subject_key_a = a.subject_key
        INNER JOIN subjects AS b ON p.subject_key_b = b.subject_key
        WHERE p.lift_thousandths >= 2000
    ) AS n
    WHERE n.topic_a <> n.topic_b
) AS t
WHERE t.place = 1
ORDER BY t.works DESC, t.subject_key_a, t.subject_key_b
LIMIT 50
