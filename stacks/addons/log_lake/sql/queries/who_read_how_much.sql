-- What each caller downloaded in an hour, the most first.
SELECT date_trunc('hour', time_dt) AS hour, actor.user.uid AS who, src_endpoint.ip,
  count(*) AS reads,
  count(DISTINCT json_extract_scalar(api.request.data, '$.key')) AS objects,
  sum(CAST(json_extract_scalar(unmapped['additionalEventData'], '$.bytesTransferredOut') AS double))
    AS bytes
FROM cloudtrail
WHERE eventday >= date_format(current_timestamp - INTERVAL '7' DAY, '%Y/%m/%d')
  AND time_dt > current_timestamp - INTERVAL '7' DAY
  AND api.service.name = 's3.amazonaws.com' AND api.operation = 'GetObject'
  AND json_extract_scalar(api.request.data, '$.bucketName') = '{bucket}'
  AND api.response.error IS NULL
GROUP BY 1, 2, 3
ORDER BY bytes DESC
