-- Network Activity (4001) of the VPC's flow logs.
SELECT
  activity_id, category_uid, class_uid, severity_id, activity_name, category_name, class_name,
  severity, type_uid, "time", metadata, cloud, unmapped, start_time, end_time, status, status_id,
  status_code, action_id, action, src_endpoint, dst_endpoint, connection_info, traffic,
  CAST(from_unixtime("time" / 1000) AS timestamp(3)) AS time_dt,
  CAST(from_unixtime(start_time / 1000) AS timestamp(3)) AS start_time_dt,
  CAST(from_unixtime(end_time / 1000) AS timestamp(3)) AS end_time_dt,
  region, accountid, eventday
FROM flows
