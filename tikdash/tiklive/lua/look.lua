-- Looks for a cached answer; where there is none, says who fetches it.
--
-- KEYS  1 the answer ("MMMMMMMMMMMMM…": measured at, 13 digits of unix milliseconds, then the rest)
--       2 the flight ("L" and the leader's token, or "E", the leader's token and an error)
-- ARGV  1 token (32 characters)   2 lease of a flight, ms   3 unix ms after which the answer must have been measured
--       4 the token of the leader that the caller has been waiting for, or nothing
-- returns {1, answer}, {2} you fetch it, {3, leader} somebody else does, {4, error} your leader failed

local answer = redis.call('GET', KEYS[1])
if answer and tonumber(string.sub(answer, 1, 13)) > tonumber(ARGV[3]) then return {1, answer} end
local flight = redis.call('GET', KEYS[2])
if flight then
    local state, leader = string.sub(flight, 1, 1), string.sub(flight, 2, 33)
    if state == 'L' then return {3, leader} end
    -- An error is for those who were waiting for it. Who comes later tries again.
    if leader == ARGV[4] then return {4, string.sub(flight, 34)} end
end
redis.call('SET', KEYS[2], 'L' .. ARGV[1], 'PX', ARGV[2])
return {2}
