-- Each read and write of an object of the data bucket, and each that was refused.
SELECT time_dt, actor.user.uid AS who, api.operation,
  json_extract_scalar(api.request.data, '$.key') AS key,
  CAST(json_extract_scalar(unmapped['additionalEventData'], '$.bytesTransferredOut') AS double)
    AS bytes,
  src_endpoint.ip, api.response.error
FROM cloudtrail
WHERE eventday >= date_format(current_timestamp - INTERVAL '7' DAY, '%Y/%m/%d')
  AND time_dt > current_timestamp - INTERVAL '7' DAY
  AND metadata.product.feature.name = 'Data'
  AND json_extract_scalar(api.request.data, '$.bucketName') = '{bucket}'
ORDER BY time_dt DESC
