
// This server reads the accounts from a copy: after a change the copy is made anew at once.
if (preg_match('#/(?:edit|editactive|delete|password|edit-alias)\.php$#', $_SERVER['SCRIPT_NAME'] ?? '')) {
    register_shutdown_function(function () {
        if (empty($_SESSION['sessid']['username'])) {
            return;
        }
        $socket = @stream_socket_client('unix://{= socket =}', $code, $why, 2);
        if ($socket) {
            stream_set_timeout($socket, 20);
            stream_get_contents($socket);
            fclose($socket);
        }
    });
}
