-- Each worker of last month at list price beside the bill (Cost and Usage Report 2.0).
WITH billed AS (
  SELECT line_item_resource_id AS task,
    sum(CASE
      WHEN line_item_line_item_type = 'SavingsPlanCoveredUsage'
        THEN savings_plan_savings_plan_effective_cost
      ELSE line_item_unblended_cost
    END) AS usd,
    sum(CASE
      WHEN line_item_line_item_type IN ('Usage', 'SavingsPlanCoveredUsage')
        THEN pricing_public_on_demand_cost
    END) AS on_demand,
    max(CASE WHEN line_item_currency_code <> 'USD' THEN line_item_currency_code END) AS currency
  FROM {bill}
  WHERE bill_billing_period_start_date = date_trunc('month', {now}) - INTERVAL '1' MONTH
    AND line_item_line_item_type NOT IN ('SavingsPlanNegation', 'Tax')
    AND line_item_resource_id LIKE '%:task/{cluster}/%'
  GROUP BY line_item_resource_id
), in_usd AS (
  SELECT task, currency, CASE WHEN currency IS NULL THEN usd END AS billed_usd,
    CASE WHEN currency IS NULL THEN on_demand END AS on_demand_usd
  FROM billed
), once AS (
  SELECT *, row_number() OVER (PARTITION BY task ORDER BY stopped DESC) AS copy FROM job_workers
), counted AS (
  SELECT task, workspace, analyst, session, bought, usd
  FROM once
  WHERE copy = 1 AND substr(day, 1, 7)
    = substr(CAST(date_trunc('month', {now}) - INTERVAL '1' DAY AS varchar), 1, 7)
)
SELECT coalesce(counted.task, in_usd.task) AS task,
  coalesce(workspace, 'untagged') AS workspace, coalesce(analyst, 'untagged') AS analyst,
  session, bought, round(usd, 6) AS list_usd, round(billed_usd, 6) AS billed_usd,
  round(on_demand_usd, 6) AS on_demand_usd,
  CASE
    WHEN in_usd.task IS NULL AND bought IN ('instance', 'spot-instance')
      THEN 'on an instance: the bill has instances, and not the workers on them'
    WHEN in_usd.task IS NULL THEN 'not in the bill: of another month, or the report is not final'
    WHEN counted.task IS NULL THEN 'in the bill alone: it stopped in another month, or before the add-on'
    WHEN currency IS NOT NULL THEN 'billed in ' || currency || ', which is not compared with US dollars'
    WHEN usd IS NULL THEN 'a rate was not known'
    WHEN bought IN ('spot', 'spot-instance') THEN 'Spot: counted at a fixed share, billed at the price of its hour'
    WHEN abs(usd - billed_usd) <= 0.01 * usd THEN 'alike'
    WHEN abs(usd - on_demand_usd) <= 0.01 * usd THEN 'a discount, a credit or a Savings Plan'
    ELSE 'it ran over the end of a month, or list price has changed'
  END AS why
FROM counted
FULL OUTER JOIN in_usd ON in_usd.task = counted.task
ORDER BY abs(coalesce(usd, 0) - coalesce(billed_usd, 0)) DESC, 1
