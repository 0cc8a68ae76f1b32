
CREATE USER IF NOT EXISTS {= account =} IDENTIFIED BY '';
ALTER USER {= account =} IDENTIFIED BY '' REQUIRE SUBJECT '/CN={= name =}' WITH MAX_USER_CONNECTIONS 20;
REVOKE ALL PRIVILEGES, GRANT OPTION FROM {= account =};
GRANT SELECT ON `{= database =}`.`domain` TO {= account =};
GRANT SELECT ON `{= database =}`.`alias` TO {= account =};
GRANT SELECT ON `{= database =}`.`alias_domain` TO {= account =};
GRANT SELECT ON `{= database =}`.`mailwiz_store` TO {= account =};
GRANT SELECT{= usage =} ON `{= database =}`.`quota2` TO {= account =};
GRANT SELECT ({= columns =})
    ON `{= database =}`.`mailbox` TO {= account =};{= secrets =}
