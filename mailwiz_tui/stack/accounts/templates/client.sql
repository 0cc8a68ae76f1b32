SET @gone = (SELECT GROUP_CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user
    WHERE User = '{= user =}' AND Host NOT IN ('localhost', {= addresses =}));
SET @drop = IF(@gone IS NULL, 'DO 0', CONCAT('DROP USER ', @gone));
PREPARE statement FROM @drop;
EXECUTE statement;
DEALLOCATE PREPARE statement;
