-- Reads a request that will be refused to its end and keeps nothing of its body, so that the answer comes when the caller
-- has stopped sending. HTTP/2 lets a server answer earlier, by a reset without an error; many clients take that for a
-- failure and show no answer. It decides nothing: what it lets pass by mistake, the filters after it refuse. The
-- generator puts the names and MOST before it: past that many bytes nobody is waited for.

-- Returns why a request is refused although its route would take it.
local function refusal(handle, route)
  if handle:headers():get(OVER) then return LIMITED end
  if route:get("person") and not handle:streamInfo():dynamicMetadata():get(TOKENS) then return NOBODY end
  return nil
end

function envoy_on_request(handle)
  local route = handle:metadata()
  local why = refusal(handle, route)
  if why then
    local headers = handle:headers()
    headers:replace(ASKED, handle:streamInfo():routeName())
    headers:replace(REFUSED, why)
    handle:clearRouteCache()
  elseif not route:get("refuses") then
    return
  end
  local seen = 0
  for chunk in handle:bodyChunks() do
    seen = seen + chunk:length()
    if seen > MOST then return end
    chunk:setBytes("")
  end
end
