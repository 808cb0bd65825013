-- One row per carrier event and arrival, from AfterShip, as a canonical scan.
--
-- Times carry the place's offset; one without is the place's local time, so far as the place is known. AfterShip gives
-- checkpoints no id: tracking, time, code and place are the identity. `created_at` is when AfterShip heard of it.
with located as (
    select
        checkpoints.*,
        coalesce(checkpoints.subtag, checkpoints.tag, 'unknown') as status_code,
        coalesce(names.country, checkpoints.country_region) as country,
        case
            when checkpoints.is_local
                then coalesce(
                    {{ to_utc('checkpoints.checkpoint_time', 'coalesce(of_region.time_zone, of_country.time_zone)') }},
                    checkpoints.checkpoint_time
                )
            else checkpoints.checkpoint_time
        end as occurred_at
    from {{ landing('aftership', 'checkpoints') }} as checkpoints
    left join {{ ref('country_codes') }} as names
        on checkpoints.country_region = names.alpha_3
    left join {{ ref('regions') }} as of_region
        on coalesce(names.country, checkpoints.country_region, 'US') = of_region.country
        and checkpoints.state = of_region.region
    left join {{ ref('regions') }} as of_country
        on coalesce(names.country, checkpoints.country_region) = of_country.country and of_country.region = '*'
)

select
    located.shop,
    located.source,
    located._seq,
    located._row,
    located._deleted,
    'aftership-' || md5(
        located.tracking_id || '|' || located.status_code || '|' || cast(located.checkpoint_time as varchar)
        || '|' || coalesce(located.city, '') || '|' || coalesce(located.state, '')
    ) as scan_id,
    {{ aftership_carrier('located.slug') }} as carrier,
    located.tracking_number,
    located.occurred_at,
    located.status_code,
    located.city,
    located.state as region,
    located.country,
    coalesce(located.created_at, {{ add_minutes('located.occurred_at', 'feeds.latency_minutes') }}) as known_at,
    case when located.created_at is null then 'occurred_plus_latency' else 'reported' end as known_at_basis
from located
left join {{ source('control', 'source_settings') }} as feeds
    on located.source = feeds.source
