-- Each session once: what the controller's record says beside what the events of its workers add up to.
WITH workers AS (
  SELECT *, row_number() OVER (PARTITION BY task ORDER BY stopped DESC) AS copy FROM job_workers
), measured AS (
  SELECT
    session, max(workspace) AS workspace, max(analyst) AS analyst, min(created) AS created,
    max(stopped) AS stopped, count(*) AS workers,
    sum(CASE WHEN lost THEN 1 ELSE 0 END) AS lost_workers,
    sum(CASE WHEN usd IS NULL THEN 1 ELSE 0 END) AS unpriced_workers,
    sum(billed_seconds) / 3600 AS worker_hours,
    coalesce(sum(usd), 0) AS usd,
    sum(CASE WHEN bought IN ('spot', 'spot-instance') THEN billed_seconds ELSE 0 END)
      / 3600 AS spot_hours,
    max(waited_seconds) AS longest_wait_seconds
  FROM workers
  WHERE copy = 1
  GROUP BY session
), records AS (
  SELECT *, row_number() OVER (PARTITION BY session ORDER BY ended DESC) AS copy FROM job_sessions
), ended AS (
  SELECT * FROM records WHERE copy = 1
)
SELECT
  coalesce(ended.session, measured.session) AS session,
  coalesce(ended.workspace, measured.workspace) AS workspace,
  coalesce(ended.analyst, measured.analyst) AS analyst,
  coalesce(ended.state, 'no record') AS state,
  ended.reason AS reason,
  CAST(from_unixtime(coalesce(ended.started, measured.created, measured.stopped) / 1000)
    AS timestamp(3)) AS started,
  CAST(from_unixtime(coalesce(ended.ended, measured.stopped) / 1000) AS timestamp(3)) AS stopped,
  coalesce(ended.launched, 0) AS launched,
  coalesce(measured.workers, 0) AS workers,
  coalesce(measured.lost_workers, 0) AS lost_workers,
  coalesce(measured.unpriced_workers, 0) AS unpriced_workers,
  coalesce(measured.worker_hours, 0) AS worker_hours,
  coalesce(measured.spot_hours, 0) AS spot_hours,
  measured.longest_wait_seconds AS longest_wait_seconds,
  coalesce(measured.usd, 0) AS usd,
  ended.worker_seconds / 3600 AS recorded_worker_hours,
  ended.usd AS recorded_usd
FROM ended
FULL OUTER JOIN measured ON measured.session = ended.session
