-- KEYS[1] counts from the ledger's sum ARGV[1] on, and from what has ended since that sum was begun: a call that both
-- have seen counts twice until the next sum, so that the count is never too low. It lives for ARGV[2] seconds.
local since = tonumber(redis.call('GET', KEYS[1] .. ':since') or '0') or 0
if redis.call('SET', KEYS[1], tonumber(ARGV[1]) + since, 'NX', 'EX', ARGV[2]) then
    redis.call('DEL', KEYS[1] .. ':since')
end
return redis.call('GET', KEYS[1])
