-- Reads paths in turn for so many seconds; then sends nothing more and lets the last answers come in.
-- Arguments: a file with one path a line, the access token, seconds, the number of connections, the actor or "".
local ffi = require "ffi"
ffi.cdef [[
  typedef struct { long seconds; long micros; } bench_moment;
  int gettimeofday(bench_moment *moment, void *zone);
]]
local moment = ffi.new("bench_moment")
local FOREVER = 3600 * 1000
local threads = {}
local requests_, place = {}, 0

local function now()
  ffi.C.gettimeofday(moment, nil)
  return tonumber(moment.seconds) + tonumber(moment.micros) / 1e6
end

function setup(thread) table.insert(threads, thread) end

function init(args)
  local file, token, actor = args[1], args[2], args[5] or ""
  seconds, connections, resting = tonumber(args[3]), tonumber(args[4]), 0
  if actor ~= "" then actor = "\r\nActor: " .. actor end
  for path in io.lines(file) do
    table.insert(requests_, "GET " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
      .. "\r\nAuthorization: Bearer " .. token .. actor .. "\r\n\r\n")
  end
end

function request()
  place = place % #requests_ + 1
  return requests_[place]
end

function delay()
  local at = now()
  began = began or at
  if at - began < seconds then return 0 end
  resting, ended = resting + 1, at
  return FOREVER
end

function done(summary, latency, requests)
  local thread = threads[1]
  local faults = summary.errors
  io.write(string.format(
    '\n{"answered": %d, "seconds": %.6f, "resting": %d, "refused": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, thread:get("ended") - thread:get("began"), thread:get("resting"), faults.status,
    faults.connect + faults.read + faults.write + faults.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
