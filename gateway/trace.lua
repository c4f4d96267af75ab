-- Begins the trace that services go on with. Its id is the request's own, which is random, in the answer and in the log, and
-- which nobody outside chooses; so is whether it is sampled. No span of the door leaves: it would tell paths, which have ids
-- in them, and addresses of people. The generator puts RATIO before it.

local MOST = 0x1000000

function envoy_on_request(handle)
  local headers = handle:headers()
  local id = string.gsub(headers:get("x-request-id") or "", "-", "")
  if string.len(id) ~= 32 then return end
  local flags = tonumber(string.sub(id, -6), 16) < RATIO * MOST and "01" or "00"
  headers:replace("traceparent", "00-" .. id .. "-" .. string.sub(id, 1, 16) .. "-" .. flags)
end
