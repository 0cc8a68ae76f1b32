"""OpenDKIM: signs outgoing mail if the spam filter does not, and verifies signatures of incoming mail."""
