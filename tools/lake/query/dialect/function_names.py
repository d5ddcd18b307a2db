"""The functions that both Athena and DuckDB have, by whatever name DuckDB has them."""

from typing import Final

#: `tests/views/test_grammar.py` compares them with Trino's.
FUNCTIONS: Final = frozenset("""
    abs acos all_match any_match any_value approx_distinct approx_percentile arbitrary
    array_agg array_distinct array_except array_first array_intersect array_join array_last
    array_max array_min array_position array_remove array_sort asin atan atan2 avg bit_count
    bitwise_and bitwise_and_agg bitwise_not bitwise_or bitwise_or_agg bitwise_xor
    bitwise_xor_agg bool_and bool_or cardinality cbrt ceil ceiling chr coalesce concat
    concat_ws contains corr cos cosh cosine_distance count count_if covar_pop covar_samp
    cume_dist current_date current_time current_timestamp current_timezone date date_add
    date_diff date_format date_parse date_trunc day day_of_month day_of_week day_of_year
    degrees dense_rank dot_product dow doy element_at ends_with euclidean_distance exp extract
    filter first_value flatten floor format format_datetime from_base from_base32 from_base64
    from_hex from_iso8601_date from_iso8601_timestamp from_iso8601_timestamp_nanos
    from_unixtime from_utf8 geometric_mean greatest grouping histogram hour if infinity
    is_finite is_infinite is_nan json_array json_array_contains json_array_length json_exists
    json_extract json_extract_scalar json_format json_object json_parse json_query json_value
    kurtosis lag last_day_of_month last_value lead least length levenshtein_distance listagg
    ln localtime localtimestamp log log10 log2 lower lpad ltrim map map_agg map_concat
    map_entries map_from_entries map_keys map_values max max_by md5 millisecond min min_by
    minute mod month nan none_match normalize now nth_value ntile nullif overlay
    parse_datetime percent_rank pi position pow power quarter radians rand random rank reduce
    regexp_count regexp_extract regexp_extract_all regexp_like regexp_replace regexp_split
    regr_intercept regr_slope repeat replace reverse round row row_number rpad rtrim second
    sequence sha1 sha256 sha512 shuffle sign sin sinh skewness slice soundex split split_part
    split_to_map sqrt starts_with stddev stddev_pop stddev_samp strpos substr substring sum
    tan tanh timezone timezone_hour timezone_minute to_base to_base32 to_base64 to_char to_hex
    to_milliseconds to_timestamp to_unixtime to_utf8 transform translate trim truncate try
    try_cast typeof upper url_decode url_encode uuid var_pop var_samp variance version week
    week_of_year width_bucket year year_of_week
    """.split())
