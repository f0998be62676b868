-- What each analyst cost, by month.
SELECT substr(day, 1, 7) AS month, workspace, analyst, count(DISTINCT session) AS sessions,
  sum(workers) AS workers, round(sum(worker_hours), 2) AS worker_hours, round(sum(usd), 2) AS usd
FROM job_costs
GROUP BY 1, 2, 3
ORDER BY month DESC, usd DESC, workspace, analyst
