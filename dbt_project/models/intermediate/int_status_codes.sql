-- One row per source, carrier (null: any carrier) and status code: what the vendor's code means in our words.
--
-- A source's own map wins; a code that is one of our milestones means itself; anything else stays unknown.
{{ config(materialized='table') }}

with own as (
    select source, carrier, status_code, milestone, incident
    from {{ source('control', 'status_map') }}
),

ours as (
    select feeds.source, cast(null as varchar) as carrier, milestones.milestone as status_code, milestones.milestone,
        cast(null as varchar) as incident
    from {{ source('control', 'source_settings') }} as feeds
    cross join {{ ref('milestones') }} as milestones
),

unioned as (
    select * from own
    union all
    select ours.*
    from ours
    left join own
        on ours.source = own.source and ours.status_code = own.status_code
    where own.source is null
)

select
    unioned.source,
    unioned.carrier,
    unioned.status_code,
    unioned.milestone,
    unioned.incident,
    case
        when unioned.incident is null then null
        when split_part(unioned.incident, '_', 1) in ('carrier', 'merchant', 'recipient', 'customs', 'weather', 'authority')
            then split_part(unioned.incident, '_', 1)
        else 'unknown'
    end as fault
from unioned
inner join {{ ref('milestones') }} as milestones
    on unioned.milestone = milestones.milestone
