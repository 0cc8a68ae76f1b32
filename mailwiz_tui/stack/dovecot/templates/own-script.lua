-- Managed by mailwiz-tui: the next apply writes this file again.
-- Own settings: /etc/dovecot/mailwiz.d/*.conf.
--
-- A login with its domain in its own script (anna@bücher.example, a U-label of RFC 5890) gets the name that the
-- mailbox has (anna@xn--bcher-kva.example, RFC 3492). This holds for every domain, whoever made it. Passwords are
-- compared by the password databases that follow. https://doc.dovecot.org/2.4.1/core/config/auth/databases/lua.html

-- Capital letters outside ASCII: the first, the last, the step between them, the distance to the small letter
local CAPITALS = {
  -- Latin
  { 0x00C0, 0x00D6, 1, 32 }, { 0x00D8, 0x00DE, 1, 32 }, { 0x0100, 0x012E, 2, 1 }, { 0x0132, 0x0136, 2, 1 },
  { 0x0139, 0x0147, 2, 1 }, { 0x014A, 0x0176, 2, 1 }, { 0x0178, 0x0178, 1, -121 }, { 0x0179, 0x017D, 2, 1 },
  { 0x1E00, 0x1E94, 2, 1 }, { 0x1E9E, 0x1E9E, 1, -7615 }, { 0x1EA0, 0x1EFE, 2, 1 },
  -- Greek
  { 0x0386, 0x0386, 1, 38 }, { 0x0388, 0x038A, 1, 37 }, { 0x038C, 0x038C, 1, 64 }, { 0x038E, 0x038F, 1, 63 },
  { 0x0391, 0x03A1, 1, 32 }, { 0x03A3, 0x03AB, 1, 32 },
  -- Cyrillic
  { 0x0400, 0x040F, 1, 80 }, { 0x0410, 0x042F, 1, 32 }, { 0x0460, 0x0480, 2, 1 }, { 0x048A, 0x04BE, 2, 1 },
  { 0x04C0, 0x04C0, 1, 15 }, { 0x04C1, 0x04CD, 2, 1 }, { 0x04D0, 0x052E, 2, 1 },
  -- Armenian
  { 0x0531, 0x0556, 1, 48 },
}
-- Full stops of East Asian keyboards (RFC 3490 section 3.1)
local STOPS = { [0x3002] = 0x2E, [0xFF0E] = 0x2E, [0xFF61] = 0x2E }
local LONGEST_LABEL = 63

local function small(letter)
  for _, range in ipairs(CAPITALS) do
    if letter >= range[1] and letter <= range[2] and (letter - range[1]) % range[3] == 0 then
      return letter + range[4]
    end
  end
  return STOPS[letter] or letter
end

local function digit(value)
  return string.char(value < 26 and value + 0x61 or value + 0x16)
end

-- RFC 3492 section 6.1
local function adapted(delta, points, first)
  delta = delta // (first and 700 or 2)
  delta = delta + delta // points
  local bias = 0
  while delta > 455 do
    delta = delta // 35
    bias = bias + 36
  end
  return bias + 36 * delta // (delta + 38)
end

-- RFC 3492 section 6.3
local function a_label(label)
  local points, written = {}, {}
  for _, point in utf8.codes(label) do
    points[#points + 1] = point
    if point < 0x80 then
      written[#written + 1] = string.char(point)
    end
  end
  if #points == #written or #points > LONGEST_LABEL then
    return label
  end
  local basic = #written
  if basic > 0 then
    written[#written + 1] = "-"
  end
  local handled, delta, bias, least = basic, 0, 72, 0x80
  while handled < #points do
    local nearest = math.maxinteger
    for _, point in ipairs(points) do
      if point >= least and point < nearest then
        nearest = point
      end
    end
    delta = delta + (nearest - least) * (handled + 1)
    least = nearest
    for _, point in ipairs(points) do
      if point < least then
        delta = delta + 1
      elseif point == least then
        local rest, position = delta, 36
        while true do
          local threshold = math.max(1, math.min(26, position - bias))
          if rest < threshold then
            break
          end
          written[#written + 1] = digit(threshold + (rest - threshold) % (36 - threshold))
          rest = (rest - threshold) // (36 - threshold)
          position = position + 36
        end
        written[#written + 1] = digit(rest)
        bias = adapted(delta, handled + 1, handled == basic)
        delta, handled = 0, handled + 1
      end
    end
    delta, least = delta + 1, least + 1
  end
  return "xn--" .. table.concat(written)
end

function auth_passdb_lookup(request)
  local user = request.user or ""
  local mailbox, domain = user:match("^(.+)@([^@]+)$")
  if domain and domain:find("[\x80-\xFF]") and utf8.len(domain) then
    local letters = {}
    for _, letter in utf8.codes(domain) do
      letters[#letters + 1] = utf8.char(small(letter))
    end
    local name = table.concat(letters):gsub("[^.]+", a_label)
    return dovecot.auth.PASSDB_RESULT_OK, { user = mailbox .. "@" .. name, noauthenticate = "yes" }
  end
  return dovecot.auth.PASSDB_RESULT_NEXT, ""
end
