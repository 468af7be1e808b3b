-- One plain token bucket, the baseline of the limiter's benches: it gains ARGV[1] a minute and holds ARGV[2].
-- KEYS[1] bucket (hash: tokens, at); returns {admitted, wait_ms}.
local rate, burst = tonumber(ARGV[1]) / 60000, tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if bucket[1] then
    tokens = math.min(burst, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * rate)
end
if tokens < 1 then return {0, math.ceil((1 - tokens) / rate)} end
redis.call('HSET', KEYS[1], 'tokens', tokens - 1, 'at', now)
redis.call('PEXPIRE', KEYS[1], 3600000)
return {1, 0}
