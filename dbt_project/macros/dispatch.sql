{#- Where DuckDB and Spark differ. One macro a difference; models use nothing outside the common subset and these. -#}

{#- Whole seconds from one moment to the next (negative when `later` comes first). -#}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between', 'wherehouse')(earlier, later)) }}{% endmacro %}
{% macro default__seconds_between(earlier, later) %}date_diff('second', {{ earlier }}, {{ later }}){% endmacro %}
{% macro spark__seconds_between(earlier, later) %}timestampdiff(second, {{ earlier }}, {{ later }}){% endmacro %}

{#- Hours with fraction; exact, since both ends are whole seconds. -#}
{% macro hours_between(earlier, later) %}(cast({{ seconds_between(earlier, later) }} as double) / 3600.0){% endmacro %}

{#- Whole calendar days from one date to the next. -#}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'wherehouse')(earlier, later)) }}{% endmacro %}
{% macro default__days_between(earlier, later) %}date_diff('day', cast({{ earlier }} as date), cast({{ later }} as date)){% endmacro %}
{% macro spark__days_between(earlier, later) %}datediff(cast({{ later }} as date), cast({{ earlier }} as date)){% endmacro %}

{% macro add_days(moment, days) %}{{ return(adapter.dispatch('add_days', 'wherehouse')(moment, days)) }}{% endmacro %}
{% macro default__add_days(moment, days) %}({{ moment }} + to_days(cast({{ days }} as integer))){% endmacro %}
{% macro spark__add_days(moment, days) %}timestampadd(day, {{ days }}, {{ moment }}){% endmacro %}

{% macro add_minutes(moment, minutes) %}{{ return(adapter.dispatch('add_minutes', 'wherehouse')(moment, minutes)) }}{% endmacro %}
{% macro default__add_minutes(moment, minutes) %}({{ moment }} + to_minutes(cast({{ minutes }} as bigint))){% endmacro %}
{% macro spark__add_minutes(moment, minutes) %}timestampadd(minute, {{ minutes }}, {{ moment }}){% endmacro %}

{#- UTC moment -> wall clock of a zone, and back. A zone that is the literal 'UTC' costs nothing. -#}
{% macro to_local(moment, zone) %}{{ return(adapter.dispatch('to_local', 'wherehouse')(moment, zone)) }}{% endmacro %}
{% macro default__to_local(moment, zone) %}
{%- if zone == "'UTC'" -%}{{ moment }}{%- else -%}timezone({{ zone }}, timezone('UTC', {{ moment }})){%- endif -%}
{% endmacro %}
{% macro spark__to_local(moment, zone) %}from_utc_timestamp({{ moment }}, {{ zone }}){% endmacro %}

{% macro to_utc(wall_clock, zone) %}{{ return(adapter.dispatch('to_utc', 'wherehouse')(wall_clock, zone)) }}{% endmacro %}
{% macro default__to_utc(wall_clock, zone) %}
{%- if zone == "'UTC'" -%}cast({{ wall_clock }} as timestamp){%- else -%}timezone('UTC', timezone({{ zone }}, cast({{ wall_clock }} as timestamp))){%- endif -%}
{% endmacro %}
{% macro spark__to_utc(wall_clock, zone) %}to_utc_timestamp({{ wall_clock }}, {{ zone }}){% endmacro %}

{#- Every day from first to last (dates, both included) as column `day`. -#}
{% macro days_spine(first, last) %}{{ return(adapter.dispatch('days_spine', 'wherehouse')(first, last)) }}{% endmacro %}
{% macro default__days_spine(first, last) %}select cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1' day)) as date) as day{% endmacro %}
{% macro spark__days_spine(first, last) %}select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as day{% endmacro %}

{#- A number that equal keys share, for cheap set tests only: unequal keys may share it too. -#}
{% macro key_hash(column) %}hash({{ column }}){% endmacro %}

{#- A fixed number from 0 to 1 for each text, for drawing samples: the same text always gives the same. -#}
{% macro share_of(text) %}{{ return(adapter.dispatch('share_of', 'wherehouse')(text)) }}{% endmacro %}
{% macro default__share_of(text) %}((hash({{ text }}) % 1000000) / 1000000.0){% endmacro %}
{% macro spark__share_of(text) %}(pmod(xxhash64({{ text }}), 1000000) / 1000000.0){% endmacro %}

{% macro month_label(day) %}(cast(extract(year from {{ day }}) as varchar) || '-' || right('0' || cast(extract(month from {{ day }}) as varchar), 2)){% endmacro %}

{#- The order of events of one parcel, as one number: by time, then by the place of the milestone in a parcel's life. -#}
{% macro event_order() %}(epoch_us(occurred_at) * 16 + milestone_rank){% endmacro %}

{#- Microseconds since 1970 as a UTC moment. -#}
{% macro moment_of(microseconds) %}{{ return(adapter.dispatch('moment_of', 'wherehouse')(microseconds)) }}{% endmacro %}
{% macro default__moment_of(microseconds) %}make_timestamp({{ microseconds }}){% endmacro %}
{% macro spark__moment_of(microseconds) %}timestamp_micros({{ microseconds }}){% endmacro %}

{#- Division of integers, the rest left out. -#}
{% macro whole_part(number, divisor) %}{{ return(adapter.dispatch('whole_part', 'wherehouse')(number, divisor)) }}{% endmacro %}
{% macro default__whole_part(number, divisor) %}({{ number }} // {{ divisor }}){% endmacro %}
{% macro spark__whole_part(number, divisor) %}({{ number }} div {{ divisor }}){% endmacro %}

{#-
All values of a group as a sorted list; the longest step from one number of such a list to the next, in whole units; a row
for each value of a list.
-#}
{% macro sorted_list(value) %}{{ return(adapter.dispatch('sorted_list', 'wherehouse')(value)) }}{% endmacro %}
{% macro default__sorted_list(value) %}list_sort(list({{ value }})){% endmacro %}
{% macro spark__sorted_list(value) %}array_sort(collect_list({{ value }})){% endmacro %}

{% macro longest_step(numbers, unit) %}{{ return(adapter.dispatch('longest_step', 'wherehouse')(numbers, unit)) }}{% endmacro %}
{% macro default__longest_step(numbers, unit) %}
list_max(list_transform(list_zip({{ numbers }}[2:], {{ numbers }}[:-2]), lambda step: step[1] // {{ unit }} - step[2] // {{ unit }}))
{%- endmacro %}
{% macro spark__longest_step(numbers, unit) %}
array_max(zip_with(slice({{ numbers }}, 2, size({{ numbers }})), slice({{ numbers }}, 1, size({{ numbers }}) - 1),
    (later, earlier) -> later div {{ unit }} - earlier div {{ unit }}))
{%- endmacro %}

{% macro each(list) %}{{ return(adapter.dispatch('each', 'wherehouse')(list)) }}{% endmacro %}
{% macro default__each(list) %}unnest({{ list }}){% endmacro %}
{% macro spark__each(list) %}explode({{ list }}){% endmacro %}

{#- Rows of two relations, columns matched by their names, absent ones null. -#}
{% macro union_by_name() %}{{ return(adapter.dispatch('union_by_name', 'wherehouse')()) }}{% endmacro %}
{% macro default__union_by_name() %}union all by name{% endmacro %}
