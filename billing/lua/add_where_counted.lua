-- Adds to counters that are there: a count that began with one call would hide all earlier ones. Where a counter is
-- just being summed from the ledger, the call is noted beside it (`:since`): the sum may not have seen it.
-- KEYS: counters; ARGV: what to add to each.
for i, counter in ipairs(KEYS) do
    local amount = ARGV[i]
    if amount ~= '0' then
        if redis.call('EXISTS', counter) == 1 then
            redis.call('INCRBY', counter, amount)
        elseif redis.call('EXISTS', counter .. ':since') == 1 then
            redis.call('INCRBY', counter .. ':since', amount)
        end
    end
end
return 1
