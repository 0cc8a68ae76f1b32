"""OpenDKIM: signs outgoing mail where the filter does not, and looks at signatures of incoming mail."""
