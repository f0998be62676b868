-- Who made or removed an instance of IAM Identity Center.
SELECT time_dt, cloud.account.uid AS account, api.operation, actor.user.uid AS who, src_endpoint.ip,
  api.response.error
FROM cloudtrail
WHERE eventday >= date_format(current_timestamp - INTERVAL '90' DAY, '%Y/%m/%d')
  AND time_dt > current_timestamp - INTERVAL '90' DAY
  AND api.service.name = 'sso.amazonaws.com'
  AND api.operation IN ('CreateInstance', 'DeleteInstance')
ORDER BY time_dt DESC
