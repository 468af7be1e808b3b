-- Adds ARGV[1] to the counter KEYS[1] if it is there: a count that began with one call would hide all earlier ones.
if redis.call('EXISTS', KEYS[1]) == 1 then
    return redis.call('INCRBY', KEYS[1], ARGV[1])
end
return false
