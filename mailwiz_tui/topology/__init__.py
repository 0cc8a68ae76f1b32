"""Pure: what follows from the plan about its servers: who stores, filters, signs, relays, and waits for whom."""
