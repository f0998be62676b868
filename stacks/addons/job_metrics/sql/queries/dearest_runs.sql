-- The hundred sessions that cost most in 30 days.
SELECT session, workspace, analyst, state, started, workers, lost_workers,
  round(worker_hours, 2) AS worker_hours, round(usd, 2) AS usd
FROM job_runs
WHERE started > current_timestamp - INTERVAL '30' DAY
ORDER BY job_runs.usd DESC, session
LIMIT 100
