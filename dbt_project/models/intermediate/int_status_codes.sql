-- One row per source, carrier (null: any carrier) and status code: what the vendor's code means in our words.
--
-- A source's own map wins, then what the vendor's seed says; a code that is one of our milestones means itself; anything
-- else stays unknown.
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

-- EasyPost says a status and a detail of it: a row of the seed is about a pair, or about either alone. The pair tells
-- most, then the detail, then the status; a delivery is one whatever its detail.
easypost as (
    select
        statuses.status || '.' || details.status_detail as status_code,
        coalesce(pairs.milestone, details.milestone, statuses.milestone) as milestone,
        case
            when pairs.milestone is not null then pairs.incident
            when details.milestone is not null then details.incident
            else statuses.incident
        end as incident
    from {{ ref('easypost_status_codes') }} as statuses
    inner join {{ ref('easypost_status_codes') }} as details
        on statuses.status_detail is null and details.status is null
    left join {{ ref('easypost_status_codes') }} as pairs
        on statuses.status = pairs.status and details.status_detail = pairs.status_detail
),

vendors as (
    select 'easypost' as connector, status_code, milestone, incident from easypost
    union all
    select 'shopify', status_code, milestone, incident from {{ ref('shopify_event_statuses') }}
    union all
    select 'aftership', status_code, milestone, incident from {{ ref('aftership_subtags') }}
),

of_vendors as (
    select feeds.source, cast(null as varchar) as carrier, vendors.status_code, vendors.milestone, vendors.incident
    from {{ source('control', 'source_settings') }} as feeds
    inner join vendors
        on feeds.connector = vendors.connector
),

unioned as (
    select * from own
    union all
    select others.*
    from (select * from of_vendors union all select * from ours) as others
    left join own
        on others.source = own.source and others.status_code = own.status_code
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
