-- Reads of the data bucket from outside the trusted networks and the VPC's endpoint.
SELECT time_dt, actor.user.uid AS who, api.operation, src_endpoint.ip, src_endpoint.uid AS endpoint,
  json_extract_scalar(api.request.data, '$.key') AS key, api.response.error
FROM cloudtrail
WHERE eventday >= date_format(current_timestamp - INTERVAL '7' DAY, '%Y/%m/%d')
  AND time_dt > current_timestamp - INTERVAL '7' DAY
  AND metadata.product.feature.name = 'Data'
  AND json_extract_scalar(api.request.data, '$.bucketName') = '{bucket}'
  AND actor.user.type <> 'AWSService'
  AND src_endpoint.ip IS NOT NULL
  AND (src_endpoint.uid IS NULL OR src_endpoint.uid <> '{endpoint}')
  AND NOT ({trusted})
ORDER BY time_dt DESC
