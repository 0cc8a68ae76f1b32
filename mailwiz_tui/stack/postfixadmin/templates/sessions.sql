-- The sessions of PostfixAdmin: any of several servers may get the next request of one. The key is a hash of the cookie's
-- value (SHA-256), so that nobody can use a session that he reads here.
CREATE TABLE IF NOT EXISTS `{= database =}`.`mailwiz_session` (
  `id` char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `data` mediumblob NOT NULL,
  `changed` int unsigned NOT NULL,
  PRIMARY KEY (`id`),
  KEY `changed` (`changed`)
) ENGINE=InnoDB COMMENT='sessions of the admin panel';
