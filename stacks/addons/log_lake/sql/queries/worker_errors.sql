-- What workers printed of errors in the last 24 hours.
SELECT DISTINCT time_dt, unmapped['workspace'] AS workspace, unmapped['log_stream'] AS log_stream,
  metadata.uid, message
FROM worker_logs
WHERE eventday >= date_format(current_timestamp - INTERVAL '25' HOUR, '%Y%m%d')
  AND time_dt > current_timestamp - INTERVAL '1' DAY
  AND regexp_like(message, 'ERROR|AccessDenied|Forbidden|Traceback')
ORDER BY time_dt DESC
