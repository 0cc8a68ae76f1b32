<?php
// Managed by mailwiz-tui: the next apply writes this file again. Nothing here is meant to be changed.
// The servers read the accounts from copies. After a change of the password this plugin waits until this server's copy has
// it: otherwise the next request would log the user out. Another server that gets the next request has its copy made anew
// first. https://github.com/roundcube/roundcubemail/wiki/Plugin-Hooks
class mailwiz_accounts extends rcube_plugin
{
    public $task = '?(?!login|logout).*';

    // In seconds: copies are made anew every 30 s.
    private const PATIENCE = 45;
    // By then every copy has the change.
    private const KNOWN = 60;

    public function init()
    {
        $this->add_hook('password_change', [$this, 'changed']);
        $change = $_SESSION['mailwiz_change'] ?? null;
        if ($change && !in_array(gethostname(), $change['copied'], true)) {
            if (time() - $change['at'] < self::KNOWN) {
                $this->copy_again();
            }
            $_SESSION['mailwiz_change']['copied'][] = gethostname();
        }
    }

    public function changed($args)
    {
        $this->copy_again();
        $_SESSION['mailwiz_change'] = ['at' => time(), 'copied' => [gethostname()]];
        $end = time() + self::PATIENCE;
        while (!$this->opens($args['new_pass']) && time() < $end) {
            sleep(3);
        }
        return $args;
    }

    private function copy_again()
    {
        $socket = @stream_socket_client('unix://{= socket =}', $code, $why, 5);
        if ($socket) {
            stream_set_timeout($socket, 30);
            stream_get_contents($socket);
            fclose($socket);
        }
    }

    private function opens($password)
    {
        $rcmail = rcmail::get_instance();
        $imap = new rcube_imap_generic();
        $options = [
            'port' => 993,
            'ssl_mode' => 'ssl',
            'timeout' => 10,
            'socket_options' => $rcmail->config->get('imap_conn_options'),
        ];
        $open = $imap->connect('localhost', $rcmail->get_user_name(), $password, $options);
        $imap->closeConnection();
        return $open;
    }
}
