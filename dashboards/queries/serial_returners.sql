-- One row per row of marts.serial_returners, as it is published.
select * from marts.serial_returners limit 500
