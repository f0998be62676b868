-- What stopped workers cost, by the day of their stop; a file that was added to counts once.
WITH once AS (
  SELECT *, row_number() OVER (PARTITION BY task ORDER BY stopped DESC) AS copy FROM job_workers
)
SELECT
  day, workspace, analyst, session, bought, architecture,
  count(*) AS workers,
  sum(CASE WHEN lost THEN 1 ELSE 0 END) AS lost_workers,
  sum(CASE WHEN tagged THEN 0 ELSE 1 END) AS untagged_workers,
  sum(CASE WHEN usd IS NULL THEN 1 ELSE 0 END) AS unpriced_workers,
  sum(billed_seconds) / 3600 AS worker_hours,
  sum(billed_seconds * vcpu) / 3600 AS vcpu_hours,
  sum(billed_seconds * memory_gb) / 3600 AS gigabyte_hours,
  coalesce(sum(usd), 0) AS usd
FROM once
WHERE copy = 1
GROUP BY day, workspace, analyst, session, bought, architecture
