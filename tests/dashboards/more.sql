-- Marts of the later pages, made of the first ones by name: columns left out stay null. Tables exist, typed as in the contract.
insert into marts.fct_scans by name
select 'S' || shipment_id || '1' as scan_id, shipment_id, label_created_at as occurred_at, label_created_at as known_at,
    'label_created' as milestone, 'PRE' as status_code, 'Newark' as city, 'NJ' as region, 'US' as country
from marts.fct_shipments
union all by name
select 'S' || shipment_id || '2' as scan_id, shipment_id, accepted_at as occurred_at, accepted_at as known_at,
    'accepted' as milestone, 'ACC' as status_code from marts.fct_shipments where accepted_at is not null
union all by name
select 'S' || shipment_id || '3' as scan_id, shipment_id, delivered_at as occurred_at, delivered_at as known_at,
    'delivered' as milestone, 'DLV' as status_code from marts.fct_shipments where delivered_at is not null;

insert into marts.fct_notices by name
select 'N' || order_id as notice_id, order_id, shipment_id, 'shipped' as kind, accepted_at as sent_at
from marts.fct_shipments where accepted_at is not null;

insert into marts.fct_tickets by name
select 'T' || order_id as ticket_id, order_id, ordered_at + interval 5 day as created_at,
    cast(ordered_at + interval 5 day as date) as created_date, 'email' as channel,
    case when hash_of % 3 = 0 then 'delivery_problem' else 'wismo' end as topic,
    case when hash_of % 2 = 0 then 'stalled' else 'in_transit_past_promise' end as state_at_contact,
    hash_of % 5 = 0 as was_avoidable, case when hash_of % 5 = 0 then 30.0 end as hours_known_before,
    date_diff('day', promised_date, cast(ordered_at + interval 5 day as date))::integer as days_past_promise,
    false as is_after_as_of
from (select *, substr(order_id, 2)::bigint as hash_of from marts.fct_orders) where hash_of % 11 = 0;

insert into marts.fct_returns by name
select 'R' || order_id as return_id, order_id, ordered_at + interval 9 day as requested_at,
    ordered_at + interval 10 day as label_first_scan_at, ordered_at + interval 14 day as received_at,
    case when hash_of % 4 > 0 then ordered_at + interval 18 day end as refunded_at, 'closed' as status,
    case when hash_of % 4 > 0 then 'refund' end as outcome, 40.0 as refund_amount, 0.0 as retained_amount, 'USD' as currency
from (select *, substr(order_id, 2)::bigint as hash_of from marts.fct_orders) where hash_of % 13 = 0;

insert into marts.return_cohorts by name
select month as cohort, month || '-01' as cohort_month, 'SKU-' || n as sku, (80 + n)::integer as sold_lines,
    (4 + n * n)::integer as returned_lines, 100.0 * n as sold_amount, 20.0 * n as returned_amount, month < '2026-10' as is_mature,
    case when n < 4 then 'shoes' else 'shirts' end as category, (2 * n)::integer as bracketed_lines, n::integer as returned_bracketed_lines
from (values ('2026-08'), ('2026-09'), ('2026-10')) as m(month), range(7) as t(n);

insert into marts.return_rates by name
select cohort, cohort_month, scope, case scope when 'all' then 'all' when 'category' then category else 'one' end as scope_value,
    sum(sold_lines)::integer as orders, (sum(returned_lines) - 3)::integer as returned_orders, sum(sold_lines)::integer as sold_lines,
    sum(returned_lines)::integer as returned_lines, sum(sold_amount) as sold_amount, sum(returned_amount) as returned_amount,
    sum(returned_amount) / 4 as retained_amount, 3 as too_small_lines, 1 as too_large_lines, is_mature,
    case when is_mature then 1.0 else 0.5 end as asked_share
from marts.return_cohorts, (values ('all'), ('category'), ('variant'), ('channel'), ('region')) as s(scope)
group by all;

insert into marts.return_excess by name
select scope, replace(sku, 'SKU', upper(scope)) as item, any_value(category) as category, sum(sold_lines) as sold_lines,
    sum(returned_lines) as returned_lines, sum(returned_lines) / sum(sold_lines) as line_return_rate, 0.12 as category_rate,
    sum(returned_lines) - 0.12 * sum(sold_lines) as excess_lines, sum(returned_lines) / 10.0 as excess_spreads,
    case when sku = 'SKU-6' then 0.001 else 0.4 end as q_value, sku = 'SKU-6' as is_listed,
    cast(row_number() over (partition by scope order by sum(returned_lines) desc) as integer) as excess_rank,
    case when sku = 'SKU-5' then 9 else 1 end as too_small_lines, 2 as too_large_lines,
    case when sku = 'SKU-5' then 'too_small' end as size_direction
from marts.return_cohorts, (values ('sku'), ('product')) as s(scope) where is_mature group by scope, sku;

insert into marts.delivery_effects by name
select * from (values
    ('returned', 800, 120, 4000, 400, 0.15, 0.1, 1.5, 1.3, 1.1, 1.55, 0.9),
    ('repeat_purchase', 300, 40, 1500, 220, 0.133, 0.147, 0.91, 0.93, 0.8, 1.1, 0.8)
) as t(outcome, after_late, after_late_hits, after_in_time, after_in_time_hits, after_late_rate, after_in_time_rate, raw_ratio,
    adjusted_ratio, adjusted_ratio_low, adjusted_ratio_high, compared_share);

insert into marts.return_requests by name
select date '2026-08-03' + (7 * n)::integer as week, (30 + n)::integer as returns, 0.1 as return_request_ratio, 20 as refund_returns,
    6 as exchange_returns, 4 as store_credit_returns, 1 as rejected_returns, 2 as unused_labels, 1000.0 as returned_amount,
    300.0 as retained_amount, 0.3 as retained_revenue_rate, 2 as days_to_first_scan_p50, 6 as days_to_received_p50,
    case when n < 12 then 9 end as days_to_refunded_p50, case when n < 10 then 15 end as days_to_refunded_p90
from range(13) as t(n);

insert into marts.refund_watch by name
select case when n < 5 then 'received_not_refunded' else 'refund_over_paid' end as trouble, 'R' || n as return_id, 'O' || n as order_id,
    'token' as customer_token, timestamp '2026-10-01' as requested_at, timestamp '2026-10-09' as received_at,
    (20 + n)::integer as days_waiting, 10.5 * n as amount_at_stake, 40.0 as refund_amount, 35.0 as paid_amount, 'USD' as currency
from range(7) as t(n);

insert into marts.serial_returners by name
select 'token' || n as customer_token, 9 as orders, 20 as sold_lines, (12 + n)::integer as returned_lines, 0.6 as line_return_rate,
    0.45 as shrunk_return_rate, 0.3 + 0.01 * n as shrunk_return_rate_low, 0.1 as shop_return_rate, 4 as bracketed_lines,
    3 as returned_bracketed_lines
from range(3) as t(n);

insert into marts.wismo_drivers by name
select scope, value as scope_value, driver_rank::integer as driver_rank, 900 as orders_placed, 4000 as parcel_days_open,
    50 as wismo_tickets, 20 as delivery_problem_tickets, 5 as repeat_tickets, avoidable::integer as avoidable_tickets,
    avoidable * 6.0 as avoidable_cost, 55.5 as wismo_per_1000_orders, 12.5 as wismo_per_1000_parcels_open,
    31.0 as hours_known_before_p50, 0.5 as notice_deflection, avoidable / 2 as preventable_tickets, avoidable * 3.0 as preventable_cost
from (values ('carrier', 'usps', 1, 18), ('carrier', 'ups', 2, 7), ('state', 'stalled', 1, 25)) as t(scope, value, driver_rank, avoidable);

insert into marts.return_reasons by name
select '2026-08' as cohort, 'SKU-1' as sku, reason_group, fault as reason_fault, lines as returned_lines,
    1 as lines_after_delivery_failure, lines * 20.0 as returned_amount
from (values ('fit', 'merchant', 40), ('arrived_late', 'carrier', 9), ('changed_mind', 'recipient', 12)) as t(reason_group, fault, lines);

insert into marts.carrier_scorecard_rollup by name
select '4_weeks|2026-10-05' as period, '4_weeks' as period_kind, date '2026-10-05' as period_start, date '2026-11-02' as period_end,
    scope, clock, carrier, 'all' as service, 'all' as service_level, lane, due, on_time, on_time / due::double as on_time_rate,
    on_time / due::double - 0.02 as on_time_rate_low, on_time / due::double + 0.02 as on_time_rate_high, due < 30 as is_suppressed,
    0.7 as overlap, case when due > 100 then on_time / due::double + 0.01 end as adjusted_on_time_rate,
    on_time / due::double - 0.01 as adjusted_on_time_rate_low, on_time / due::double + 0.03 as adjusted_on_time_rate_high,
    (on_time + 9) / (due + 10.0) as shrunk_on_time_rate, 0.9 as funnel_centre, 1.4 as funnel_phi,
    0.9 - 0.6 / sqrt(due) as funnel_low_95, 1.0 as funnel_high_95, 0.9 - 0.9 / sqrt(due) as funnel_low_998, 1.0 as funnel_high_998
from (
    select 'carrier' as scope, carrier, 'all' as lane, sum(due)::integer as due, sum(on_time)::integer as on_time
    from marts.carrier_scorecard where week >= '2026-10-05' group by all
    union all
    select 'carrier_lane', carrier, lane, sum(due)::integer, sum(on_time)::integer
    from marts.carrier_scorecard where week >= '2026-10-05' group by all
), (values ('promise'), ('commitment')) as c(clock)
where due > 0;

insert into marts.carrier_differences by name
select '4_weeks' as period_kind, date '2026-10-05' as period_start, 'promise' as clock, 'all' as service_level,
    'ups' as carrier, 'usps' as other_carrier, false as is_tie, 'ups' as ahead;

insert into marts.delivery_transit_hours by name
select carrier, service, lane, week, round(transit_hours)::integer as transit_hour, count(*)::integer as delivered,
    0 as ended_otherwise, 0 as censored
from marts.fct_shipments where transit_hours is not null and is_first_delivery group by all;

insert into marts.delay_drivers by name
select lane, 'standard' as service_level, week, stage, parcels, (parcels * seconds)::bigint as stage_seconds,
    seconds / 86400.0 as mean_days, 0.5 as change_days, 0.2 as noise_days, stage = 'handover' as is_beyond_noise
from (select lane, week, count(*)::integer as parcels from marts.fct_shipments where week is not null group by all),
    (values ('processing', 43200), ('handover', 86400), ('linehaul', 172800), ('last_mile', 20000)) as s(stage, seconds);

insert into marts.carrier_claims by name
select 'late' as kind, carrier, service, tracking_number, order_id, 12.5 as amount, 'USD' as currency, 'two days late' as evidence,
    date '2026-11-10' as deadline, 7 as days_left, 'open' as status
from marts.fct_shipments where is_due and not is_on_time and carrier = 'ups' and week >= '2026-10-05';

insert into marts.lane_what_if by name
select date '2026-07-01' as period_start, 'promise' as clock, 'nj-1 > TX' as lane, 'standard' as service_level,
    'usps' as from_carrier, 'ups' as to_carrier, 120 as parcels_moved, 0.04 as on_time_rate_change,
    0.01 as on_time_rate_change_low, 0.07 as on_time_rate_change_high, 1.5 as cost_change_per_parcel;

insert into ops.settings values ('predictions.enabled', 'true');

insert into outlook.at_risk by name
select cast(row_number() over (order by shipment_id) as integer) as risk_rank, 'transit' as kind, shipment_id, order_id, carrier,
    service, lane, promised_date, date '2026-11-05' as p10_date, date '2026-11-07' as p50_date, date '2026-11-08' as p80_date,
    date '2026-11-09' as p90_date, 0.6 as miss_probability, 0.1 as presumed_lost_probability, 12.25 as expected_cost,
    12.0 as lead_hours, shipment_id like '%7' as is_missed, 'silent for longer than is usual here' as reasons, 'model' as basis,
    'm1' as model_id, timestamp '2026-11-03 09:00' as predicted_at
from marts.fct_shipments where end_milestone is null and not is_return and promised_date is not null;

insert into outlook.early_warnings by name
select 'lane' as scope, 'nj-1 > TX' as subject, date '2026-10-20' as since_day, date '2026-11-02' as newest_day, 8.0 as cusum,
    6.0 as threshold, 12 as delivered_since, 40.4 as expected_since, 43 as series_watched, 1.0 as false_alarms_per_quarter;

insert into outlook.model_performance by name
select 'transit' as kind, basis, week, outcomes, 0.9 + 0.1 * outcomes / 100 as mae_days, 2.1 as mae_days_promise,
    0.7 as within_one_day_rate, 0.78 as coverage_80, 3.1 as width_80_days, 0.11 as miss_rate, 0.12 as miss_probability_mean,
    0.08 as brier, week = '2026-10-12' and basis = 'model' as has_drifted
from (values ('model', 100), ('lane quantiles', 60)) as b(basis, outcomes),
    (values (date '2026-10-05'), (date '2026-10-12')) as w(week);

insert into outlook.promise_recommendation by name
select lane, days::integer as promise_days, 200 as orders, kept::integer as kept, kept / 200.0 as kept_rate,
    kept / 200.0 - 0.03 as kept_rate_low, kept / 200.0 + 0.02 as kept_rate_high, days = 4 as is_todays,
    days = 5 and lane <> 'nj-1 > CA' as is_recommended
from (select distinct lane from marts.fct_shipments where lane is not null), (values (4, 164), (5, 191)) as d(days, kept);
