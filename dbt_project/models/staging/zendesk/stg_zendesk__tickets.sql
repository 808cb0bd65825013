-- One row per ticket and arrival, from Zendesk, as a canonical ticket.
--
-- A requester whom the shop knows by a number of its own has it as external id; otherwise the e-mail address tells.
select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    'zendesk-' || id as ticket_id,
    order_id,
    order_number,
    tracking_number,
    requester_external_id_token as customer_token,
    requester_email_token as email_token,
    created_at,
    channel,
    status,
    coalesce(score, case satisfaction_rating when 'good' then 5.0 when 'bad' then 1.0 end) as score,
    tags,
    topic,
    topic_confidence,
    topic_basis,
    topic_rules_version
from {{ landing('zendesk', 'tickets') }}
