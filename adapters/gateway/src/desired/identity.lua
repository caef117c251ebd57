-- Identity headers from the token that the plugin jwt has verified. Kong's sandbox has neither
-- table.concat nor string.rep nor a JSON reader.
local ISSUERS, AUDIENCE, HIDE_TOKEN = {@ISSUERS@}, @AUDIENCE@, @HIDE_TOKEN@

local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000),
      0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

-- Errors of the reader end in a refusal.
local read
local function skip(text, at) return (string.find(text, "[^ \t\r\n]", at)) end

local function read_text(text, at)
  local result, from = "", at + 1
  while true do
    local found = string.find(text, '["\\]', from)
    result = result .. string.sub(text, from, found - 1)
    if string.sub(text, found, found) == '"' then return result, found + 1 end
    local kind = string.sub(text, found + 1, found + 1)
    from = found + 2
    if kind == "u" then
      local code = tonumber(string.sub(text, found + 2, found + 5), 16)
      from = found + 6
      if code >= 0xD800 and code < 0xDC00 and string.sub(text, from, from + 1) == "\\u" then
        local low = tonumber(string.sub(text, from + 2, from + 5), 16)
        code, from = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00), from + 6
      end
      result = result .. utf8(code)
    else
      result = result .. (ESCAPES[kind] or error("escape"))
    end
  end
end

local function read_members(text, at, close, add)
  at = skip(text, at + 1)
  if string.sub(text, at, at) == close then return at + 1 end
  while true do
    at = skip(text, add(at))
    local sign = string.sub(text, at, at)
    if sign == close then return at + 1 end
    if sign ~= "," then error("separator") end
    at = skip(text, at + 1)
  end
end

function read(text, at, depth)
  if depth > 16 then error("depth") end
  local sign = string.sub(text, at, at)
  local value = {}
  if sign == '"' then return read_text(text, at) end
  if sign == "{" then
    at = read_members(text, at, "}", function(at)
      if string.sub(text, at, at) ~= '"' then error("name") end
      local name, next = read_text(text, at)
      next = skip(text, next)
      if string.sub(text, next, next) ~= ":" then error("colon") end
      value[name], next = read(text, skip(text, next + 1), depth + 1)
      return next
    end)
    return value, at
  end
  if sign == "[" then
    at = read_members(text, at, "]", function(at)
      local element, next = read(text, at, depth + 1)
      value[#value + 1] = element
      return next
    end)
    return value, at
  end
  local word = string.match(text, "^[%w%.%+%-]+", at)
  at = at + #word
  if word == "true" then return true, at end
  if word == "false" then return false, at end
  if word == "null" then return nil, at end
  return tonumber(word) or error("value"), at
end

local PADDING = { [0] = "", [2] = "==", [3] = "=" }

local function claims_of(token)
  local payload = string.match(token, "^[^%.]+%.([^%.]+)%.[^%.]*$")
  payload = string.gsub(string.gsub(payload, "%-", "+"), "_", "/")
  local text = ngx.decode_base64(payload .. PADDING[#payload % 4])
  local claims = read(text, skip(text, 1), 0)
  if type(claims) ~= "table" then error("claims") end
  return claims
end

local function contains(list, wanted)
  if type(list) ~= "table" then return list == wanted end
  for _, one in ipairs(list) do
    if one == wanted then return true end
  end
  return false
end

-- Visible characters only; true if the claim is absent or usable.
local function set_header(name, value)
  if value == nil then return true end
  if type(value) == "table" then
    local joined
    for _, one in ipairs(value) do joined = joined and joined .. " " .. one or one end
    value = joined or ""
  end
  if type(value) ~= "string" then return false end
  value = string.gsub(value, "[^\32-\126]", function(byte)
    return string.format("%%%02X", string.byte(byte))
  end)
  if #value > 8192 then return false end
  kong.service.request.set_header(name, value)
  return true
end

return function()
  kong.service.request.clear_header("X-Authenticated-UserId")
  kong.service.request.clear_header("X-Authenticated-Scope")
  local token = kong.ctx.shared.authenticated_jwt_token
  local ok, claims = pcall(claims_of, token)
  if not ok or not contains(ISSUERS, claims.iss) or not contains(claims.aud, AUDIENCE)
    or not set_header("X-Authenticated-UserId", claims.authenticated_userid)
    or not set_header("X-Authenticated-Scope", claims.scope) then
    return kong.response.exit(401, { message = "Unauthorized" },
      { ["WWW-Authenticate"] = 'Bearer error="invalid_token"' })
  end
  if HIDE_TOKEN then kong.service.request.clear_header("Authorization") end
end
