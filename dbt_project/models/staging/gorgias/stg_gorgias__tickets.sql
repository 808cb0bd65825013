-- One row per ticket and arrival, from Gorgias, as a canonical ticket. Spam is none.
select
    shop,
    source,
    _seq,
    _row,
    _deleted or coalesce(spam, false) as _deleted,
    'gorgias-' || id as ticket_id,
    order_id,
    order_name as order_number,
    tracking_number,
    customer_external_id_token as customer_token,
    customer_email_token as email_token,
    created_datetime as created_at,
    channel,
    status,
    score,
    tags,
    topic,
    topic_confidence,
    topic_basis,
    topic_rules_version
from {{ landing('gorgias', 'tickets') }}
