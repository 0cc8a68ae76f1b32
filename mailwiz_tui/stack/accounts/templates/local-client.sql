CREATE USER IF NOT EXISTS {= account =} IDENTIFIED VIA unix_socket;
ALTER USER {= account =} IDENTIFIED VIA unix_socket WITH MAX_USER_CONNECTIONS {= connections =};
