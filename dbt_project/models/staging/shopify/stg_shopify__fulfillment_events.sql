-- One row per carrier's event of a fulfilment and arrival, from Shopify, as a canonical scan. `created_at` is when Shopify
-- heard of it.
select
    events.shop,
    events.source,
    events._seq,
    events._row,
    events._deleted,
    'shopify-' || split_part(events.id, '/', -1) as scan_id,
    events.tracking_company as carrier,
    events.tracking_number,
    events.happened_at as occurred_at,
    upper(events.status) as status_code,
    events.city,
    events.province as region,
    events.country,
    coalesce(events.created_at, {{ add_minutes('events.happened_at', 'feeds.latency_minutes') }}) as known_at,
    case when events.created_at is null then 'occurred_plus_latency' else 'reported' end as known_at_basis
from {{ landing('shopify', 'fulfillment_events') }} as events
left join {{ source('control', 'source_settings') }} as feeds
    on events.source = feeds.source
where events.tracking_number is not null
