-- Ends a request: frees its place, and tells the breakers of key and upstream how it went.
--
-- KEYS  1 key   3 places in flight   6 breaker of the upstream   7 breakers that are not closed (zset: name -> until)
--       (2, 4 and 5 as in admit.lua, unused)
-- ARGV  1 now, 0 for the server's clock   2 lease   3 verdict on the upstream   4 verdict on the key:
--       1 it works, 0 nothing can be said, -1 it failed   5 failures that open a breaker   6 how long it stays open
--       7 how long the key pauses, 0 for not at all   8 the key's id
-- returns {upstream, key}: what became of each breaker, 0 nothing, 1 it opened (again), 2 it closed

local now = tonumber(ARGV[1])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local lease, most, open_ms, pause = ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local function open(name, member)
    redis.call('HSET', name, 'until', now + open_ms)
    redis.call('ZADD', KEYS[7], now + open_ms, member)
end

local function judge(name, member, verdict)
    local state = redis.call('HMGET', name, 'failures', 'until', 'probe')
    if state[2] then
        -- While it is open, only its probe counts: others were sent before it opened.
        if state[3] ~= lease then return 0 end
        if verdict == 1 then
            redis.call('HDEL', name, 'failures', 'until', 'probe', 'probe_until')
            redis.call('ZREM', KEYS[7], member)
            return 2
        end
        open(name, member)
        redis.call('HDEL', name, 'probe', 'probe_until')
        return 1
    end
    if verdict == 1 and state[1] then redis.call('HDEL', name, 'failures') end
    if verdict == -1 and redis.call('HINCRBY', name, 'failures', 1) >= most then
        open(name, member)
        return 1
    end
    return 0
end

redis.call('ZREM', KEYS[3], lease)
if pause > 0 then
    local paused = tonumber(redis.call('HGET', KEYS[1], 'paused') or 0)
    redis.call('HSET', KEYS[1], 'paused', math.max(paused, now + pause))
end
return {judge(KEYS[6], 'upstream', tonumber(ARGV[3])), judge(KEYS[1], 'key ' .. ARGV[8], tonumber(ARGV[4]))}
