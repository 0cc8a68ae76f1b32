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

-- A message that came from outside with a domain of this server in From can leave again, forwarded by a user's filter.
-- No user wrote it, so it is not signed. It still has X-Mailwiz-Served, which is removed from what users send.
local signing = rspamd_config:get_all_opt('dkim_signing')
if signing and signing.enabled ~= false then
  rspamd_config:add_condition('DKIM_SIGNED', function(task)
    return task:get_header('X-Mailwiz-Served') == nil
  end)
end
