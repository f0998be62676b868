-- What each workspace cost, by month.
SELECT substr(day, 1, 7) AS month, workspace, sum(workers) AS workers,
  round(sum(worker_hours), 2) AS worker_hours, round(sum(usd), 2) AS usd,
  sum(untagged_workers) AS untagged_workers, sum(unpriced_workers) AS unpriced_workers
FROM job_costs
GROUP BY 1, 2
ORDER BY month DESC, usd DESC, workspace
