-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- PostfixAdmin reads and writes rows of the accounts; it can neither change tables nor grant rights.
{= user =}
GRANT SELECT, INSERT, UPDATE, DELETE ON `{= database =}`.* TO {= account =};{= more =}
