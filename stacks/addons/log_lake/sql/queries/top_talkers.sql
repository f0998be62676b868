-- Who sent most in the last 24 hours, and to which service of AWS, each flow counted once.
SELECT src_uid, src_ip, service, count(*) AS flows, sum(bytes) AS bytes
FROM (
  SELECT DISTINCT metadata.uid, src_endpoint.interface_uid AS src_uid, src_endpoint.ip AS src_ip,
    coalesce(unmapped['pkt_dst_aws_service'], '') AS service, traffic.bytes AS bytes
  FROM vpc_flow
  WHERE eventday >= date_format(current_timestamp - INTERVAL '25' HOUR, '%Y%m%d')
    AND time_dt > current_timestamp - INTERVAL '1' DAY AND status_code = 'ACCEPT'
    AND connection_info.direction_id = 2
)
GROUP BY src_uid, src_ip, service
ORDER BY bytes DESC
