-- One row per customer (token) whose returns stand out, the surest first.
select
    customer_token, orders, sold_lines, returned_lines, line_return_rate, shrunk_return_rate, shrunk_return_rate_low,
    shop_return_rate, bracketed_lines, returned_bracketed_lines, count(*) over () as matching
from marts.serial_returners
order by shrunk_return_rate_low desc, customer_token
limit 500
