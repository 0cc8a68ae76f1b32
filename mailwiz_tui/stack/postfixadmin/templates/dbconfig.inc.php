<?php
// Managed by mailwiz-tui: the next apply writes this file again. Add nothing here.
// config.inc.php of Debian's package wants these; config.local.php says the same and more.
$dbuser = 'postfixadmin';
$dbpass = '';
$basepath = '';
$dbname = '{= database =}';
$dbserver = 'localhost';
$dbport = '';
$dbtype = 'mysqli';
