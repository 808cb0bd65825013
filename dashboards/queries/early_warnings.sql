-- One row per row of outlook.early_warnings, as it is published.
select * from outlook.early_warnings limit 500
