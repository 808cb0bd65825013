-- One row per case of int_training_cases: what was known at its moment, with what became of it.
--
-- Columns that begin with outcome_ are the answers; all others are those of int_open_snapshots, by the same definition.
{{ config(materialized='table', tags=['training']) }}
{%- set cases %}
    select kind, case_id, shipment_id, order_id, moment from {{ ref('int_training_cases') }}
{%- endset %}

with snapshots as (
    {{ snapshots(cases, none) }}
)

select
    snapshots.*,
    delivered.operating_no - snapshots.operating_no as outcome_days,
    -- whole operating days that an open parcel has survived since
    today.operating_no - snapshots.operating_no - 1 as outcome_survived_days,
    cases.is_gone as outcome_is_gone,
    cases.delivered_date as outcome_delivered_date
from snapshots
inner join {{ ref('int_training_cases') }} as cases
    on snapshots.kind = cases.kind and snapshots.case_id = cases.case_id and snapshots.moment = cases.moment
left join {{ ref('int_operating_days') }} as delivered
    on snapshots.carrier = delivered.carrier and snapshots.destination_country = delivered.destination_country
    and cases.delivered_date = delivered.day
left join {{ ref('int_operating_days') }} as today
    on snapshots.carrier = today.carrier and snapshots.destination_country = today.destination_country
    and cast({{ as_of() }} as date) = today.day
