-- Calls that AWS refused in the last 24 hours: what failed authentication looks like.
SELECT time_dt, actor.user.uid AS who, actor.user.name, api.service.name AS service, api.operation,
  api.response.error, src_endpoint.ip
FROM cloudtrail
WHERE eventday >= date_format(current_timestamp - INTERVAL '1' DAY, '%Y/%m/%d')
  AND time_dt > current_timestamp - INTERVAL '1' DAY
  AND regexp_like(
    api.response.error,
    'AccessDenied|Unauthorized|Forbidden|InvalidClientToken|SignatureDoesNot|ExpiredToken'
  )
ORDER BY time_dt DESC
