-- What each person's sessions used in 30 days.
SELECT unmapped['workspace'] AS workspace, unmapped['user'] AS person, count(*) AS sessions,
  sum("count") AS workers,
  round(sum(CAST(unmapped['vcpu_hours'] AS double)), 2) AS vcpu_hours,
  round(sum(CAST(unmapped['gigabyte_hours'] AS double)), 2) AS gigabyte_hours
FROM sessions
WHERE time_dt > current_timestamp - INTERVAL '30' DAY
GROUP BY 1, 2
ORDER BY vcpu_hours DESC
