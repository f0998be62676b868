-- Base Event (0) of what workers print.
SELECT
  activity_id, category_uid, class_uid, severity_id, activity_name, category_name, class_name,
  severity, type_uid, "time", metadata, cloud, unmapped, message,
  CAST(from_unixtime("time" / 1000) AS timestamp(3)) AS time_dt,
  region, accountid, eventday
FROM lines
