-- One row per row of outlook.promise_recommendation, as it is published.
select * from outlook.promise_recommendation limit 500
