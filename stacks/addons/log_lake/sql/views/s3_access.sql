-- API Activity (6003) of S3's own access logs of the data bucket, read in place.
SELECT
  CASE
    WHEN regexp_like(operation, '\.(GET|HEAD)\.') THEN 2
    WHEN regexp_like(operation, '\.PUT\.') THEN 3
    WHEN regexp_like(operation, '\.DELETE\.') THEN 4
    ELSE 99
  END AS activity_id,
  6 AS category_uid,
  6003 AS class_uid,
  CASE WHEN errorcode = '-' THEN 1 ELSE 2 END AS severity_id,
  operation AS activity_name,
  'Application Activity' AS category_name,
  'API Activity' AS class_name,
  CASE WHEN errorcode = '-' THEN 'Informational' ELSE 'Low' END AS severity,
  CAST(
    CASE
      WHEN regexp_like(operation, '\.(GET|HEAD)\.') THEN 600302
      WHEN regexp_like(operation, '\.PUT\.') THEN 600303
      WHEN regexp_like(operation, '\.DELETE\.') THEN 600304
      ELSE 600399
    END AS bigint
  ) AS type_uid,
  CAST(to_unixtime(date_parse(requestdatetime, '%d/%b/%Y:%H:%i:%s +0000')) * 1000 AS bigint)
    AS "time",
  MAP(
    ARRAY['authtype', 'bytessent', 'httpstatus', 'request_uri', 'tlsversion'],
    ARRAY[authtype, nullif(bytessent, '-'), httpstatus, request_uri, tlsversion]
  ) AS unmapped,
  CAST(date_parse(requestdatetime, '%d/%b/%Y:%H:%i:%s +0000') AS timestamp(3)) AS time_dt,
  CASE WHEN errorcode = '-' THEN 'Success' ELSE 'Failure' END AS status,
  CASE WHEN errorcode = '-' THEN 1 ELSE 2 END AS status_id,
  CAST(
    ROW(
      requestid, '1.1.0', ARRAY['cloud', 'datetime'], 'S3 server access log', 'S3ServerAccess',
      ROW('Amazon S3', 'AWS', ROW('Access'))
    ) AS ROW(
      uid varchar, version varchar, profiles array(varchar), log_name varchar, event_code varchar,
      product ROW(name varchar, vendor_name varchar, feature ROW(name varchar))
    )
  ) AS metadata,
  CAST(
    ROW('AWS', CAST(NULL AS varchar), CAST(NULL AS ROW(uid varchar)))
    AS ROW(provider varchar, region varchar, account ROW(uid varchar))
  ) AS cloud,
  CAST(
    ROW(
      operation, CAST(NULL AS varchar), ROW('s3.amazonaws.com'),
      ROW(requestid, nullif(key, '-')),
      ROW(nullif(errorcode, '-'), CAST(NULL AS varchar), CAST(NULL AS varchar))
    ) AS ROW(
      operation varchar, version varchar, service ROW(name varchar),
      request ROW(uid varchar, data varchar),
      response ROW(error varchar, message varchar, data varchar)
    )
  ) AS api,
  CAST(
    ROW(
      ROW(
        CASE WHEN requester = '-' THEN 'Anonymous' END,
        nullif(requester, '-'),
        CAST(NULL AS varchar),
        CASE WHEN requester = '-' THEN 'anonymous' END,
        CAST(NULL AS varchar),
        CAST(NULL AS ROW(uid varchar))
      ),
      CAST(NULL AS ROW(issuer varchar, is_mfa boolean)),
      CAST(NULL AS varchar)
    ) AS ROW(
      "user" ROW(
        type varchar, uid varchar, uid_alt varchar, name varchar, credential_uid varchar,
        account ROW(uid varchar)
      ),
      session ROW(issuer varchar, is_mfa boolean),
      invoked_by varchar
    )
  ) AS actor,
  CAST(
    ROW(
      nullif(remoteip, '-'),
      CASE WHEN remoteip = '-' THEN 'AWS' END,
      CAST(NULL AS varchar)
    ) AS ROW(ip varchar, svc_name varchar, uid varchar)
  ) AS src_endpoint,
  CAST(ROW(useragent) AS ROW(user_agent varchar)) AS http_request,
  CAST(
    ARRAY[ROW('arn:aws:s3:::' || bucket_name || '/' || key, 'AWS::S3::Object')]
    AS array(ROW(uid varchar, type varchar))
  ) AS resources
FROM access_log_lines
WHERE requestid IS NOT NULL
