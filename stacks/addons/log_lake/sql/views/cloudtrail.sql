-- API Activity (6003) of the trail's own files, read in place.
SELECT
  CASE
    WHEN regexp_like(eventname, '^(BatchGet|Describe|Get|Head|List|Lookup|Search|Select)') THEN 2
    WHEN regexp_like(eventname, '^(Allocate|Create|Import|Register|Run|Start)') THEN 1
    WHEN regexp_like(eventname, '^(Delete|Deregister|Disable|Remove|Stop|Terminate)') THEN 4
    WHEN regexp_like(eventname, '^(Attach|Enable|Modify|Put|Replace|Set|Update)') THEN 3
    ELSE 99
  END AS activity_id,
  6 AS category_uid,
  6003 AS class_uid,
  CASE WHEN errorcode IS NULL THEN 1 ELSE 2 END AS severity_id,
  eventname AS activity_name,
  'Application Activity' AS category_name,
  'API Activity' AS class_name,
  CASE WHEN errorcode IS NULL THEN 'Informational' ELSE 'Low' END AS severity,
  CAST(
    CASE
      WHEN regexp_like(eventname, '^(BatchGet|Describe|Get|Head|List|Lookup|Search|Select)')
        THEN 600302
      WHEN regexp_like(eventname, '^(Allocate|Create|Import|Register|Run|Start)') THEN 600301
      WHEN regexp_like(eventname, '^(Delete|Deregister|Disable|Remove|Stop|Terminate)')
        THEN 600304
      WHEN regexp_like(eventname, '^(Attach|Enable|Modify|Put|Replace|Set|Update)') THEN 600303
      ELSE 600399
    END AS bigint
  ) AS type_uid,
  CAST(to_unixtime(date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ')) * 1000 AS bigint) AS "time",
  MAP(
    ARRAY['additionalEventData', 'readOnly', 'serviceEventDetails', 'sharedEventID'],
    ARRAY[additionaleventdata, readonly, serviceeventdetails, sharedeventid]
  ) AS unmapped,
  CAST(date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ') AS timestamp(3)) AS time_dt,
  CASE WHEN errorcode IS NULL THEN 'Success' ELSE 'Failure' END AS status,
  CASE WHEN errorcode IS NULL THEN 1 ELSE 2 END AS status_id,
  CAST(
    ROW(
      eventid, '1.1.0', ARRAY['cloud', 'datetime'], 'CloudTrail', eventtype,
      ROW('CloudTrail', 'AWS', ROW(eventcategory))
    ) AS ROW(
      uid varchar, version varchar, profiles array(varchar), log_name varchar, event_code varchar,
      product ROW(name varchar, vendor_name varchar, feature ROW(name varchar))
    )
  ) AS metadata,
  CAST(
    ROW('AWS', awsregion, ROW(recipientaccountid))
    AS ROW(provider varchar, region varchar, account ROW(uid varchar))
  ) AS cloud,
  CAST(
    ROW(
      eventname, apiversion, ROW(eventsource),
      ROW(coalesce(requestid, eventid), requestparameters),
      ROW(errorcode, errormessage, responseelements)
    ) AS ROW(
      operation varchar, version varchar, service ROW(name varchar),
      request ROW(uid varchar, data varchar),
      response ROW(error varchar, message varchar, data varchar)
    )
  ) AS api,
  CAST(
    ROW(
      ROW(
        useridentity.type,
        nullif(useridentity.arn, ''),
        nullif(useridentity.principalid, ''),
        coalesce(
          nullif(useridentity.username, ''),
          nullif(useridentity.sessioncontext.sessionissuer.username, ''),
          nullif(useridentity.invokedby, ''),
          'unknown'
        ),
        nullif(useridentity.accesskeyid, ''),
        CASE
          WHEN nullif(useridentity.accountid, '') IS NOT NULL THEN ROW(useridentity.accountid)
        END
      ),
      ROW(
        useridentity.sessioncontext.sessionissuer.arn,
        useridentity.sessioncontext.attributes.mfaauthenticated = 'true'
      ),
      useridentity.invokedby
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
      CASE WHEN regexp_like(sourceipaddress, '^[0-9a-fA-F.:]+$') THEN sourceipaddress END,
      CASE WHEN NOT regexp_like(sourceipaddress, '^[0-9a-fA-F.:]+$') THEN sourceipaddress END,
      vpcendpointid
    ) AS ROW(ip varchar, svc_name varchar, uid varchar)
  ) AS src_endpoint,
  CAST(ROW(useragent) AS ROW(user_agent varchar)) AS http_request,
  CAST(
    transform(
      filter(resources, one -> one.arn IS NOT NULL), one -> ROW(one.arn, one.type)
    ) AS array(ROW(uid varchar, type varchar))
  ) AS resources,
  region,
  accountid,
  eventday
FROM trail_files
