-- What somebody made or opened in the last 24 hours.
SELECT time_dt, actor.user.uid AS who, api.service.name AS service, api.operation, cloud.region,
  src_endpoint.ip, api.response.error, api.request.data
FROM cloudtrail
WHERE eventday >= date_format(current_timestamp - INTERVAL '1' DAY, '%Y/%m/%d')
  AND time_dt > current_timestamp - INTERVAL '1' DAY
  AND metadata.product.feature.name = 'Management'
  AND regexp_like(
    api.operation, '^(Add|Allocate|Attach|Authorize|Copy|Create|Import|Put|Register|Run|Start)'
  )
ORDER BY time_dt DESC
