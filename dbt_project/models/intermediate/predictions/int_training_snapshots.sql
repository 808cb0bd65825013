-- One row per case of int_training_cases: what was known at its moment, with what became of it.
--
-- Columns that begin with outcome_ are the answers; all others are those of int_open_snapshots, by the same definition.
{{ config(materialized='table', tags=['training']) }}
{%- set cases %}
    select kind, case_id, shipment_id, order_id, moment, delivered_date, is_gone from {{ ref('int_training_cases') }}
{%- endset %}
{{ snapshots_with_outcomes(cases) }}
