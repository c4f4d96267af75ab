-- Reads a body that is refused for its size to its end and keeps nothing of it, so that the answer comes when the caller
-- has stopped sending. HTTP/2 lets a server answer earlier, by a reset without an error; many clients take that for a
-- failure and show no answer. The generator puts MOST before it: past that many bytes nobody is waited for.

function envoy_on_request(handle)
  local seen = 0
  for chunk in handle:bodyChunks() do
    seen = seen + chunk:length()
    if seen > MOST then return end
    chunk:setBytes("")
  end
end
