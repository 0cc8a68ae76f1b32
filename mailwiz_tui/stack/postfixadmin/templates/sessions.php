<?php
// Managed by mailwiz-tui: the next apply writes this file again. Nothing here is meant to be changed.
// Sessions of PostfixAdmin in MariaDB (accounts), because any of several servers may get the next request of one. PHP runs
// this file before each page. https://www.php.net/manual/en/class.sessionhandlerinterface.php
final class MailwizSessions implements SessionHandlerInterface, SessionUpdateTimestampHandlerInterface
{
    private ?PDO $database = null;

    public function open($path, $name): bool
    {
        $this->database = new PDO('{= source =}', '{= user =}', '', [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_TIMEOUT => 10,
{= options =}        ]);
        return true;
    }

    // The lock of the session goes with the connection.
    public function close(): bool
    {
        $this->database = null;
        return true;
    }

    public function read($id): string
    {
        $this->ask('SELECT GET_LOCK(?, 60)', [substr($this->key($id), 0, 60)]);
        $data = $this->ask('SELECT data FROM mailwiz_session WHERE id = ?', [$this->key($id)])->fetchColumn();
        return $data === false ? '' : $data;
    }

    // The time is MariaDB's: the clocks of the servers may differ.
    public function write($id, $data): bool
    {
        $this->ask(
            'INSERT INTO mailwiz_session (id, data, changed) VALUES (?, ?, UNIX_TIMESTAMP())'
            . ' ON DUPLICATE KEY UPDATE data = VALUES(data), changed = VALUES(changed)',
            [$this->key($id), $data]
        );
        return true;
    }

    public function updateTimestamp($id, $data): bool
    {
        return $this->write($id, $data);
    }

    // Only identifiers that were made here are accepted (session.use_strict_mode), and none that has ended.
    public function validateId($id): bool
    {
        $question = 'SELECT 1 FROM mailwiz_session WHERE id = ? AND changed > UNIX_TIMESTAMP() - ?';
        $seconds = (int) ini_get('session.gc_maxlifetime');
        return (bool) $this->ask($question, [$this->key($id), $seconds])->fetchColumn();
    }

    public function destroy($id): bool
    {
        $this->ask('DELETE FROM mailwiz_session WHERE id = ?', [$this->key($id)]);
        return true;
    }

    public function gc($seconds): int
    {
        return $this->ask('DELETE FROM mailwiz_session WHERE changed <= UNIX_TIMESTAMP() - ?', [$seconds])->rowCount();
    }

    private function key(string $id): string
    {
        return hash('sha256', $id);
    }

    private function ask(string $statement, array $values): PDOStatement
    {
        $asked = $this->database->prepare($statement);
        $asked->execute($values);
        return $asked;
    }
}

session_set_save_handler(new MailwizSessions(), true);
