-- Where the controller's records and the events of workers differ by more than a cent.
SELECT session, workspace, analyst, state, launched, workers,
  round(usd, 4) AS usd, round(recorded_usd, 4) AS recorded_usd,
  round(usd - recorded_usd, 4) AS difference,
  CASE
    WHEN workers < launched THEN 'events of some workers are not there: before the add-on, or on their way'
    WHEN unpriced_workers > 0 THEN 'a rate was not known'
    ELSE 'the controller counts by what it saw last: ECS forgot a worker before it looked'
  END AS why
FROM job_runs
WHERE recorded_usd IS NOT NULL AND abs(usd - recorded_usd) > 0.01
ORDER BY abs(usd - recorded_usd) DESC, session
