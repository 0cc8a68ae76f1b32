<?php
// Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
// Debian's config.inc.php includes this file; config.local.php sets the same values, and more.
$dbuser = 'postfixadmin';
$dbpass = '';
$basepath = '';
$dbname = '{= database =}';
$dbserver = 'localhost';
$dbport = '';
$dbtype = 'mysqli';
