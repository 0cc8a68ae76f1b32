-- Managed by mailwiz-tui: the next apply writes this file again.
-- Own script: SetupPolicyScript in {= own =}. See opendkim-lua(3).
--
-- Mail that came in from outside under a name of ours may leave again, sent on by an alias or by a user's filter, here
-- or by another server of the plan. Nobody here wrote it, so it is not signed. mailwiz-message-checks, the milter where
-- it came in, has marked it, and takes the mark out of what users send. Mail from outside itself is still verified.
if odkim.get_header(ctx, 'X-Mailwiz-Served', 0) ~= nil and odkim.internal_ip(ctx) == 1 then
  odkim.set_result(ctx, SMFIS_ACCEPT)
end
return nil
