-- Application Lifecycle (6002): a session, its stopped workers each counted once.
WITH once AS (
  SELECT
    app.uid AS session, metadata.uid AS task, arbitrary(app) AS app, arbitrary(cloud) AS cloud,
    min(start_time) AS start_time, max(end_time) AS end_time,
    max(unmapped['user']) AS person, max(unmapped['workspace']) AS workspace,
    max(CAST(unmapped['vcpu_seconds'] AS double)) AS vcpu_seconds,
    max(CAST(unmapped['gigabyte_seconds'] AS double)) AS gigabyte_seconds,
    max(region) AS region, max(accountid) AS accountid, max(eventday) AS eventday
  FROM tasks
  GROUP BY app.uid, metadata.uid
)
SELECT
  4 AS activity_id,
  6 AS category_uid,
  6002 AS class_uid,
  1 AS severity_id,
  'Stop' AS activity_name,
  'Application Activity' AS category_name,
  'Application Lifecycle' AS class_name,
  'Informational' AS severity,
  CAST(600204 AS bigint) AS type_uid,
  max(end_time) AS "time",
  CAST(
    ROW(
      session, '1.1.0', ARRAY['cloud', 'datetime'], 'aws.ecs',
      ROW('Starburst', 'Starburst', ROW('Session'))
    ) AS ROW(
      uid varchar, version varchar, profiles array(varchar), log_name varchar,
      product ROW(name varchar, vendor_name varchar, feature ROW(name varchar))
    )
  ) AS metadata,
  arbitrary(cloud) AS cloud,
  MAP(
    ARRAY['user', 'workspace', 'vcpu_hours', 'gigabyte_hours'],
    ARRAY[
      max(person), max(workspace),
      CAST(round(sum(vcpu_seconds) / 3600, 4) AS varchar),
      CAST(round(sum(gigabyte_seconds) / 3600, 4) AS varchar)
    ]
  ) AS unmapped,
  min(start_time) AS start_time,
  max(end_time) AS end_time,
  max(end_time) - min(start_time) AS duration,
  CAST(count(*) AS varchar) || ' workers' AS message,
  arbitrary(app) AS app,
  CAST(count(*) AS integer) AS "count",
  CAST(from_unixtime(max(end_time) / 1000) AS timestamp(3)) AS time_dt,
  max(region) AS region,
  max(accountid) AS accountid,
  max(eventday) AS eventday
FROM once
GROUP BY session
