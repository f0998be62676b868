-- Sessions of 30 days that failed, lost workers, or waited more than ten minutes for one.
SELECT session, workspace, analyst, state, reason, started, launched, workers, lost_workers,
  longest_wait_seconds
FROM job_runs
WHERE started > current_timestamp - INTERVAL '30' DAY
  AND (state = 'failed' OR lost_workers > 0 OR longest_wait_seconds > 600)
ORDER BY started DESC, session
