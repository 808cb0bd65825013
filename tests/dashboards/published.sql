-- A fabricated published file: one shop, 21 weeks, six kinds of service, the schema of the marts and ops tables that
-- the pages read. The same rows every time, whatever the engine's version: chance comes from md5.
-- Bound: $published_at TIMESTAMP (UTC). The clock, as_of, is Tuesday 2026-11-03 09:00 UTC.
create schema marts;
create schema ops;
create schema outlook;

create macro chance(i, salt) as (('0x' || substr(md5(i || salt), 1, 8))::bigint / 4294967296.0);
create macro hours(h) as (to_seconds(cast(round((h) * 3600) as bigint)));
create macro monday(t) as (cast(date_trunc('week', t) as date));
create macro as_of() as (timestamp '2026-11-03 09:00:00');
create macro local(t) as (timezone('America/New_York', timezone('UTC', t)));

create table made as
with parcel as (
    select
        i,
        timestamp '2026-06-08 05:00:00' + hours(i * 148.0 * 24 / 6600 + chance(i, 'minute') * 3) as ordered_at,
        chance(i, 'service') as s,
        chance(i, 'lane') as l,
        chance(i, 'origin') as o,
        chance(i, 'luck') as luck
    from range(6600) as t(i)
), dressed as (
    select
        *,
        case when s < .36 then 'ups' when s < .58 then 'fedex' when s < .78 then 'usps' when s < .90 then 'dhl'
             when s < .95 then 'ups' when s < .99 then 'ontrac' else 'veho' end as carrier,
        case when s < .36 then 'ground' when s < .58 then 'home_delivery' when s < .78 then 'priority'
             when s < .90 then 'express' when s < .95 then '2nd_day' when s < .99 then 'ground' else 'next_day' end
             as service,
        case when o < .7 then 'nj-1' else 'ca-2' end as origin_node,
        case when l < .28 then 'NY' when l < .5 then 'CA' when l < .7 then 'TX' when l < .86 then 'FL'
             when l < .95 then 'WA' else 'AK' end as destination_region,
        luck < .01 and ordered_at < timestamp '2026-10-20' as never_shipped,
        luck between .01 and .016 as is_lost
    from parcel
), moved as (
    select
        *,
        ordered_at + hours(4 + chance(i, 'pick') * 20) as label_at,
        ordered_at + hours(10 + chance(i, 'pick') * 20 + chance(i, 'hand') * 18) as scanned_at,
        case service when 'next_day' then 20 when '2nd_day' then 40 when 'express' then 44 when 'priority' then 62
                     when 'home_delivery' then 70 else 84 end
            * (0.75 + chance(i, 'speed') * 0.5)
            + case when destination_region = 'AK' then 40 else 0 end
            + case when carrier = 'usps' and chance(i, 'slow') < .14 then 60 else 0 end
            + case when carrier = 'ups' and ordered_at between '2026-09-14' and '2026-09-28' then 26 else 0 end
            + case when chance(i, 'snag') < .05 then 72 else 0 end as transit
    from dressed
)
select
    *,
    scanned_at + hours(transit) as arrived_at,
    cast(local(ordered_at) as date) + case service when 'next_day' then 3 when '2nd_day' then 4 when 'express' then 4
        when 'priority' then 6 else 7 end as promised_date,
    cast(local(scanned_at) as date) + case service when 'next_day' then 1 when '2nd_day' then 2 when 'express' then 3
        when 'priority' then 4 else 5 end as committed_date
from moved;

create table marts.fct_shipments as
with clocked as (
    select
        *,
        not never_shipped and scanned_at < as_of() as entered,
        not never_shipped and not is_lost and arrived_at < as_of() as arrived,
        is_lost and scanned_at + interval 20 day < as_of() as gone
    from made
    where ordered_at < as_of()
)
select
    'demo' as shop,
    case when i % 7 = 0 then 'three_pl' else 'exports' end as source,
    'P' || lpad(i::varchar, 6, '0') as shipment_id,
    'O' || lpad(i::varchar, 6, '0') as order_id,
    carrier,
    service,
    service as service_level,
    'TRK' || lpad(i::varchar, 8, '0') as tracking_number,
    origin_node,
    origin_node as origin_region,
    destination_region,
    origin_node || ' > ' || destination_region as lane,
    promised_date,
    committed_date,
    label_at as label_created_at,
    case when entered then scanned_at end as accepted_at,
    case when arrived then arrived_at end as first_attempt_at,
    case when arrived then arrived_at end as delivered_at,
    case when arrived then local(arrived_at) end as delivered_local,
    case when arrived then arrived_at when gone then scanned_at + interval 20 day end as ended_at,
    case when arrived then 'delivered' when gone then 'lost' end as end_milestone,
    case when arrived then 'delivered' when gone then 'lost' when entered then 'in_transit'
         else 'label_created' end as last_milestone,
    case when arrived then arrived_at when entered then least(as_of(), scanned_at + interval 1 day)
         else label_at end as last_scan_at,
    case when arrived then 1 + (chance(i, 'try') < .08)::int else 0 end as attempts,
    case when entered then date_diff('minute', label_at, scanned_at) / 60.0 end as acceptance_lag_hours,
    case when arrived then transit end as transit_hours,
    false as is_cancelled,
    i % 97 = 0 as is_return,
    case when i % 89 = 0 then 'TRK0' end as replaces_shipment_id,
    i % 97 > 0 and i % 89 > 0 as is_first_delivery,
    entered and not arrived and not gone as is_open,
    monday(local(case when entered then scanned_at else label_at end)) as week,
    not entered as is_ready_week,
    promised_date < cast(local(as_of()) as date) as is_due,
    arrived and cast(local(arrived_at) as date) <= promised_date as is_on_time,
    entered and committed_date < cast(local(as_of()) as date) as is_due_commitment,
    arrived and cast(local(arrived_at) as date) <= committed_date as is_on_time_commitment,
    case when promised_date >= cast(local(as_of()) as date)
              or (arrived and cast(local(arrived_at) as date) <= promised_date) then null
         when never_shipped or chance(i, 'hand') > .8 then 'merchant'
         when chance(i, 'fault') < .08 then 'weather' when chance(i, 'fault') < .14 then 'recipient'
         else 'carrier' end as lateness_fault
from clocked;
update marts.fct_shipments set is_on_time = null where not is_due;
update marts.fct_shipments set is_on_time_commitment = null where not is_due_commitment;
-- what a vendor may send: markup in the number of the parcel that heads every list
update marts.fct_shipments set tracking_number = '<b>TRK</b>![x](http://example.com/x.png)' 
where shipment_id = (select min(shipment_id) from marts.fct_shipments where is_due and end_milestone is null and is_first_delivery);

create table marts.carrier_scorecard as
with counted as (
    select
        shop, carrier, service, lane, origin_node, destination_region,
        week,
        is_ready_week,
        count(accepted_at)::int as entered,
        count_if(is_due)::int as due,
        count_if(is_due and is_on_time)::int as on_time,
        count_if(is_due_commitment)::int as due_commitment,
        count_if(is_due_commitment and is_on_time_commitment)::int as on_time_commitment,
        count(delivered_at)::int as delivered,
        count_if(is_open)::int as open,
        count_if(end_milestone = 'lost')::int as ended_otherwise,
        count_if(is_due and end_milestone is null)::int as overdue,
        count(first_attempt_at)::int as attempted,
        count_if(attempts = 1)::int as first_attempt_delivered,
        count_if(is_due and not is_on_time)::int as exceptions,
        count_if(end_milestone = 'lost')::int as lost,
        0 as damaged,
        0 as returned_to_sender,
        count_if(lateness_fault = 'merchant')::int as late_merchant,
        count_if(lateness_fault = 'carrier')::int as late_carrier,
        count_if(lateness_fault = 'customs')::int as late_customs,
        count_if(lateness_fault = 'recipient')::int as late_recipient,
        count_if(lateness_fault = 'weather')::int as late_weather,
        0 as late_unknown,
        median(transit_hours) as delivered_transit_hours_p50,
        quantile_cont(transit_hours, 0.9) as delivered_transit_hours_p90,
        median(acceptance_lag_hours) as acceptance_lag_hours_p50
    from marts.fct_shipments
    where is_first_delivery
    group by all
)
select
    *,
    on_time / nullif(due, 0)::double as on_time_rate, null::double as on_time_rate_low, null::double as on_time_rate_high,
    null::double as on_time_commitment_rate, null::double as on_time_commitment_rate_low,
    null::double as on_time_commitment_rate_high, null::double as first_attempt_rate,
    due < 30 as is_suppressed, due < 100 as is_grey
from counted;

create table marts.fct_orders as
select
    shop, source, order_id, replace(order_id, 'O', '#') as order_number, 'token' as customer_token,
    ordered_at, cast(local(ordered_at) as date) as ordered_date, null::timestamp as cancelled_at, 'web' as channel, 'USD' as currency, 50.00 as order_amount,
    'US' as destination_country, marts.fct_shipments.destination_region, marts.fct_shipments.promised_date,
    1 as parcels, is_due, is_on_time, is_on_time and chance(i, 'full') < .98 as is_on_time_in_full, false as is_after_as_of
from marts.fct_shipments
join made on shipment_id = 'P' || lpad(i::varchar, 6, '0');

create table marts.order_delivery as
select
    shop, destination_country, destination_region, monday(promised_date) as week, count_if(is_due)::int as due,
    count_if(is_due and is_on_time)::int as on_time, count_if(is_due and is_on_time_in_full)::int as on_time_in_full
from marts.fct_orders
where is_due
group by all;

create table marts.wismo_daily as
select
    'demo' as shop, cast(local(ordered_at) as date) as day, carrier, service,
    count_if(chance(i, 'ticket') < .11)::int as tickets,
    count_if(chance(i, 'ticket') < .06)::int as wismo_tickets,
    count_if(chance(i, 'ticket') between .06 and .08)::int as delivery_problem_tickets,
    count_if(chance(i, 'ticket') < .02)::int as avoidable_tickets,
    count(*)::int as orders_placed, 40 as parcels_open
from made
where ordered_at < as_of()
group by all;

create table ops.settings (key varchar, value varchar);
insert into ops.settings values
    ('shop', 'demo'), ('time_zone', 'America/New_York'), ('reporting_currency', 'USD'),
    ('thresholds.suppress_under', '30'), ('thresholds.grey_under', '100'), ('costs.per_contact', '6.0');

create table ops.publications as
select * from (values
    ('20261102T090000', as_of() - interval 1 day, $published_at::timestamp - interval 1 day, true, 'first build', '0.1.0',
     'p1', 'a1', 'b1', 11::bigint, 'c1', 11::bigint, 9.5::double, 12.5::double, 'published', '{}'),
    ('20261103T090000', as_of(), $published_at::timestamp, false, '', '0.1.0',
     'p1', 'a1', 'b1', 14::bigint, 'c2', 3::bigint, 11.25::double, 14.0::double, 'published_with_gaps', '{}')
) as t(run_id, as_of, published_at, is_full, full_reason, code_version, project_hash, seeds_hash, settings_hash, batches,
       batches_hash, new_batches, cpu_seconds, wall_seconds, outcome, rows_json);

create table ops.freshness as
select * from (values
    ('exports', 'orders', as_of() - interval 2 hour, as_of() - interval 1 hour, 36, false),
    ('exports', 'shipments', as_of() - interval 3 hour, as_of() - interval 1 hour, 36, false),
    ('three_pl', 'scans', as_of() - interval 52 hour, as_of() - interval 51 hour, 36, true),
    ('helpdesk', 'tickets', null, null, 36, true)
) as t(source, entity, newest_record_at, last_batch_at, policy_hours, is_stale);

create table ops.loads as
select * from (values
    ('exports', 'orders', '', 'orders-2026-11-03.csv', 'b01', 1, 3100, 3090, 4, 6, 0, 0, 'accepted', '',
     as_of() - interval 1 day, as_of(), as_of() - interval 20 minute, 1.2),
    ('exports', 'shipments', '', 'orders-2026-11-03.csv', 'b02', 2, 3100, 2940, 0, 0, 160, 0, 'accepted', '',
     as_of() - interval 1 day, as_of(), as_of() - interval 19 minute, 1.4),
    ('three_pl', 'scans', '', 'scans-2026-11-01.jsonl.gz', 'b03', 3, 41200, 41111, 89, 0, 0, 0, 'accepted', '',
     as_of() - interval 4 day, as_of() - interval 2 day, as_of() - interval 18 minute, 2.9),
    ('three_pl', 'scans', '', 'scans-2026-11-02.jsonl.gz', 'b04', 4, 900, 700, 200, 0, 0, 0, 'held',
     '22.2 % of its rows were rejected, more than the 5 % allowed', as_of() - interval 2 day, as_of() - interval 1 day,
     as_of() - interval 17 minute, 0.6)
) as t(source, entity, label, file, batch_id, seq, read, landed, quarantined, duplicate, not_applicable, retired,
       outcome, message, min_at, max_at, landed_at, seconds);

create table ops.quarantine as
select * from (values
    ('three_pl', 'scans', 'occurred_at is not a time', 230::bigint, 2::bigint,
     '[{"row": 17, "occurred_at": "31/31/2026 08:00", "status_code": "OFD"}, {"row": 90, "occurred_at": "soon", "status_code": "DLV"}]'),
    ('three_pl', 'scans', 'tracking_number is missing', 59::bigint, 1::bigint, '[{"row": 4, "status_code": "DLV"}]'),
    ('exports', 'orders', 'ordered_at is missing', 4::bigint, 1::bigint, 'not json')
) as t(source, entity, reason, rows, batches, samples_json);

create table ops.unmapped_codes as
select * from (values ('three_pl', 'ontrac', 'Z9', 41), ('three_pl', 'veho', 'HANDOFF', 7))
    as t(source, carrier, status_code, rows);

create table ops.checks as
select * from (values
    ('20261103T090000', as_of(), 'fct_orders', 'unique_order_id', true, 'error', 0::bigint, '[]'),
    ('20261103T090000', as_of(), 'fct_scans', 'no_scan_before_label', false, 'warn', 12::bigint, '["P000012"]'),
    ('20261103T090000', as_of(), 'carrier_scorecard', 'delivered_open_ended', true, 'error', 0::bigint, '[]'),
    ('20261102T090000', as_of() - interval 1 day, 'fct_orders', 'unique_order_id', false, 'error', 1::bigint, '[]')
) as t(run_id, checked_at, asset, check_name, passed, severity, failures, examples_json);

create table ops.restatements as
select * from (values
    ('20261103T090000', as_of(), 'carrier_scorecard', '2026-09-21', '{"carrier": "usps", "service": "priority"}', 'on_time',
     41::bigint, 43::bigint, 'late data'),
    ('20261103T090000', as_of(), 'order_delivery', '2026-09-21', '{"destination_region": "NY"}', 'on_time',
     120::bigint, 122::bigint, 'late data')
) as t(run_id, restated_at, table_name, week, key_json, column_name, old_value, new_value, reason);

drop table made;
drop macro chance; drop macro hours; drop macro monday; drop macro as_of; drop macro local;
