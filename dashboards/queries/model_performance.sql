-- One row per row of outlook.model_performance, as it is published.
select * from outlook.model_performance limit 500
