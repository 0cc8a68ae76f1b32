-- Managed by mailwiz-tui: the next apply writes this file again.
-- Own script: SetupPolicyScript in {= own =}. See opendkim-lua(3).
--
-- A message that came from outside with a domain of this server in From can leave again, forwarded by an alias or by a
-- user's filter, here or on another server of the plan. No user wrote it, so it is not signed. mailwiz-message-checks,
-- the milter where it came in, has marked it, and removes the mark from what users send. What comes from outside is
-- still verified.
if odkim.get_header(ctx, 'X-Mailwiz-Served', 0) ~= nil and odkim.internal_ip(ctx) == 1 then
  odkim.set_result(ctx, SMFIS_ACCEPT)
end
return nil
