"""Which domains this server signs for: those of the plan and every mailbox domain that the accounts have."""
