-- One row per carrier or lane that delivers less than is usual, the surest first.
select
    scope, subject, since_day, newest_day, delivered_since, expected_since, cusum, threshold, series_watched,
    false_alarms_per_quarter
from outlook.early_warnings
order by cusum / threshold desc, subject
