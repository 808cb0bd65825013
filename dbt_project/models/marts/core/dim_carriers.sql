-- One row per carrier ('*': any other): when it operates and how long its claims stay open.
{{ config(materialized='table') }}

select carrier, carrier_name, operating_days, damage_claim_days, loss_claim_days, claim_form
from {{ ref('carriers') }}
