-- Managed by mailwiz-tui: the next apply writes this file again.
-- Own rules: a file in /etc/rspamd/lua.local.d/.
--
-- Debian 12 has Rspamd 3.4. Rspamd reads that folder by itself from 3.6 on.
local rspamd_util = require "rspamd_util"

for _, path in ipairs(rspamd_util.glob(rspamd_paths['LOCAL_CONFDIR'] .. '/lua.local.d/*.lua') or {}) do
  dofile(path)
end
