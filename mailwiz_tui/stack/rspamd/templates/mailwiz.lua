-- Managed by mailwiz-tui: the next apply writes this file again.
-- Own rules: another file in /etc/rspamd/lua.local.d/.
--
-- Symbols for /etc/rspamd/local.d/force_actions.conf. mailwiz-message-checks, the milter before this one, tells in
-- X-Mailwiz-Served whether an address is of a domain that the plan or the accounts have; it removes what clients send
-- under that name. https://rspamd.com/doc/lua/rspamd_config.html
local function served(task, place)
  local said = task:get_header('X-Mailwiz-Served')
  return said ~= nil and (' ' .. said .. ' '):find(' ' .. place .. ' ', 1, true) ~= nil
end

rspamd_config:register_symbol({
  name = 'MAILWIZ_OWN_FROM',
  type = 'normal',
  flags = 'nostat',
  score = 0.0,
  group = 'mailwiz',
  description = 'The From address is of a domain served here',
  callback = function(task)
    return served(task, 'header')
  end,
})

rspamd_config:register_symbol({
  name = 'MAILWIZ_OWN_MAIL_FROM',
  type = 'normal',
  flags = 'nostat',
  score = 0.0,
  group = 'mailwiz',
  description = 'The envelope sender is of a domain served here',
  callback = function(task)
    return served(task, 'envelope')
  end,
})

rspamd_config:register_symbol({
  name = 'MAILWIZ_TRUSTED',
  type = 'normal',
  flags = 'nostat',
  score = 0.0,
  group = 'mailwiz',
  description = 'Sent by an authenticated user or by this host itself',
  callback = function(task)
    local ip = task:get_from_ip()
    if task:get_user() or not ip or not ip:is_valid() or ip:is_local() then
      return true
    end
    return false
  end,
})

-- A signature for the domain in From, or for the organisation that it belongs to, proves who sent the message, where
-- the domain has no DMARC record, too (RFC 6376; alignment as in RFC 9989).
-- https://rspamd.com/doc/lua/rspamd_task.html
local rspamd_util = require 'rspamd_util'
rspamd_config:register_symbol({
  name = 'MAILWIZ_SIGNED_BY_AUTHOR',
  type = 'normal',
  flags = 'nostat',
  score = 0.0,
  group = 'mailwiz',
  description = 'The message has a valid signature for the domain in From',
  callback = function(task)
    local from = task:get_from('mime')
    local valid = task:get_symbol('R_DKIM_ALLOW')
    if not from or not from[1] or not valid or not valid[1] then
      return false
    end
    local organisation = rspamd_util.get_tld((from[1].domain or ''):lower())
    for _, option in ipairs(valid[1].options or {}) do
      local signer = option:match('^([^:]+):')
      if signer and rspamd_util.get_tld(signer:lower()) == organisation then
        return true
      end
    end
    return false
  end,
})
rspamd_config:register_dependency('MAILWIZ_SIGNED_BY_AUTHOR', 'DKIM_CHECK')

-- A message that came from outside with a domain of this server in From can leave again, forwarded by a user's filter.
-- No user wrote it, so it is not signed. It still has X-Mailwiz-Served, which is removed from what users send.
local signing = rspamd_config:get_all_opt('dkim_signing')
if signing and signing.enabled ~= false then
  rspamd_config:add_condition('DKIM_SIGNED', function(task)
    return task:get_header('X-Mailwiz-Served') == nil
  end)
end
