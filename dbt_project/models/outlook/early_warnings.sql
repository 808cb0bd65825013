-- One row per carrier or lane whose deliveries fall short of what is usual: since when, by how much, how sure.
--
-- Of parcels with the carrier on each of the last 28 days, so many deliveries are expected, by service and operating days
-- since hand-over as in the 8 weeks before. A running sum (CUSUM) of the shortfall in standard errors, less half a one a
-- day, that reaches the threshold is a warning. The threshold follows from the false alarms a quarter that settings allow,
-- over all series watched (Siegmund's approximation for independent normal days).
{%- set as_of = as_of() %}
{%- set today = 'cast(' ~ as_of ~ ' as date)' %}

with lives as (
    select
        shipment_id,
        coalesce(shipments.carrier, 'unknown') as carrier,
        lane,
        coalesce(service, 'unknown') as service,
        coalesce(destination_country, 'unknown') as destination_country,
        cast(accepted_at as date) as began,
        cast(coalesce(delivered_local, ended_at) as date) as ended,
        end_milestone = 'delivered' as is_delivered
    from {{ ref('fct_shipments') }} as shipments
    where accepted_at > {{ add_days(as_of, -100) }} and accepted_at <= {{ as_of }} and is_first_delivery
),

days as (
    select
        lives.carrier,
        lives.lane,
        lives.service,
        operating.day,
        least(operating.operating_no - started.operating_no, 20) as age,
        case when lives.is_delivered and lives.ended = operating.day then 1 else 0 end as delivered
    from lives
    inner join {{ ref('int_operating_days') }} as started
        on lives.carrier = started.carrier and lives.destination_country = started.destination_country and lives.began = started.day
    inner join {{ ref('int_operating_days') }} as operating
        on lives.carrier = operating.carrier and lives.destination_country = operating.destination_country
        and operating.is_operating and operating.day > lives.began and operating.day < {{ today }}
        and operating.day <= coalesce(lives.ended, {{ today }}) and operating.operating_no <= started.operating_no + 20
),

usual as (
    select carrier, lane, service, age, cast(sum(delivered) as double) as delivered, count(*) as parcels
    from days
    where day < {{ add_days(today, -28) }} and day >= {{ add_days(today, -84) }}
    group by all
),

chances as (
    select service, age, sum(delivered) / sum(parcels) as chance
    from usual
    group by service, age
),

expected as (
    select days.day, days.carrier, days.lane, days.delivered, chances.chance
    from days
    inner join chances
        on days.service = chances.service and days.age = chances.age
    where days.day >= {{ add_days(today, -84) }}
),

series as (
    select 'carrier' as scope, carrier as subject, day, sum(delivered) as delivered, sum(chance) as expected,
        sum(chance * (1 - chance)) as variance
    from expected group by carrier, day
    union all
    select 'lane', lane, day, sum(delivered), sum(chance), sum(chance * (1 - chance))
    from expected group by lane, day
),

-- each against its own level of the weeks before: a slow lane that stays slow is no news
levels as (
    select
        scope, subject,
        sum(delivered) / nullif(sum(expected), 0) as level,
        greatest(var_samp((delivered - expected) / sqrt(variance)), 1.0) as dispersion
    from series
    where day < {{ add_days(today, -28) }} and variance > 0
    group by scope, subject
    having sum(delivered) >= {{ setting('thresholds.grey_under') }}
),

scored as (
    select
        series.scope, series.subject, series.day, series.delivered, series.expected * levels.level as expected,
        (series.expected * levels.level - series.delivered) / sqrt(series.variance * levels.dispersion) as shortfall
    from series
    inner join levels
        on series.scope = levels.scope and series.subject = levels.subject
    where series.day >= {{ add_days(today, -28) }} and series.variance >= 1
),

sums as (
    select *, sum(shortfall - 0.5) over (partition by scope, subject order by day) as total
    from scored
),

cusums as (
    select
        *,
        total - least(min(total) over (partition by scope, subject order by day), 0) as cusum
    from sums
),

watched as (
    select count(*) as series, ln(39.0 * count(*) / {{ setting('predictions.false_alarms_per_quarter') }}) - 1.166 as threshold
    from levels
),

newest as (
    select scope, subject, max(day) as day, max_by(cusum, day) as cusum,
        max(case when total = least_total then day end) as since_day
    from (
        select *, min(total) over (partition by scope, subject) as least_total from cusums
    )
    group by scope, subject
)

select
    newest.scope,
    newest.subject,
    newest.since_day,
    newest.day as newest_day,
    newest.cusum,
    watched.threshold,
    cast(coalesce(recent.delivered, 0) as integer) as delivered_since,
    coalesce(recent.expected, 0.0) as expected_since,
    cast(watched.series as integer) as series_watched,
    cast({{ setting('predictions.false_alarms_per_quarter') }} as double) as false_alarms_per_quarter
from newest
cross join watched
left join (
    select scope, subject, sum(delivered) as delivered, sum(expected) as expected
    from cusums
    where day > {{ add_days(today, -7) }}
    group by scope, subject
) as recent
    on newest.scope = recent.scope and newest.subject = recent.subject
where newest.cusum >= watched.threshold
