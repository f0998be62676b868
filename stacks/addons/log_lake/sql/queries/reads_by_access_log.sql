-- What S3's own log says of reads, each counted once: the second witness beside the trail.
SELECT who, ip, count(*) AS reads, sum(bytes) AS bytes, min(time_dt) AS first, max(time_dt) AS last
FROM (
  SELECT DISTINCT api.request.uid, actor.user.uid AS who, src_endpoint.ip AS ip, time_dt,
    CAST(unmapped['bytessent'] AS bigint) AS bytes
  FROM s3_access
  WHERE time_dt > current_timestamp - INTERVAL '7' DAY
    AND regexp_like(api.operation, '\.GET\.OBJECT$')
)
GROUP BY who, ip
ORDER BY bytes DESC
