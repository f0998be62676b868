-- Traffic that groups or ACLs refused in the last 24 hours, each flow counted once.
SELECT src_ip, dst_ip, dst_port, count(*) AS flows, sum(bytes) AS bytes
FROM (
  SELECT DISTINCT metadata.uid, src_endpoint.ip AS src_ip, dst_endpoint.ip AS dst_ip,
    dst_endpoint.port AS dst_port, traffic.bytes AS bytes
  FROM vpc_flow
  WHERE eventday >= date_format(current_timestamp - INTERVAL '25' HOUR, '%Y%m%d')
    AND time_dt > current_timestamp - INTERVAL '1' DAY AND status_code = 'REJECT'
)
GROUP BY src_ip, dst_ip, dst_port
ORDER BY flows DESC
