-- One row per scope (carrier; carrier and service; carrier and lane), period (four weeks; quarter) and clock.
--
-- Everything is made of counts of the scorecard and of parcels, never of rates. Units of one scope, service level, period
-- and clock are judged among themselves: pooled rate, prior and funnel come from that group alone, so history does not move
-- when today does. Clocks: promise; commitment (real attempts stop it); commitment_delivered (only delivery does).
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='period', incremental_strategy='touched', touched_kind='open_period', materialized='incremental') }}
{%- set counts = [
    'entered', 'due', 'on_time', 'on_time_presumed', 'due_commitment', 'on_time_commitment', 'on_time_commitment_delivered', 'promised',
    'on_time_so_far', 'late_so_far', 'committed', 'on_time_commitment_so_far', 'late_commitment_so_far', 'delivered', 'open',
    'ended_otherwise', 'overdue', 'attempted', 'first_attempt_delivered', 'exceptions', 'exceptions_carrier',
    'exceptions_merchant', 'exceptions_recipient', 'exceptions_customs', 'exceptions_weather', 'lost', 'presumed_lost', 'delivery_presumed', 'damaged',
    'returned_to_sender', 'late_merchant', 'late_carrier', 'late_customs', 'late_recipient', 'late_weather', 'costed',
    'invoiced', 'on_time_costed'
] %}
{%- set unit = 'shop, period, period_kind, period_start, scope, carrier, service, service_level, lane' %}
{%- set group = 'shop, period, scope, service_level, clock' %}
{%- set due_of_clock %}case clock when 'promise' then due else due_commitment end{% endset %}
{%- set hits_of_clock %}case clock when 'promise' then on_time when 'commitment' then on_time_commitment
            else on_time_commitment_delivered end{% endset %}
{%- set z95 = '1.959963984540054' %}
{%- set z998 = '3.090232306167813' %}

with weeks as ({{ with_periods(ref('carrier_scorecard'), 'open_period') }}),

hours as ({{ with_periods(ref('delivery_transit_hours'), 'open_period') }}),

scoped as (
    {%- set sums -%}
    {%- for name in counts %}cast(sum({{ name }}) as integer) as {{ name }}, {% endfor -%}
    sum(cost) as cost, sum(cost_due) as cost_due
    {%- endset %}
    {{ by_scope('weeks', sums) }}
),

curves as (
    {{ by_scope('hours', 'transit_hour, sum(delivered) as delivered, sum(delivered + ended_otherwise) as ended, '
        ~ 'sum(delivered + ended_otherwise + censored) as seen') }}
),

-- what follows goes hour by hour, within a number instead of within nine names: half the cost
units as (
    select *, row_number() over () as unit_no from (select distinct {{ unit }} from curves)
),

numbered as (
    select unit_no, transit_hour, delivered, ended, seen from curves inner join units using ({{ unit }})
),

{{ incidence_curves('numbered') }},

transit as (
    select units.* exclude (unit_no), reached.* exclude (unit_no)
    from units
    inner join (
        select
            unit_no,
            {%- for p in [50, 90, 95] %}
            min(case when incidence >= {{ p / 100 }} - 1e-12 then transit_hour end) as transit_hours_p{{ p }},
            {%- endfor %}
            min(case when incidence + {{ z95 }} * deviation >= 0.5 - 1e-12 then transit_hour end) as transit_hours_p50_low,
            min(case when incidence - {{ z95 }} * deviation >= 0.5 - 1e-12 then transit_hour end) as transit_hours_p50_high
        from deviations
        group by unit_no
    ) as reached
        on units.unit_no = reached.unit_no
),

clocks as (
    select 'promise' as clock union all select 'commitment' union all select 'commitment_delivered'
),

clocked as (
    select
        *,
        {{ due_of_clock }} as n,
        {{ hits_of_clock }} as y,
        case clock
            when 'promise' then {{ rate('on_time_so_far', 'promised') }}
            when 'commitment' then {{ rate('on_time_commitment_so_far', 'committed') }}
        end as so_far_low,
        case clock
            when 'promise' then {{ rate('promised - late_so_far', 'promised') }}
            when 'commitment' then {{ rate('committed - late_commitment_so_far', 'committed') }}
        end as so_far_high
    from scoped
    cross join clocks
),

cells as (
    select weeks.*, clock, {{ due_of_clock }} as n, {{ hits_of_clock }} as y
    from weeks
    cross join clocks
),

-- the other carriers on the same lanes and service levels; the carrier itself, all its services, is left out
besides as (
    select
        *,
        sum(n) over (partition by shop, period, service_level, lane, clock)
            - sum(n) over (partition by shop, period, service_level, lane, clock, carrier) as others_n,
        sum(y) over (partition by shop, period, service_level, lane, clock)
            - sum(y) over (partition by shop, period, service_level, lane, clock, carrier) as others_y
    from (
        select shop, period, period_kind, period_start, carrier, service, service_level, lane, clock, sum(n) as n, sum(y) as y
        from cells
        group by all
    )
),

compared as (
    {{ by_scope('(select * from besides where others_n >= ' ~ setting('thresholds.suppress_under') ~ ')',
        'clock, cast(sum(n) as integer) as compared_due, cast(sum(y) as integer) as compared_on_time, '
        ~ 'sum(cast(cast(n as double) * others_y / others_n as decimal(24, 12))) as expected_on_time') }}
),

pooled as (
    select
        {{ group }},
        count(*) as units,
        sum(n) as n,
        sum(y) as y,
        sum(cast(n as bigint) * n) as n_squares,
        sum(cast(cast(y as double) * y / n as decimal(24, 12))) as y_squares,
        cast(sum(y) as double) / sum(n) as centre
    from clocked
    where n > 0
    group by {{ group }}
),

scored as (
    select
        clocked.*,
        pooled.* exclude (shop, period, scope, service_level, clock, n, y),
        pooled.n as group_n,
        pooled.y as group_y,
        (cast(clocked.y as double) / clocked.n - centre) / nullif(sqrt(centre * (1 - centre) / clocked.n), 0) as z
    from clocked
    left join pooled
        on clocked.shop = pooled.shop and clocked.period = pooled.period and clocked.scope = pooled.scope
        and clocked.service_level = pooled.service_level and clocked.clock = pooled.clock and clocked.n > 0
),

-- winsorised: the outer tenth on either side counts as much as its border
borders as (
    select
        {{ group }},
        percentile_cont(0.1) within group (order by z) as z_low,
        percentile_cont(0.9) within group (order by z) as z_high
    from scored
    where z is not null
    group by {{ group }}
),

dispersions as (
    select
        {{ group }},
        cast(sum(cast(power(least(greatest(z, z_low), z_high), 2) as decimal(24, 12))) as double) / count(*) as phi
    from scored
    inner join borders
        using ({{ group }})
    where z is not null
    group by {{ group }}
),

judged as (
    select
        scored.*,
        dispersions.phi,
        -- additive overdispersion: between-unit variance, from what phi exceeds its expectation by
        greatest(0.0, (units * phi - (units - 1)) * centre * (1 - centre) / nullif(group_n - cast(n_squares as double) / group_n, 0)) as tau_squared,
        -- the prior, by moments
        greatest(0.0, (cast(y_squares as double) - cast(group_y as double) * group_y / group_n - (units - 1) * centre * (1 - centre))
            / nullif(group_n - cast(n_squares as double) / group_n, 0)) as between_variance
    from scored
    left join dispersions
        using ({{ group }})
)

select
    judged.shop, judged.period, judged.period_kind, judged.period_start,
    cast(case judged.period_kind
        when 'quarter' then judged.period_start + interval '3' month else judged.period_start + interval '28' day
    end as date) as period_end,
    judged.scope, judged.clock, judged.carrier, judged.service, judged.service_level, judged.lane,
    entered, n as due, y as on_time, n - y as late,
    {%- for name in counts if name not in ['entered', 'due', 'on_time'] %} {{ name }},{% endfor %}
    cost,
    {{ rate('y', 'n') }} as on_time_rate,
    {{ wilson('y', 'n', 'low') }} as on_time_rate_low,
    {{ wilson('y', 'n', 'high') }} as on_time_rate_high,
    n < {{ setting('thresholds.suppress_under') }} as is_suppressed,
    n < {{ setting('thresholds.grey_under') }} as is_grey,
    so_far_low as on_time_so_far_rate_low,
    so_far_high as on_time_so_far_rate_high,
    coalesce(adjusted.overlap, 0.0) as overlap,
    case when adjusted.overlap >= 0.5 then adjusted.estimate end as adjusted_on_time_rate,
    case when adjusted.overlap >= 0.5 then adjusted.low end as adjusted_on_time_rate_low,
    case when adjusted.overlap >= 0.5 then adjusted.high end as adjusted_on_time_rate_high,
    coalesce(compared.compared_due, 0) as compared_due,
    cast(compared.expected_on_time as double) as expected_on_time,
    {{ rate('compared.compared_on_time', 'compared.expected_on_time') }} as observed_to_expected,
    case
        when n = 0 then null
        when between_variance = 0 then centre
        when between_variance >= centre * (1 - centre) then cast(y as double) / n
        else (y + centre * (centre * (1 - centre) / between_variance - 1)) / (n + centre * (1 - centre) / between_variance - 1)
    end as shrunk_on_time_rate,
    centre as funnel_centre,
    phi as funnel_phi,
    {%- for name, z in [('95', z95), ('998', z998)] %}
    case when units >= 3 then greatest(0.0, centre - {{ z }} * sqrt(centre * (1 - centre) / nullif(n, 0) + tau_squared)) end as funnel_low_{{ name }},
    case when units >= 3 then least(1.0, centre + {{ z }} * sqrt(centre * (1 - centre) / nullif(n, 0) + tau_squared)) end as funnel_high_{{ name }},
    {%- endfor %}
    transit_hours_p50,
    transit_hours_p50_low,
    transit_hours_p50_high,
    transit_hours_p90,
    transit_hours_p95,
    {{ rate('first_attempt_delivered', 'attempted') }} as first_attempt_rate,
    {{ rate('exceptions', 'entered') }} as exception_rate,
    {{ rate('exceptions_carrier', 'entered') }} as exception_rate_carrier,
    {{ rate('lost', 'entered') }} as loss_rate,
    {{ rate('damaged', 'entered') }} as damage_rate,
    {{ rate('returned_to_sender', 'entered') }} as return_to_sender_rate,
    {{ rate('cost', 'costed') }} as cost_per_parcel,
    {{ rate('cost_due', 'on_time_costed') }} as cost_per_on_time_parcel,
    {{ rate('invoiced', 'costed') }} as invoiced_share
from judged
left join transit
    using ({{ unit }})
left join compared
    on judged.shop = compared.shop and judged.period = compared.period and judged.scope = compared.scope
    and judged.carrier = compared.carrier and judged.service = compared.service and judged.lane = compared.lane
    and judged.service_level = compared.service_level and judged.clock = compared.clock
left join {{ ref('int_adjusted_rates') }} as adjusted
    on judged.shop = adjusted.shop and judged.period_kind = adjusted.period_kind and judged.period_start = adjusted.period_start
    and judged.clock = adjusted.clock and judged.carrier = adjusted.carrier
    and adjusted.kind = case judged.scope when 'carrier_lane' then 'lane_rate' else 'rate' end
    and judged.service_level = adjusted.service_level and judged.lane = coalesce(adjusted.lane, 'all')
