-- Who did what to the objects of the data bucket, by its server access logs, in Athena.
-- Use them where the trail has no data events, or to check what the trail says.
-- S3 delivers these logs as well as it goes, mostly within hours: a line may be missing.
-- Parameters (?) are the beginning and the end of a window, as 2026-11-28T09:00:00Z; the last
-- query has what must stand in the requester before them. <log bucket> is the bucket of the
-- access logs, in the stack starburst-<env>-storage; <database> is one of your own.

-- name: the table
CREATE EXTERNAL TABLE IF NOT EXISTS <database>.starburst_access_logs (
  bucketowner string, bucket string, requestdatetime string, remoteip string, requester string,
  requestid string, operation string, key string, request_uri string, httpstatus string,
  errorcode string, bytessent string, objectsize string, totaltime string, turnaroundtime string,
  referrer string, useragent string, versionid string, hostid string, sigv string,
  ciphersuite string, authtype string, endpoint string, tlsversion string, accesspointarn string,
  aclrequired string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
WITH SERDEPROPERTIES (
  'input.regex' = '([^ ]*) ([^ ]*) \\[(.*?)\\] ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ("[^"]*"|-) (-|[0-9]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ("[^"]*"|-) ([^ ]*)(?: ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*)(?: ([^ ]*) ([^ ]*))?)?.*$'
)
LOCATION 's3://<log bucket>/';

-- name: who read what
SELECT requestdatetime, requester, remoteip, operation, key, try_cast(bytessent AS bigint) AS bytes,
  httpstatus, errorcode
FROM starburst_access_logs
WHERE (operation LIKE 'REST.GET.OBJECT%' OR operation LIKE 'REST.HEAD.OBJECT%'
    OR operation LIKE 'REST.COPY.%' OR operation LIKE 'REST.GET.BUCKET%')
  AND parse_datetime(requestdatetime, 'dd/MMM/yyyy:HH:mm:ss Z')
    BETWEEN from_iso8601_timestamp(?) AND from_iso8601_timestamp(?)
ORDER BY parse_datetime(requestdatetime, 'dd/MMM/yyyy:HH:mm:ss Z'), key;

-- name: what was downloaded, by whom
SELECT requester, remoteip, count(*) AS requests, count(DISTINCT key) AS objects,
  sum(try_cast(bytessent AS bigint)) AS bytes
FROM starburst_access_logs
WHERE operation = 'REST.GET.OBJECT' AND httpstatus IN ('200', '206')
  AND parse_datetime(requestdatetime, 'dd/MMM/yyyy:HH:mm:ss Z')
    BETWEEN from_iso8601_timestamp(?) AND from_iso8601_timestamp(?)
GROUP BY requester, remoteip
ORDER BY bytes DESC, requester, remoteip;

-- name: who was refused
SELECT requester, remoteip, operation, errorcode, count(*) AS requests
FROM starburst_access_logs
WHERE httpstatus IN ('401', '403')
  AND parse_datetime(requestdatetime, 'dd/MMM/yyyy:HH:mm:ss Z')
    BETWEEN from_iso8601_timestamp(?) AND from_iso8601_timestamp(?)
GROUP BY requester, remoteip, operation, errorcode
ORDER BY requests DESC, requester, remoteip;

-- name: what one of them downloaded
SELECT key, count(*) AS requests, max(try_cast(bytessent AS bigint)) AS bytes,
  min(requestdatetime) AS first_of_them
FROM starburst_access_logs
WHERE strpos(requester, ?) > 0 AND operation = 'REST.GET.OBJECT' AND httpstatus IN ('200', '206')
  AND parse_datetime(requestdatetime, 'dd/MMM/yyyy:HH:mm:ss Z')
    BETWEEN from_iso8601_timestamp(?) AND from_iso8601_timestamp(?)
GROUP BY key
ORDER BY key;
