-- What S3's own log says of reads: the second witness beside the trail.
SELECT actor.user.uid AS who, src_endpoint.ip, count(DISTINCT api.request.uid) AS reads,
  sum(CAST(unmapped['bytessent'] AS bigint)) AS bytes, min(time_dt) AS first, max(time_dt) AS last
FROM s3_access
WHERE time_dt > current_timestamp - INTERVAL '7' DAY
  AND regexp_like(api.operation, '\.GET\.OBJECT$')
GROUP BY 1, 2
ORDER BY bytes DESC
