-- One row per carrier event and arrival, from EasyPost, as a canonical scan.
--
-- `datetime` is local where the place is known, though marked Z, and UTC otherwise. EasyPost gives events no id: the
-- tracker, time and code are the identity. When it heard of an event it does not say.
with located as (
    select
        details.*,
        details.status || '.' || coalesce(details.status_detail, 'unknown') as status_code,
        coalesce({{ to_utc('details.datetime', 'coalesce(of_region.time_zone, of_country.time_zone)') }}, details.datetime)
            as occurred_at
    from {{ landing('easypost', 'tracking_details') }} as details
    left join {{ ref('regions') }} as of_region
        on coalesce(details.country, 'US') = of_region.country and details.state = of_region.region
    left join {{ ref('regions') }} as of_country
        on details.country = of_country.country and of_country.region = '*' and details.city is not null
)

select
    located.shop,
    located.source,
    located._seq,
    located._row,
    located._deleted,
    md5(located.tracker_id || '|' || located.status_code || '|' || cast(located.datetime as varchar)) as scan_id,
    located.carrier,
    located.tracking_code as tracking_number,
    located.occurred_at,
    located.status_code,
    located.city,
    located.state as region,
    located.country,
    {{ add_minutes('located.occurred_at', 'feeds.latency_minutes') }} as known_at,
    'occurred_plus_latency' as known_at_basis
from located
left join {{ source('control', 'source_settings') }} as feeds
    on located.source = feeds.source
