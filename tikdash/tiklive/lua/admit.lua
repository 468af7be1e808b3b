-- Decides over one request: breakers, pause, places in flight, the key's bucket with its turns, the tenant's bucket.
-- All or nothing: what refuses takes nothing, and nothing is taken elsewhere. Times are milliseconds of this server's
-- clock. Tokens are counted in sixty-thousandths of a request: a bucket of N a minute gains N of them a millisecond,
-- so that all of it is whole numbers.
--
-- KEYS  1 key (hash: tokens at paused turn failures until probe probe_until)
--       2 the tenant at this key (hash: tokens at turn)
--       3 places in flight (zset: lease -> its end)
--       4 waiting tenants (zset: tenant -> its turn)   5 (zset: tenant -> when its waiting is forgotten)
--       6 breaker of the upstream (hash: failures until probe probe_until)
--       7 not read here   8 version of the tenant's key (string), where keys have versions
-- ARGV  1 lease   2 tenant   3 numbers, packed as big-endian doubles because many arguments cost more than the script:
--       now, 0 for the server's clock · length of the lease · key: requests a minute, at once, places in flight ·
--       tenant: requests a minute, 0 where the key is its own, at once · tokens and places that are kept for people who
--       wait · how long a breaker stays open · how long a waiting tenant is remembered beyond the wait it is told
--       4 version of the key with which the request would be made, empty for none; only with KEYS 8
-- returns {admitted, wait_ms, reason, probe}; reasons are those of tikdash.tiklive.admission.Reason,
--         probe is 1 for the upstream's breaker, 2 for the key's, 3 for both

local ONE = 60000
local PLACE_WAIT, PROBE_WAIT, LONGEST_TURN = 250, 1000, 30000
local PLACES_KEPT, LONGEST_PLACE_WAIT = 2, 5000
local TENANT_KEPT = 3600000

local lease, tenant = ARGV[1], ARGV[2]
local now, length, key_rate, key_burst, places, tenant_rate, tenant_burst, held, open_ms, patience =
    struct.unpack('>dddddddddd', ARGV[3])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A key that was swapped meanwhile is not used any more.
if KEYS[8] and (redis.call('GET', KEYS[8]) or '') ~= ARGV[4] then return {0, 0, 8, 0} end

-- How long a breaker refuses (0: it lets pass), and whether this request would be its probe.
local function breaker(until_, probe_until)
    if not until_ then return 0, false end
    local left = tonumber(until_) - now
    if left > 0 and left <= open_ms then return left, false end
    if probe_until and now < tonumber(probe_until) then return PROBE_WAIT, false end
    return 0, true
end

-- A bucket's tokens now; `new` is what one holds that was never used, or was forgotten.
local function filled(tokens, at, rate, burst, new)
    if not tokens then return new * ONE end
    return math.min(burst * ONE, tonumber(tokens) + math.max(0, now - tonumber(at)) * rate)
end

-- A bucket fills from when it is written down: at the first look, and anew after this server's clock has stepped back.
local function keep(name, tokens, at, now_tokens)
    if not tokens or tonumber(at) > now then redis.call('HSET', name, 'tokens', now_tokens, 'at', now) end
end

local function until_filled(wanted, tokens, rate)
    return math.max(1, math.ceil((wanted - tokens) / rate))
end

local up = redis.call('HMGET', KEYS[6], 'until', 'probe_until')
local wait, probes_upstream = breaker(up[1], up[2])
if wait > 0 then return {0, wait, 6, 0} end

local key = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'paused', 'turn', 'until', 'probe_until')
local probes_key
wait, probes_key = breaker(key[5], key[6])
if wait > 0 then return {0, wait, 5, 0} end
if key[3] and now < tonumber(key[3]) then return {0, tonumber(key[3]) - now, 7, 0} end

places = math.max(1, places - held)
local free = places - redis.call('ZCARD', KEYS[3])
if free <= PLACES_KEPT then
    -- Those whose lease has ended are taken out where they matter.
    free = free + redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
end
-- A single request: with a full burst every flush would let that much more through.
local tokens = filled(key[1], key[2], key_rate, key_burst, 1)
keep(KEYS[1], key[1], key[2], tokens)
held = math.min(held, key_burst - 1)
local first = tonumber(key[4] or 0)

if tenant_rate == 0 then
    if free < 1 then return {0, PLACE_WAIT, 4, 0} end
    local wanted = (1 + held) * ONE
    if tokens < wanted then return {0, until_filled(wanted, tokens, key_rate), 1, 0} end
else
    local own = redis.call('HMGET', KEYS[2], 'tokens', 'at', 'turn')
    local own_tokens = filled(own[1], own[2], tenant_rate, tenant_burst, tenant_burst)
    keep(KEYS[2], own[1], own[2], own_tokens)
    -- Without a share of its own a tenant's waiting would hold back others for a request that cannot be made.
    if own_tokens < ONE then return {0, until_filled(ONE, own_tokens, tenant_rate), 3, 0} end

    -- Turns: every request of a tenant moves its turn one on, nobody's turn lies before that of those who wait
    -- longest, and those before you among the waiting have a token kept for each.
    local turn = math.max(first, tonumber(own[3] or 0))
    local ahead, line = 0, 0
    local anyone_waits = redis.call('ZCARD', KEYS[4]) > 0
    if anyone_waits then
        for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now)) do
            redis.call('ZREM', KEYS[4], name)
            redis.call('ZREM', KEYS[5], name)
        end
        local waiting = redis.call('ZSCORE', KEYS[4], tenant)
        turn = tonumber(waiting or turn)
        ahead = redis.call('ZCOUNT', KEYS[4], '-inf', '(' .. turn)
        -- Those of the same turn have the same right, and whoever comes first is served. But told the same wait, all of
        -- them would come back for one token: for the wait alone they stand in line.
        line = waiting and redis.call('ZRANK', KEYS[4], tenant) or redis.call('ZCOUNT', KEYS[4], '-inf', turn)
    end
    local wanted = (1 + held + ahead) * ONE
    -- What is kept for the absent must not be lost: a bucket about to overflow is for whoever is here, and so are all
    -- places but two.
    local enough = math.min(wanted, math.max(1 + held, key_burst - 1) * ONE)
    local reason = 0
    if free < math.min(1 + ahead, 1 + PLACES_KEPT, places) then
        wait, reason = math.min(PLACE_WAIT * (1 + line), LONGEST_PLACE_WAIT), 4
    elseif tokens < enough then
        local one = until_filled((1 + held) * ONE, tokens, key_rate)
        wait = math.max(one, math.min(until_filled((1 + held + line) * ONE, tokens, key_rate), LONGEST_TURN))
        reason = ahead > 0 and 2 or 1
    end
    if reason > 0 then
        redis.call('ZADD', KEYS[4], turn, tenant)
        redis.call('ZADD', KEYS[5], now + wait + patience, tenant)
        redis.call('PEXPIRE', KEYS[4], TENANT_KEPT)
        redis.call('PEXPIRE', KEYS[5], TENANT_KEPT)
        return {0, wait, reason, 0}
    end
    if anyone_waits then
        redis.call('ZREM', KEYS[4], tenant)
        redis.call('ZREM', KEYS[5], tenant)
        local longest = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
        first = math.max(first, longest and math.min(turn, tonumber(longest)) or turn)
    else
        first = turn
    end
    redis.call('HSET', KEYS[2], 'tokens', own_tokens - ONE, 'at', now, 'turn', turn + 1)
    if not own[3] then redis.call('PEXPIRE', KEYS[2], TENANT_KEPT) end
end

redis.call('HSET', KEYS[1], 'tokens', tokens - ONE, 'at', now, 'turn', first)
redis.call('ZADD', KEYS[3], now + length, lease)
local probe = 0
if probes_upstream then
    redis.call('HSET', KEYS[6], 'probe', lease, 'probe_until', now + math.max(length, open_ms))
    probe = 1
end
if probes_key then
    redis.call('HSET', KEYS[1], 'probe', lease, 'probe_until', now + math.max(length, open_ms))
    probe = probe + 2
end
return {1, 0, 0, probe}
