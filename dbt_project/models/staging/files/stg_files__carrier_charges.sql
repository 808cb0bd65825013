-- One row per invoiced or rated charge and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'carrier_charges') }}
