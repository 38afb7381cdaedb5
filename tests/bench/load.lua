-- Sends the lines of a file in turn for so many seconds; then sends nothing more and lets the last answers come
-- in, so that what was answered is exactly what was sent. Arguments: the file, the access token, seconds, the
-- number of connections, the path to post each line to under a fresh Idempotency-Key ("GET": each line is a path
-- to be read), and the actor where there is one.
local ffi = require "ffi"
ffi.cdef [[
  typedef struct { long seconds; long micros; } bench_moment;
  int gettimeofday(bench_moment *moment, void *zone);
]]
local moment = ffi.new("bench_moment")
local FOREVER = 3600 * 1000
local threads = {}
local heads, bodies, place = {}, {}, 0

local function now()
  ffi.C.gettimeofday(moment, nil)
  return tonumber(moment.seconds) + tonumber(moment.micros) / 1e6
end

local function seed()
  local source = io.open("/dev/urandom", "rb")
  local number = 0
  for byte in source:read(6):gmatch(".") do number = number * 256 + byte:byte() end
  source:close()
  math.randomseed(number)
end

function setup(thread) table.insert(threads, thread) end

function init(args)
  local file, token, path, actor = args[1], args[2], args[5], args[6]
  seconds, connections, resting = tonumber(args[3]), tonumber(args[4]), 0
  seed()
  local common = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nAuthorization: Bearer " .. token
  if actor then common = common .. "\r\nActor: " .. actor end
  for line in io.lines(file) do
    if path == "GET" then
      table.insert(heads, "GET " .. line .. common .. "\r\n\r\n")
    else
      table.insert(heads, "POST " .. path .. common .. "\r\nContent-Type: application/json\r\nContent-Length: "
        .. #line .. "\r\nIdempotency-Key: ")
      table.insert(bodies, "\r\n\r\n" .. line)
    end
  end
end

function request()
  local r = math.random
  place = place % #heads + 1
  if #bodies == 0 then return heads[place] end
  local key = string.format("%04x%04x-%04x-4%03x-%04x-%04x%04x%04x", r(0, 65535), r(0, 65535), r(0, 65535),
    r(0, 4095), r(32768, 49151), r(0, 65535), r(0, 65535), r(0, 65535))
  return heads[place] .. key .. bodies[place]
end

-- Called before each request of a connection, so after each answer too.
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
