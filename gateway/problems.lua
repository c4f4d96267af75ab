-- Turns a transcoded google.rpc.Status into a problem document (RFC 9457). The generator puts CODES, BY_HTTP,
-- EDGE, BASE, REALM and DPOP before it. It looks at nothing on the way in, and at a success only for its content type.

local STATUS_KEYS = {"type", "title", "status", "detail", "reason", "code", "requestId", "traceId", "retryAfterSeconds"}
local MAX_DEPTH = 12
local ESCAPES = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}

local decode_value

local function skip(s, i)
  return string.find(s, "[^ \t\r\n]", i) or #s + 1
end

local function utf8(n)
  if n < 0x80 then return string.char(n) end
  if n < 0x800 then return string.char(0xC0 + math.floor(n / 64), 0x80 + n % 64) end
  if n < 0x10000 then
    return string.char(0xE0 + math.floor(n / 4096), 0x80 + math.floor(n / 64) % 64, 0x80 + n % 64)
  end
  return string.char(0xF0 + math.floor(n / 262144), 0x80 + math.floor(n / 4096) % 64, 0x80 + math.floor(n / 64) % 64,
    0x80 + n % 64)
end

local function decode_escape(s, i)
  local c = string.sub(s, i, i)
  if c ~= "u" then
    return assert(ESCAPES[c], "escape"), i + 1
  end
  local n = assert(tonumber(string.match(s, "^%x%x%x%x", i + 1), 16), "escape")
  i = i + 5
  if n >= 0xD800 and n < 0xDC00 then
    local low = tonumber(string.match(s, "^\\u(%x%x%x%x)", i) or "", 16)
    if low then
      return utf8(0x10000 + (n - 0xD800) * 1024 + (low - 0xDC00)), i + 6
    end
  end
  return utf8(n), i
end

local function decode_string(s, i)
  local out = {}
  i = i + 1
  while true do
    local stop = assert(string.find(s, '["\\]', i), "string")
    out[#out + 1] = string.sub(s, i, stop - 1)
    if string.sub(s, stop, stop) == '"' then
      return table.concat(out), stop + 1
    end
    out[#out + 1], i = decode_escape(s, stop + 1)
  end
end

local function decode_array(s, i, depth)
  local out = {}
  i = skip(s, i + 1)
  if string.sub(s, i, i) == "]" then return out, i + 1 end
  while true do
    out[#out + 1], i = decode_value(s, i, depth)
    i = skip(s, i)
    local c = string.sub(s, i, i)
    if c == "]" then return out, i + 1 end
    assert(c == ",", "array")
    i = skip(s, i + 1)
  end
end

local function decode_object(s, i, depth)
  local out, key = {}, nil
  i = skip(s, i + 1)
  if string.sub(s, i, i) == "}" then return out, i + 1 end
  while true do
    assert(string.sub(s, i, i) == '"', "key")
    key, i = decode_string(s, i)
    i = skip(s, i)
    assert(string.sub(s, i, i) == ":", "colon")
    out[key], i = decode_value(s, skip(s, i + 1), depth)
    i = skip(s, i)
    local c = string.sub(s, i, i)
    if c == "}" then return out, i + 1 end
    assert(c == ",", "object")
    i = skip(s, i + 1)
  end
end

decode_value = function(s, i, depth)
  assert(depth < MAX_DEPTH, "depth")
  local c = string.sub(s, i, i)
  if c == '"' then return decode_string(s, i) end
  if c == "{" then return decode_object(s, i, depth + 1) end
  if c == "[" then return decode_array(s, i, depth + 1) end
  local word = assert(string.match(s, "^[%w%.+-]+", i), "value")
  local value = tonumber(word)
  if value == nil then value = word == "true" end
  return value, i + #word
end

local function quote(s)
  return '"' .. string.gsub(s, '[%c"\\]', function(c) return string.format("\\u%04x", string.byte(c)) end) .. '"'
end

local function encode(value)
  if type(value) == "string" then return quote(value) end
  return tostring(value)
end

local function encode_map(map)
  local keys, out = {}, {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do out[#out + 1] = quote(key) .. ":" .. encode(map[key]) end
  return "{" .. table.concat(out, ",") .. "}"
end

-- Returns the detail of one type, by the last part of its type's name.
local function detail_of(status, name)
  for _, detail in ipairs(status.details or {}) do
    if string.match(detail["@type"] or "", "[^./]+$") == name then return detail end
  end
  return {}
end

local function camel(name)
  return (string.gsub(name, "_(%l)", string.upper))
end

-- Returns an attribute for WWW-Authenticate; a value that could leave its quotes is left out.
local function attribute(name, value)
  if value == nil or not string.match(value, "^[%w:._/ -]+$") then return "" end
  return ", " .. name .. '="' .. value .. '"'
end

local function challenge(reason, metadata)
  if reason == "PROOF_INVALID" then return DPOP .. ', error="invalid_dpop_proof"' end
  if reason == "TOKEN_NOT_BOUND" then return DPOP .. ', error="invalid_token"' end
  if reason ~= "INSUFFICIENT_USER_AUTHENTICATION" then
    return REALM .. ', error="invalid_token"'
  end
  return REALM .. ', error="insufficient_user_authentication"'
    .. ', error_description="A fresher or stronger login is needed"'
    .. attribute("acr_values", metadata.acr_values) .. attribute("max_age", metadata.max_age)
end

local function encode_document(document, violations, metadata)
  local out = {}
  for _, key in ipairs(STATUS_KEYS) do
    if document[key] ~= nil then out[#out + 1] = quote(key) .. ":" .. encode(document[key]) end
  end
  if #violations > 0 then
    local errors = {}
    for i, each in ipairs(violations) do
      errors[i] = encode_map({field = each.field or "", detail = each.description or "", reason = each.reason or ""})
    end
    out[#out + 1] = '"errors":[' .. table.concat(errors, ",") .. "]"
  end
  if next(metadata) then out[#out + 1] = '"metadata":' .. encode_map(metadata) end
  return "{" .. table.concat(out, ",") .. "}"
end

-- Returns the document and the headers for one status. Without ErrorInfo the status is not of our making (the gRPC
-- library, Envoy's router, the transcoder), and its text is not for callers.
local function problem(status, code, request_id, edge_reason)
  local edge = EDGE[edge_reason or ""]
  local info = detail_of(status, "ErrorInfo")
  local metadata = {}
  for key, value in pairs(info.metadata or {}) do metadata[camel(key)] = value end
  local trace_id = metadata.traceId
  metadata.traceId = nil
  local reason = info.reason or edge_reason or code.name
  local wait = tonumber(string.match(detail_of(status, "RetryInfo").retryDelay or "", "^([%d.]+)s$"))
  if not wait and (code.status == 429 or code.status == 503) then wait = 1 end
  local document = {
    type = BASE .. string.lower(reason),
    title = reason,
    status = edge and edge.status or code.status,
    detail = info.reason and status.message or edge and edge.detail or code.detail,
    reason = reason,
    code = code.name,
    requestId = request_id,
    traceId = trace_id,
    retryAfterSeconds = wait and math.ceil(wait),
  }
  local headers = {["x-ora-reason"] = reason}
  if wait then headers["retry-after"] = tostring(math.ceil(wait)) end
  if code.status == 401 then headers["www-authenticate"] = challenge(reason, info.metadata or {}) end
  return encode_document(document, detail_of(status, "BadRequest").fieldViolations or {}, metadata), headers
end

local function read(text)
  local ok, status = pcall(decode_value, text, skip(text, 1), 0)
  if ok and type(status) == "table" and type(status.code) == "number" then return status end
  return nil
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local http_status = tonumber(headers:get(":status"))
  local edge_reason = headers:get("x-ora-reason")
  if http_status < 400 and not edge_reason then
    local kind = handle:metadata():get("content_type")
    if kind then headers:replace("content-type", kind) end
    return
  end
  -- Envoy's own answer is a document already, unless the call was gRPC: then it is a status without a body.
  if headers:get("content-type") == "application/problem+json" then return end
  local request_id, edge = headers:get("x-request-id"), EDGE[edge_reason or ""]
  local body = handle:body(true)
  local text = body:getBytes(0, body:length())
  local status = read(text) or {code = edge and edge.code or BY_HTTP[http_status] or 2}
  local code = CODES[status.code] or CODES[2]
  local document, extra = problem(status, code, request_id, edge_reason)
  headers = handle:headers() -- the object taken before body() is no longer valid
  headers:replace(":status", tostring(edge and edge.status or code.status))
  headers:replace("content-type", "application/problem+json")
  for name, value in pairs(extra) do headers:replace(name, value) end
  headers:replace("content-length", tostring(body:setBytes(document)))
end
