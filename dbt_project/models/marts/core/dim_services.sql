-- One row per carrier ('*': any), service, destination and time of validity: what the service promises, and its guarantee.
{{ config(materialized='table') }}

select
    carrier,
    service,
    service_level,
    destination,
    valid_from,
    coalesce(valid_to, date '9999-12-31') as valid_to,
    transit_days,
    cutoff,
    money_back as is_money_back,
    late_claim_days,
    exclusions
from {{ ref('carrier_services') }}
