-- Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
-- The mailbox domains of the plan. A domain that left the plan takes no more mail; its accounts stay.
-- Domains added elsewhere (in PostfixAdmin) are not touched.
USE `{= database =}`;

INSERT INTO `domain` (`domain`, `description`, `transport`, `backupmx`, `created`, `modified`, `active`)
VALUES
{= rows =}
ON DUPLICATE KEY UPDATE `active` = 1, `backupmx` = 0, `modified` = NOW();

UPDATE `domain` SET `active` = 0, `modified` = NOW()
WHERE `description` = 'mailwiz-tui plan' AND `active` = 1 AND `domain` NOT IN ({= names =});
