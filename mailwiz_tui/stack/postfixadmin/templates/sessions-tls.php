            PDO::MYSQL_ATTR_SSL_CA => '{= peers =}',
            PDO::MYSQL_ATTR_SSL_CERT => '{= certificate =}',
            PDO::MYSQL_ATTR_SSL_KEY => '{= key =}',
            PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => true,
