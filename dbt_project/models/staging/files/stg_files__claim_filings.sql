-- One row per claim filed with a carrier and arrival, from every file source: landing already holds the canonical entity.
select * from {{ landing('files', 'claim_filings') }}
