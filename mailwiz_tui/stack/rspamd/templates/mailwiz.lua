-- Managed by mailwiz-tui: the next apply writes this file again.
-- Own rules: another file in /etc/rspamd/lua.local.d/.
--
-- Two symbols for /etc/rspamd/local.d/force_actions.conf.
rspamd_config:register_symbol({
  name = 'MAILWIZ_AUTHENTICATED',
  type = 'normal',
  flags = 'nostat',
  score = 0.0,
  group = 'mailwiz',
  description = 'Sent by an authenticated user',
  callback = function(task)
    if task:get_user() then
      return true
    end
    return false
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
