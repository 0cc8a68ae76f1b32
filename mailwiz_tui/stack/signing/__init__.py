"""The domains that this server signs with DKIM: those of the plan and all mailbox domains of the accounts."""
