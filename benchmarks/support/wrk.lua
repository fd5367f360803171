-- Repeats one request from the environment: {n} in the body is a new number each time, {k} in path
-- and body a random number from 1 to VERITAS_BENCH_MOST; VERITAS_BENCH_ITEMS bodies form a JSON
-- array.
-- Prints one line of JSON at the end.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  method = os.getenv("VERITAS_BENCH_METHOD")
  path = os.getenv("VERITAS_BENCH_PATH")
  template = os.getenv("VERITAS_BENCH_BODY")
  items = tonumber(os.getenv("VERITAS_BENCH_ITEMS"))
  most = tonumber(os.getenv("VERITAS_BENCH_MOST"))
  headers = {
    ["Authorization"] = "Bearer " .. os.getenv("VERITAS_BENCH_KEY"),
    ["Content-Type"] = "application/json",
  }
  math.randomseed(tonumber(os.getenv("VERITAS_BENCH_SEED")) + number)
  run = string.format("%x-", math.random(2 ^ 30))
  sent = 0
end

local function body()
  sent = sent + 1
  local filled = template:gsub("{n}", run .. sent):gsub("{k}", tostring(math.random(most)))
  return filled
end

function request()
  if items == 0 then
    return wrk.format(method, path:gsub("{k}", tostring(math.random(most))), headers, body())
  end
  local bodies = {}
  for item = 1, items do
    bodies[item] = body()
  end
  return wrk.format(method, path, headers, "[" .. table.concat(bodies, ",") .. "]")
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "lost": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
