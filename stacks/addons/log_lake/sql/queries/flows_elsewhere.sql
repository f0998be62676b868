-- What left for neither the VPC nor S3 in the last 24 hours, or tried to, each flow counted once.
SELECT src_ip, dst_ip, dst_port, status_code, count(*) AS flows, sum(bytes) AS bytes
FROM (
  SELECT DISTINCT metadata.uid, src_endpoint.ip AS src_ip, dst_endpoint.ip AS dst_ip,
    dst_endpoint.port AS dst_port, status_code, traffic.bytes AS bytes
  FROM vpc_flow
  WHERE eventday >= date_format(current_timestamp - INTERVAL '25' HOUR, '%Y%m%d')
    AND time_dt > current_timestamp - INTERVAL '1' DAY AND connection_info.direction_id = 2
    AND coalesce(unmapped['pkt_dst_aws_service'], '') <> 'S3'
    AND NOT coalesce(contains('{vpc}', TRY_CAST(dst_endpoint.ip AS IPADDRESS)), FALSE)
)
GROUP BY src_ip, dst_ip, dst_port, status_code
ORDER BY bytes DESC
