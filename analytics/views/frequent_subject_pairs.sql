-- The fifty pairs of subjects that most works share, of those that meet twice as often as by chance
--
-- pair varchar: Both names, as they are shown
-- subject_key_a varchar: The subject whose key sorts first
-- subject_key_b varchar: The other subject
-- works bigint [works]: Works that have both
-- lift double [times]: How many times more often than if subjects were given by chance
SELECT
    coalesce(a.name, p.subject_key_a)
    || CASE WHEN a.kind = 'subject' THEN '' ELSE ' (' || a.kind || ')' END
    || ' + '
    || coalesce(b.name, p.subject_key_b)
    || CASE WHEN b.kind = 'subject' THEN '' ELSE ' (' || b.kind || ')' END AS pair,
    p.subject_key_a,
    p.subject_key_b,
    p.works,
    cast(p.lift_thousandths AS double) / 1000 AS lift
FROM subject_pairs AS p
INNER JOIN subjects AS a ON p.subject_key_a = a.subject_key
INNER JOIN subjects AS b ON p.subject_key_b = b.subject_key
WHERE
    p.lift_thousandths >= 2000
    -- London the subject and London the place say the same.
    AND replace(replace(replace(p.subject_key_a, 'person:', ''), 'place:', ''), 'time:', '')
    <> replace(replace(replace(p.subject_key_b, 'person:', ''), 'place:', ''), 'time:', '')
ORDER BY p.works DESC, p.subject_key_a, p.subject_key_b
LIMIT 50
