-- Ends a flight, or keeps it in the air.
--
-- KEYS  1 the answer   2 the flight
-- ARGV  1 token   2 "answer", "error", "nothing" or "renew"   3 the answer or the error   4 how long it is kept, ms
-- returns 1 where the flight still was the caller's

local mine = redis.call('GET', KEYS[2]) == 'L' .. ARGV[1]
if ARGV[2] == 'answer' then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
if not mine then return 0 end
if ARGV[2] == 'renew' then
    redis.call('PEXPIRE', KEYS[2], ARGV[4])
elseif ARGV[2] == 'error' then
    redis.call('SET', KEYS[2], 'E' .. ARGV[1] .. ARGV[3], 'PX', ARGV[4])
else
    redis.call('DEL', KEYS[2])
end
return 1
