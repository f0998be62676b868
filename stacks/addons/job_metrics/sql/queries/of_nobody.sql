-- Workers that do not say whose they are: somebody started them past the controller.
SELECT task, session, stopped, bought, vcpu, memory_gb, billed_seconds, usd
FROM job_workers
WHERE NOT tagged
ORDER BY stopped DESC
