-- One row per row of outlook.at_risk, as it is published.
select * from outlook.at_risk limit 500
