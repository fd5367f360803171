-- One POST over and over: {n} in the body is a new number each time, {k} one from 1 to 100.
-- Prints one line of JSON at the end.

local thread_count = 0

function setup(thread)
  thread:set("thread_number", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  template = os.getenv("VERITAS_BENCH_BODY")
  path = os.getenv("VERITAS_BENCH_PATH")
  headers = {
    ["Authorization"] = "Bearer " .. os.getenv("VERITAS_BENCH_KEY"),
    ["Content-Type"] = "application/json",
  }
  math.randomseed(os.time() * 16 + thread_number)
  run = string.format("%x-%x", math.random(2 ^ 30), thread_number)
  sent = 0
end

function request()
  sent = sent + 1
  local k = tostring(math.random(100))
  local body = template:gsub("{n}", run .. "-" .. sent):gsub("{k}", k)
  return wrk.format(os.getenv("VERITAS_BENCH_METHOD"), path, headers, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "max": %f, "refused": %d, "lost": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
