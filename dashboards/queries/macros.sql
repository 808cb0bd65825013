-- Wilson's score interval at 95 %, on counts: the one home of the formula in the dashboards, equal to the marts' own.
create or replace temp macro wilson_low(hits, total) as case
    when total = 0 then null
    when hits = 0 then 0.0::double
    else (
        hits::double + pow(1.959963984540054, 2) / 2
        - 1.959963984540054 * sqrt(hits::double * (total - hits) / total + pow(1.959963984540054, 2) / 4)
    ) / (total + pow(1.959963984540054, 2))
end;
create or replace temp macro wilson_high(hits, total) as case
    when total = 0 then null
    when hits = total then 1.0::double
    else (
        hits::double + pow(1.959963984540054, 2) / 2
        + 1.959963984540054 * sqrt(hits::double * (total - hits) / total + pow(1.959963984540054, 2) / 4)
    ) / (total + pow(1.959963984540054, 2))
end;
