-- One row per carrier event and arrival, from every file source: landing already holds the canonical entity.
--
-- An event without an id is identified by its parcel, code and time. known_at is the arrival time that the file states,
-- else the event's time plus the latency in the source's settings: never the time of loading.
select
    scans.* replace (
        coalesce(
            scans.scan_id,
            md5(scans.tracking_number || '|' || scans.status_code || '|' || cast(scans.occurred_at as varchar))
        ) as scan_id,
        coalesce(scans.known_at, {{ add_minutes('scans.occurred_at', 'feeds.latency_minutes') }}, scans.occurred_at) as known_at
    ),
    case when scans.known_at is null then 'occurred_plus_latency' else 'reported' end as known_at_basis
from {{ landing('files', 'scans') }} as scans
left join {{ source('control', 'source_settings') }} as feeds
    on scans.source = feeds.source
