-- What each caller downloaded in an hour, the most first, each read counted once.
SELECT hour, who, ip, count(*) AS reads, count(DISTINCT key) AS objects, sum(bytes) AS bytes
FROM (
  SELECT DISTINCT metadata.uid, date_trunc('hour', time_dt) AS hour, actor.user.uid AS who,
    src_endpoint.ip AS ip, json_extract_scalar(api.request.data, '$.key') AS key,
    CAST(json_extract_scalar(unmapped['additionalEventData'], '$.bytesTransferredOut') AS double)
      AS bytes
  FROM cloudtrail
  WHERE eventday >= date_format(current_timestamp - INTERVAL '7' DAY, '%Y/%m/%d')
    AND time_dt > current_timestamp - INTERVAL '7' DAY
    AND api.service.name = 's3.amazonaws.com' AND api.operation = 'GetObject'
    AND json_extract_scalar(api.request.data, '$.bucketName') = '{bucket}'
    AND api.response.error IS NULL
)
GROUP BY hour, who, ip
ORDER BY bytes DESC
